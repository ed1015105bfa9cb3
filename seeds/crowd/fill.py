"""Creates a crowd in order: users, their follows, then ten rounds of posts.

Every batch is one transaction that leaves all counters exact, and existing rows are not created again. The next run
therefore completes an interrupted one. No jobs or notifications are created.
"""

from dataclasses import dataclass, field
from random import Random

from seeds.crowd.finalise import authors_to_mark
from seeds.crowd.graph import Popularity
from seeds.crowd.people import PEOPLE_PER_BATCH, Crowd, UserWriter, find, star_batches
from seeds.crowd.pictures import pictures_for, pool
from seeds.crowd.post_writer import PostWriter
from seeds.crowd.rows import slices
from seeds.history import HistoryClock, Span
from seeds.progress import Progress
from server.control import SeedContext
from server.models.database import Database

POSTS_PER_PERSON = 10
POSTS_PER_BATCH = 500
MIN_BATCHES = 400  # a batch covers one time span; with few batches the newest posts would be old
DAYS = 180
STATEMENT_TIMEOUT_S = 60.0


@dataclass(slots=True)
class Plan:
    """The missing rows of a crowd."""

    crowd: Crowd
    arriving: list[int]
    following: list[int]
    rounds: list[list[int]] = field(default_factory=list[list[int]])
    unfinalised: bool = False

    @property
    def posts(self) -> int:
        return sum(map(len, self.rounds))

    @property
    def empty(self) -> bool:
        return not (self.arriving or self.following or self.posts or self.unfinalised)


async def plan(database: Database, people: int, celebrity_threshold: int) -> Plan:
    """Return the missing users of a crowd of `people`, and their missing follows and posts."""
    crowd = await find(database, people)
    rounds = [
        [number for number, posts in enumerate(crowd.posts) if posts <= made]
        for made in range(POSTS_PER_PERSON)
    ]
    unfinalised = bool(await authors_to_mark(database, crowd, celebrity_threshold))
    return Plan(crowd, crowd.missing, crowd.without_followees, rounds, unfinalised)


async def perform(
    todo: Plan, context: SeedContext, clock: HistoryClock, seed: int, password_hash: str, progress: Progress
) -> None:
    """Create the missing rows with times of the last months, as far back as the ids of this node allow."""
    database, crowd = context.database, todo.crowd
    span = Span.until_now(DAYS).since(context.ids.last_ms)
    user_writer = UserWriter(database, context.ids, clock, seed)
    with database.statement_timeout(STATEMENT_TIMEOUT_S):
        with progress.step("people", len(todo.arriving)) as step:
            batches = list(slices(todo.arriving, PEOPLE_PER_BATCH))
            for numbers, part in zip(batches, span.part(0, 0.1).parts(len(batches)), strict=True):
                await user_writer.register(crowd, numbers, part, password_hash)
                step.advance(len(numbers))
        with progress.step("follows", len(todo.following), of="people") as step:
            popularity = Popularity(len(crowd.ids))
            some = star_batches(crowd, todo.following)
            for (numbers, star), part in zip(some, span.part(0.1, 0.2).parts(len(some)), strict=True):
                step.made += await user_writer.follow(crowd, numbers, star, part, popularity)
                step.advance(len(numbers))
        if todo.posts:
            count = pictures_for(len(crowd.ids) * POSTS_PER_PERSON)
            with progress.step("pictures", count) as step:
                pictures = await pool(context, count, step.advance)
            post_writer = PostWriter(database, context.ids, clock, crowd, pictures)
            await _publish(todo, post_writer, seed, span.part(0.2, 1), progress)


async def _publish(todo: Plan, post_writer: PostWriter, seed: int, span: Span, progress: Progress) -> None:
    with progress.step("posts", todo.posts) as step, progress.counted("likes", "comments") as counted:
        size = max(1, min(POSTS_PER_BATCH, todo.posts // MIN_BATCHES))
        batches: list[tuple[int, list[int]]] = []
        for number, authors in enumerate(todo.rounds):
            Random(f"{seed}/round/{number}").shuffle(authors)
            batches += [(number, list(some)) for some in slices(authors, size)]
        for (number, authors), part in zip(batches, span.parts(len(batches)), strict=True):
            rng = Random(f"{seed}/posts/{number}/{authors[0]}")
            batch = post_writer.make(authors, rng, part)
            await post_writer.write(batch)
            step.advance(len(authors))
            counted["likes"] += len(batch.likes)
            counted["comments"] += len(batch.comments)
