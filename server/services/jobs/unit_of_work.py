"""A change, the events that it causes, and their jobs: committed together or not at all."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol, TypeVar

from server.clock import Clock
from server.errors import AppError, Conflict, Unavailable
from server.events import CacheKey, Event
from server.ids import IdGenerator
from server.models.database import Database, DuplicateKey, SerializationFailure
from server.models.engines.safety import RetryBudget
from server.models.jobs.idempotency_keys import IdempotencyKeyRepository
from server.services.jobs.claims import Claim, JobRef
from server.services.jobs.jobs import Jobs
from server.tracing import current_traceparent

Result = TypeVar("Result")

# Objects that many users change at the same time, such as a post that everybody likes.
CONTENDED_KINDS = ("post", "person")


@dataclass(frozen=True, slots=True)
class IdempotencyToken:
    """A request that must take effect once: `key_hash` identifies it, `fingerprint` covers its content."""

    key_hash: str
    fingerprint: str


class AlreadyDone(Conflict):
    """The request of an `IdempotencyToken` has already taken effect, or another process is committing it."""

    code = "idempotency_key_in_use"


class ChangeListener(Protocol):
    """Observer of every change, before its transaction and after it, which keeps caches consistent.

    Neither method may fail or block for long.
    """

    async def before(self, keys: Sequence[CacheKey]) -> Sequence[str]:
        """Record which cached objects are about to change; return the entries for `after`."""
        ...

    async def after(self, entries: Sequence[str], keys: Sequence[CacheKey], events: Sequence[Event]) -> None:
        """Update the caches after a commit; without keys, the transaction was rolled back."""
        ...


class ChangeTurns(Protocol):
    """Turns of processes at objects whose changes gave way to each other. Holding one may fail silently."""

    def conflicted(self, names: Iterable[str]) -> None:
        """Record that a change of these objects gave way to another one."""
        ...

    def hold(self, names: Iterable[str]) -> AbstractAsyncContextManager[None]:
        """Hold the turns of those objects that were in a conflict lately."""
        ...


class WorkContext:
    """Ids, time and events of one transaction. Valid inside the operation that receives it."""

    def __init__(self, ids: IdGenerator, clock: Clock) -> None:
        self._ids = ids
        self._clock = clock
        self._result_id = 0
        self.events: list[Event] = []
        self.traceparents: list[str | None] = []

    def emit(self, event: Event) -> None:
        """Record an event; its jobs are inserted in this transaction."""
        self.events.append(event)
        self.traceparents.append(current_traceparent())

    def new_id(self) -> int:
        """Return a new id."""
        return self._ids.next()

    @property
    def result_id(self) -> int:
        """The id for the row that the operation creates; always the same one."""
        if not self._result_id:
            self._result_id = self._ids.next()
        return self._result_id

    def now_ms(self) -> int:
        """Return the time of the change."""
        return self._clock.now_ms()


_Operation = Callable[[WorkContext], Awaitable[Result]]


class UnitOfWork:
    """Runs operations in transactions, with their jobs, cache invalidations and idempotency keys."""

    def __init__(
        self,
        database: Database,
        ids: IdGenerator,
        clock: Clock,
        jobs: Jobs,
        notify: Callable[[Sequence[JobRef]], None],
        listener: ChangeListener | None = None,
        turns: ChangeTurns | None = None,
    ) -> None:
        """`notify` signals committed jobs to workers. Signals may be lost: the dispatcher repeats them."""
        self._database = database
        self._idempotency_keys = IdempotencyKeyRepository(database)
        self._ids = ids
        self._clock = clock
        self._jobs = jobs
        self._notify = notify
        self._listener = listener
        self._turns = turns

    async def run(
        self,
        operation: _Operation[Result],
        completes: Claim | None = None,
        changes: Sequence[CacheKey] = (),
        token: IdempotencyToken | None = None,
    ) -> Result:
        """Run `operation` in a transaction, insert the jobs of its events, commit, then notify workers.

        `changes`: what becomes stale in caches; they are up to date again when this returns.
        `completes`: the job to complete in the same transaction. Raises LeaseLost, without an effect.
        `token`: the request to record in it, with `WorkContext.result_id`. Raises AlreadyDone, without an effect.

        After a deadlock the operation runs again, so it may change only the database and its `WorkContext`.
        """
        if self._listener is None or not changes:
            result, _ = await self._commit(operation, completes, token, changes)
            return result
        entries = await self._listener.before(changes)
        try:
            result, events = await self._commit(operation, completes, token, changes)
        except AppError as error:
            # An unavailable database may have committed, so the caches must not be used until the entries expire.
            if isinstance(error, Unavailable):
                await self._listener.before(changes)
                raise
            await self._listener.after(entries, (), ())
            raise
        await self._listener.after(entries, changes, events)
        return result

    async def _commit(
        self,
        operation: _Operation[Result],
        completes: Claim | None,
        token: IdempotencyToken | None,
        changes: Sequence[CacheKey],
    ) -> tuple[Result, list[Event]]:
        budget = RetryBudget()
        contended = [f"{key.kind}:{key.id}" for key in changes if key.kind in CONTENDED_KINDS]
        while True:
            work = WorkContext(self._ids, self._clock)
            turns = self._turns.hold(contended) if self._turns is not None else nullcontext()
            try:
                async with turns, self._database.transaction():
                    if token is not None:
                        await self._record(work, token)
                    result = await operation(work)
                    if completes is not None:
                        await self._jobs.complete(completes)
                    jobs = await self._jobs.add(work.events, work.traceparents)
            except SerializationFailure:
                if self._turns is not None:
                    self._turns.conflicted(contended)
                if not await budget.pause():
                    raise
                continue
            if jobs:
                self._notify(jobs)
            return result, work.events

    async def _record(self, work: WorkContext, token: IdempotencyToken) -> None:
        """Insert the request before the operation locks rows, so that a concurrent repetition waits here."""
        try:
            await self._idempotency_keys.insert(
                work.new_id(), token.key_hash, token.fingerprint, work.result_id, work.now_ms()
            )
        except DuplicateKey as error:
            raise AlreadyDone("This request was already carried out.", retry_after_s=1.0) from error
