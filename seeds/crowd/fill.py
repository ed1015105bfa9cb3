"""The order in which a crowd comes to be: people, their follows, then ten rounds of posts.

Every batch is a transaction that leaves all counters exact, and what is there is not made again; so a run that is
broken off at any point is completed by the next. Nobody is told of anything: there are no jobs and no notifications.
"""

from dataclasses import dataclass, field
from random import Random

from seeds.crowd.finalise import unmarked
from seeds.crowd.graph import Attraction
from seeds.crowd.people import PEOPLE_PER_BATCH, Arrivals, Crowd, find, star_batches
from seeds.crowd.pictures import pictures_for, pool
from seeds.crowd.publishing import Publishing
from seeds.crowd.rows import slices
from seeds.history import HistoryClock, Span
from seeds.progress import Progress
from server.control import SeedContext
from server.models.database import Database

POSTS_PER_PERSON = 10
POSTS_PER_BATCH = 500
MIN_BATCHES = 400  # a batch is one stretch of time: with few of them there would be none at the end
DAYS = 180
STATEMENT_TIMEOUT_S = 60.0


@dataclass(slots=True)
class Plan:
    """What is missing of a crowd."""

    crowd: Crowd
    arriving: list[int]
    following: list[int]
    rounds: list[list[int]] = field(default_factory=list[list[int]])
    unsettled: bool = False

    @property
    def posts(self) -> int:
        return sum(map(len, self.rounds))

    @property
    def empty(self) -> bool:
        return not (self.arriving or self.following or self.posts or self.unsettled)


async def plan(database: Database, people: int, celebrity_threshold: int) -> Plan:
    """What has to be done for `people` of the crowd to be there, with their follows and posts."""
    crowd = await find(database, people)
    rounds = [
        [number for number, posts in enumerate(crowd.posts) if posts <= made]
        for made in range(POSTS_PER_PERSON)
    ]
    unsettled = bool(await unmarked(database, crowd, celebrity_threshold))
    return Plan(crowd, crowd.missing, crowd.following_nobody, rounds, unsettled)


async def carry_out(
    todo: Plan, workshop: SeedContext, clock: HistoryClock, seed: int, password_hash: str, progress: Progress
) -> None:
    """Do what is missing, along the last months, as far back as this node number can make ids."""
    database, crowd = workshop.database, todo.crowd
    span = Span.until_now(DAYS).since(workshop.ids.last_ms)
    arrivals = Arrivals(database, workshop.ids, clock, seed)
    with database.patience(STATEMENT_TIMEOUT_S):
        with progress.step("people", len(todo.arriving)) as step:
            batches = list(slices(todo.arriving, PEOPLE_PER_BATCH))
            for numbers, part in zip(batches, span.part(0, 0.1).parts(len(batches)), strict=True):
                await arrivals.register(crowd, numbers, part, password_hash)
                step.advance(len(numbers))
        with progress.step("follows", len(todo.following), of="people") as step:
            attraction = Attraction(len(crowd.ids))
            some = star_batches(crowd, todo.following)
            for (numbers, star), part in zip(some, span.part(0.1, 0.2).parts(len(some)), strict=True):
                step.made += await arrivals.follow(crowd, numbers, star, part, attraction)
                step.advance(len(numbers))
        if todo.posts:
            count = pictures_for(len(crowd.ids) * POSTS_PER_PERSON)
            with progress.step("pictures", count) as step:
                pictures = await pool(workshop, count, step.advance)
            publishing = Publishing(database, workshop.ids, clock, crowd, pictures)
            await _publish(todo, publishing, seed, span.part(0.2, 1), progress)


async def _publish(todo: Plan, publishing: Publishing, seed: int, span: Span, progress: Progress) -> None:
    with progress.step("posts", todo.posts) as step, progress.counted("likes", "comments") as counted:
        size = max(1, min(POSTS_PER_BATCH, todo.posts // MIN_BATCHES))
        batches: list[tuple[int, list[int]]] = []
        for number, authors in enumerate(todo.rounds):
            Random(f"{seed}/round/{number}").shuffle(authors)
            batches += [(number, list(some)) for some in slices(authors, size)]
        for (number, authors), part in zip(batches, span.parts(len(batches)), strict=True):
            chance = Random(f"{seed}/posts/{number}/{authors[0]}")
            batch = publishing.make(authors, chance, part)
            await publishing.write(batch)
            step.advance(len(authors))
            counted["likes"] += len(batch.likes)
            counted["comments"] += len(batch.comments)
