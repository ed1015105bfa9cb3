"""One change, the events that it causes, and their jobs: committed together or not at all."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from server.clock import Clock
from server.events import Event
from server.ids import IdGenerator
from server.models.database import Database, SerializationFailure
from server.services.jobs import Claim, Jobs, Rung

Result = TypeVar("Result")

TRIES = 5


class Doorbell(Protocol):
    """Tells workers at once that a job is there. May lose what it is told: the dispatcher rings again."""

    def ring(self, rungs: Sequence[Rung]) -> None: ...


class Work:
    """What one transaction is doing. Valid inside the body that it was given to."""

    def __init__(self, ids: IdGenerator, clock: Clock) -> None:
        self._ids = ids
        self._clock = clock
        self.events: list[Event] = []

    def emit(self, event: Event) -> None:
        """State a fact; its jobs are written with this transaction."""
        self.events.append(event)

    def new_id(self) -> int:
        return self._ids.next()

    def now_ms(self) -> int:
        return self._clock.now_ms()


class UnitOfWork:
    """Runs bodies in transactions."""

    def __init__(
        self, database: Database, ids: IdGenerator, clock: Clock, jobs: Jobs, doorbell: Doorbell
    ) -> None:
        self._database = database
        self._ids = ids
        self._clock = clock
        self._jobs = jobs
        self._doorbell = doorbell

    async def run(self, body: Callable[[Work], Awaitable[Result]], completes: Claim | None = None) -> Result:
        """Run `body` in a transaction, write the jobs of its events, commit, then ring for them.

        With `completes` the job is finished in the same transaction, so that effect and completion are one; LeaseLost
        undoes both. A deadlock runs the body again, so it must not touch anything but the database and its `Work`.
        """
        for attempt in range(1, TRIES + 1):
            work = Work(self._ids, self._clock)
            try:
                async with self._database.transaction():
                    result = await body(work)
                    if completes is not None:
                        await self._jobs.complete(completes)
                    rungs = await self._jobs.add(work.events)
            except SerializationFailure:
                if attempt == TRIES:
                    raise
                await asyncio.sleep(random.uniform(0, 0.01 * 2**attempt))
                continue
            if rungs:
                self._doorbell.ring(rungs)
            return result
        raise AssertionError("the loop above returns or raises")
