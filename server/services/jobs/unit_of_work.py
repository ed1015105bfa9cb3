"""One change, the events that it causes, and their jobs: committed together or not at all."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from server.clock import Clock
from server.errors import AppError, Conflict, Unavailable
from server.events import CacheKey, Event
from server.ids import IdGenerator
from server.models.database import Database, DuplicateKey, SerializationFailure
from server.models.jobs.idempotency_keys import IdempotencyKeyTable
from server.services.jobs.jobs import Claim, JobRef, Jobs

Result = TypeVar("Result")

MAX_ATTEMPTS = 5


class JobNotifier(Protocol):
    """Tells workers at once that a job is there. May lose what it is told: the dispatcher rings again."""

    def ring(self, rungs: Sequence[JobRef]) -> None: ...


@dataclass(frozen=True, slots=True)
class IdempotencyToken:
    """Names a request that must take effect once: `key_hash` says which one it is, `fingerprint` what it asks for."""

    key_hash: str
    fingerprint: str


class AlreadyDone(Conflict):
    """The request of a `IdempotencyToken` has taken effect before, or is doing so now."""

    code = "idempotency_key_in_use"


class ChangeListener(Protocol):
    """Observer of every change, before its transaction and after it, which keeps caches consistent.

    Neither method may fail or take longer than a moment.
    """

    async def before(self, keys: Sequence[CacheKey]) -> Sequence[str]:
        """Record which cached objects are about to change; return the entries for `after`."""
        ...

    async def after(self, entries: Sequence[str], keys: Sequence[CacheKey], events: Sequence[Event]) -> None:
        """Update the caches after a commit; without keys, the transaction was rolled back."""
        ...


class WorkContext:
    """What one transaction is doing. Valid inside the body that it was given to."""

    def __init__(self, ids: IdGenerator, clock: Clock) -> None:
        self._ids = ids
        self._clock = clock
        self._made_id = 0
        self.events: list[Event] = []

    def emit(self, event: Event) -> None:
        """State a fact; its jobs are written with this transaction."""
        self.events.append(event)

    def new_id(self) -> int:
        return self._ids.next()

    @property
    def made_id(self) -> int:
        """The id for the row that the whole is about, if it makes one; the same however often it is asked for."""
        if not self._made_id:
            self._made_id = self._ids.next()
        return self._made_id

    def now_ms(self) -> int:
        return self._clock.now_ms()


class UnitOfWork:
    """Runs bodies in transactions."""

    def __init__(
        self,
        database: Database,
        ids: IdGenerator,
        clock: Clock,
        jobs: Jobs,
        doorbell: JobNotifier,
        watcher: ChangeListener | None = None,
    ) -> None:
        self._database = database
        self._ids = ids
        self._clock = clock
        self._jobs = jobs
        self._doorbell = doorbell
        self._watcher = watcher

    async def run(
        self,
        body: Callable[[WorkContext], Awaitable[Result]],
        completes: Claim | None = None,
        changes: Sequence[CacheKey] = (),
        once: IdempotencyToken | None = None,
    ) -> Result:
        """Run `body` in a transaction, write the jobs of its events, commit, then ring for them.

        `changes` names what is remembered elsewhere and gets stale by this: the watcher hears of it before and after,
        so that it is right again when this returns. With `completes` the job is finished in the same transaction, so
        that effect and completion are one; LeaseLost undoes both. With `once` the request is noted in it, with
        `made_id` for its result; AlreadyDone, and no effect, if it was noted before. A deadlock runs the body again, so
        it must not touch anything but the database and its `WorkContext`.
        """
        if self._watcher is None or not changes:
            result, _ = await self._commit(body, completes, once)
            return result
        handle = await self._watcher.before(changes)
        try:
            result, events = await self._commit(body, completes, once)
        except AppError as error:
            # Of a database that went away meanwhile nobody knows whether it committed: then an announcement runs out.
            if isinstance(error, Unavailable):
                await self._watcher.before(changes)
                raise
            await self._watcher.after(handle, (), ())
            raise
        await self._watcher.after(handle, changes, events)
        return result

    async def _commit(
        self,
        body: Callable[[WorkContext], Awaitable[Result]],
        completes: Claim | None,
        once: IdempotencyToken | None,
    ) -> tuple[Result, list[Event]]:
        for attempt in range(1, MAX_ATTEMPTS + 1):
            work = WorkContext(self._ids, self._clock)
            try:
                async with self._database.transaction():
                    if once is not None:
                        await _note(work, once)
                    result = await body(work)
                    if completes is not None:
                        await self._jobs.complete(completes)
                    rungs = await self._jobs.add(work.events)
            except SerializationFailure:
                if attempt == MAX_ATTEMPTS:
                    raise
                await asyncio.sleep(random.uniform(0, 0.01 * 2**attempt))
                continue
            if rungs:
                self._doorbell.ring(rungs)
            return result, work.events
        raise AssertionError("the loop above returns or raises")


async def _note(work: WorkContext, once: IdempotencyToken) -> None:
    """Before all else: whoever asks for the same at this moment waits here, and for nothing that the body locks."""
    try:
        await IdempotencyKeyTable.create(
            id=work.new_id(),
            key_hash=once.key_hash,
            fingerprint=once.fingerprint,
            result_id=work.made_id,
            created_at_ms=work.now_ms(),
        )
    except DuplicateKey as error:
        raise AlreadyDone("This request was carried out before.", retry_after_s=1.0) from error
