"""Commands of `python -m seeds` and their output."""

import secrets
from collections.abc import Collection, Sequence

from rich.console import Console
from rich.table import Table

from seeds import comments, discovery, follows, likes, posts, safety, saves, users
from seeds.activities import Activity
from seeds.crowd import fill
from seeds.crowd.finalise import finalise
from seeds.crowd.people import username
from seeds.existing_rows import ExistingRows, survey
from seeds.history import HistoryClock, Span
from seeds.progress import Progress
from seeds.sample_users import SAMPLE_USERS, SampleUser
from seeds.timeline import Timeline, build_timeline
from server.clock import SystemClock
from server.control import drop_feeds, hash_password, open_database, open_seed_context
from server.errors import Conflict, NotFound
from server.models.database import Database, DuplicateKey, placeholders
from server.settings import Settings

PASSWORD = "correct horse"
DAYS = 180


async def fill_sample(
    settings: Settings, steps: Collection[str], sample_users: Sequence[SampleUser] = SAMPLE_USERS
) -> int:
    """Create the missing sample data of `steps` and return the exit code.

    All of it goes through the services in chronological order, so that the rows equal those of real users.
    """
    console, timeline = Console(), build_timeline(sample_users)
    async with open_database(settings) as database:
        existing = await survey(database, timeline)
        existing.safety |= await safety.survey_safety(database, timeline, existing)
        existing.safety |= await discovery.survey_discovery(database)
        todo = missing(timeline, existing, password(settings))
        activities = [activity for activity in todo if activity.step in steps]
        if safety.STEP in steps and (
            others := {activity.step for activity in todo} - {*steps, discovery.STEP}
        ):
            raise NotFound(
                f"Some of the {', '.join(sorted(others))} are missing: run `python -m seeds` first."
            )
        if not activities:
            console.print("All sample data exists already: nothing was changed.")
        else:
            with Progress(console) as progress:
                await _perform(activities, steps, settings, database, timeline, existing, progress)
            console.print(progress.table("Sample data"))
        if settings.app.env != "production":
            console.print(await _logins(database, sample_users))
            if safety.STEP in steps:
                console.print(_things_to_look_at(timeline, existing))
            if discovery.STEP in steps:
                console.print(
                    f"Trending: #{discovery.TAG} (GET /hashtags/trending), which {discovery.READER} follows;"
                    " to discover: GET /explore and GET /users/suggestions."
                )
    return 0


async def fill_crowd(settings: Settings, people: int, seed: int) -> int:
    """Create the missing rows of a crowd of `people` users and return the exit code."""
    console = Console()
    async with open_database(settings) as database:
        threshold = settings.feed.celebrity_threshold
        todo = await fill.plan(database, people, threshold)
        if todo.empty:  # an earlier run may have been killed just before it dropped the feeds
            await drop_feeds(settings)
            console.print(f"The crowd of {people:,} exists already: nothing was changed.")
            return 0
        clock = HistoryClock(0)
        password_hash = await hash_password(settings, password(settings))
        with Progress(console) as progress:
            async with open_seed_context(settings, database, clock) as context:
                try:
                    await fill.perform(todo, context, clock, seed, password_hash, progress)
                except DuplicateKey as error:
                    raise _name_conflict(people) from error
                finally:
                    caches_dropped = await finalise(context, todo.crowd, threshold)
                clock.at_ms = SystemClock().now_ms()
                await context.services.explore_ranking.rank(anew=True)
    console.print(progress.table(f"A crowd of {people:,}"))
    if not (caches_dropped or settings.embedded_redis):
        console.print(
            "Redis is unavailable: cached feeds may lack posts. Run `python run.py doctor feeds --fix`."
        )
    return 0


def missing(timeline: Timeline, existing: ExistingRows, secret: str) -> list[Activity]:
    """Return the activities of the timeline that have no rows yet, in chronological order."""
    activities = [
        *users.missing(timeline, existing, secret),
        *follows.missing(timeline, existing),
        *posts.missing(timeline, existing),
        *comments.missing(timeline, existing),
        *likes.missing(timeline, existing),
        *saves.missing(timeline, existing),
        *safety.missing(timeline, existing, secret),
        *discovery.missing(timeline, existing),
    ]
    return sorted(activities, key=lambda activity: activity.at)


def _name_conflict(people: int) -> Conflict:
    last = username(people - 1)
    return Conflict(
        f"A username or e-mail address from {username(0)} to {last}@example.com is taken, or another run is in"
        " progress. Wait until it ends and try again."
    )


def password(settings: Settings) -> str:
    """Return the password of all sample users: a fixed one, in production a random one that is never shown."""
    return secrets.token_urlsafe(32) if settings.app.env == "production" else PASSWORD


async def _perform(
    activities: Sequence[Activity],
    steps: Collection[str],
    settings: Settings,
    database: Database,
    timeline: Timeline,
    existing: ExistingRows,
    progress: Progress,
) -> None:
    clock, span = HistoryClock(0), Span.until_now(DAYS)
    async with open_seed_context(settings, database, clock) as context:
        span = span.since(context.ids.last_ms)
        running = {
            step: progress.add(step, sum(activity.step == step for activity in activities)) for step in steps
        }
        for activity in activities:
            clock.at_ms = span.at(activity.at)
            with running[activity.step].timed():
                await activity.do(context, existing)
            running[activity.step].advance()
        clock.at_ms = SystemClock().now_ms()
        await discovery.rank(context, timeline, existing)


async def _logins(database: Database, sample_users: Sequence[SampleUser]) -> Table:
    """Return a table of the sample users and their counters, most followed first."""
    table = Table(box=None, pad_edge=False, header_style="bold", title_justify="left")
    table.title = f'Sign in as any of these users with the password "{PASSWORD}"'
    for heading in ("username", "name", "role"):
        table.add_column(heading)
    for heading in ("posts", "followers", "following"):
        table.add_column(heading, justify="right")
    names = [user.username for user in sample_users]
    for row in await database.rows(
        "SELECT username, full_name, role, posts_count, followers_count, following_count FROM users"
        f" WHERE username_key IN ({placeholders(len(names))}) ORDER BY followers_count DESC, id",
        names,
    ):
        table.add_row(*map(str, row.values()))
    return table


def _things_to_look_at(timeline: Timeline, existing: ExistingRows) -> Table:
    """Return a table of the users who show the safety of people, and what each of them finds."""
    table = Table(box=None, pad_edge=False, header_style="bold", title_justify="left")
    table.title = f'To look at, with the password "{PASSWORD}"'
    table.add_column("sign in as")
    table.add_column("to find")
    for name, finds in safety.describe(timeline, existing):
        table.add_row(name, finds)
    return table
