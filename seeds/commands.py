"""What `python -m seeds` does once its flags are read, and what it tells a person."""

import secrets
from collections.abc import Collection, Sequence

from rich.console import Console
from rich.table import Table

from seeds import comments, follows, likes, posts, users
from seeds.activities import Act
from seeds.crowd import fill
from seeds.crowd.finalise import settle
from seeds.crowd.people import username
from seeds.existing_rows import Place, survey
from seeds.history import HistoryClock, Span
from seeds.progress import Progress
from seeds.sample_users import CAST, Character
from seeds.timeline import Story, tell
from server.control import drop_feeds, hash_password, open_database, open_seed_context
from server.errors import Conflict
from server.models.database import Database, DuplicateKey, placeholders
from server.settings import Settings

PASSWORD = "correct horse"
DAYS = 180


async def fill_place(settings: Settings, steps: Collection[str], cast: Sequence[Character] = CAST) -> int:
    """Make what is missing of the sample place, of some steps or of all; the exit code.

    Everything goes through the services, in the order of time, so that it is as people would have made it.
    """
    console, story = Console(), tell(cast)
    async with open_database(settings) as database:
        place = await survey(database, story)
        acts = [act for act in missing(story, place, password(settings)) if act.step in steps]
        if not acts:
            console.print("All of it is there already: nothing was changed.")
        else:
            with Progress(console) as progress:
                await _carry_out(acts, steps, settings, database, place, progress)
            console.print(progress.table("The sample place"))
        if settings.app.env != "production":
            console.print(await _logins(database, cast))
    return 0


async def fill_crowd(settings: Settings, people: int, seed: int) -> int:
    """Bring a crowd up to `people`; the exit code."""
    console = Console()
    async with open_database(settings) as database:
        threshold = settings.feed.celebrity_threshold
        todo = await fill.plan(database, people, threshold)
        if todo.empty:  # the run that made it may have been killed just before its end
            await drop_feeds(settings)
            console.print(f"The crowd of {people:,} is there already: nothing was changed.")
            return 0
        clock = HistoryClock(0)
        password_hash = await hash_password(settings, password(settings))
        with Progress(console) as progress:
            async with open_seed_context(settings, database, clock) as workshop:
                try:
                    await fill.carry_out(todo, workshop, clock, seed, password_hash, progress)
                except DuplicateKey as error:
                    raise _taken(people) from error
                finally:
                    settled = await settle(workshop, todo.crowd, threshold)
    console.print(progress.table(f"A crowd of {people:,}"))
    if not (settled or settings.embedded_redis):
        console.print(
            "Redis did not answer: feeds that were read meanwhile may lack posts (`run.py doctor`)."
        )
    return 0


def missing(story: Story, place: Place, secret: str) -> list[Act]:
    """What is to be done for the whole story to be there, in the order of time."""
    acts = [
        *users.missing(story, place, secret),
        *follows.missing(story, place),
        *posts.missing(story, place),
        *comments.missing(story, place),
        *likes.missing(story, place),
    ]
    return sorted(acts, key=lambda act: act.at)


def _taken(people: int) -> Conflict:
    last = username(people - 1)
    return Conflict(
        f"Somebody else has the name or the e-mail of one of the crowd ({username(0)} to {last}@example.com), or"
        " another run is at it: let that one end and try again."
    )


def password(settings: Settings) -> str:
    """Of all sample people: known to everybody, in production to nobody."""
    return secrets.token_urlsafe(32) if settings.app.env == "production" else PASSWORD


async def _carry_out(
    acts: Sequence[Act],
    steps: Collection[str],
    settings: Settings,
    database: Database,
    place: Place,
    progress: Progress,
) -> None:
    clock, span = HistoryClock(0), Span.until_now(DAYS)
    async with open_seed_context(settings, database, clock) as workshop:
        span = span.since(workshop.ids.last_ms)
        running = {step: progress.add(step, sum(act.step == step for act in acts)) for step in steps}
        for act in acts:
            clock.at_ms = span.at(act.at)
            with running[act.step].timed():
                await act.do(workshop, place)
            running[act.step].advance()


async def _logins(database: Database, cast: Sequence[Character]) -> Table:
    """Who can sign in, the most followed first."""
    table = Table(box=None, pad_edge=False, header_style="bold", title_justify="left")
    table.title = f'Sign in as any of them with the password "{PASSWORD}"'
    for heading in ("user name", "name", "role"):
        table.add_column(heading)
    for heading in ("posts", "followers", "following"):
        table.add_column(heading, justify="right")
    names = [character.username for character in cast]
    for row in await database.rows(
        "SELECT username, full_name, role, posts_count, followers_count, following_count FROM users"
        f" WHERE username_key IN ({placeholders(len(names))}) ORDER BY followers_count DESC, id",
        names,
    ):
        table.add_row(*map(str, row.values()))
    return table
