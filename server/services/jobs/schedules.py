"""Recurring work: puts one job into the table each time that a schedule is due, whoever notices it first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from server.ids import IdGenerator, JobId
from server.models.database import Database, DuplicateKey
from server.models.jobs.jobs import JobState, JobTable
from server.services.jobs.event_jobs import NORMAL, JobKind, Queue
from server.services.jobs.jobs import JobRef


@dataclass(frozen=True, slots=True)
class Recurring:
    """A job without a payload that is wanted every `every_ms`."""

    kind: JobKind
    every_ms: int


class Schedules:
    """The schedules of `recurring`; a period of 0 is never due.

    Every process may call `enqueue`: the time of the next run is moved, by whoever finds it in the past, in the
    transaction that inserts the job, so each period has one job. Periods that nobody was there for are skipped, and so
    is one whose predecessor is not done: a paused queue does not fill up.
    """

    def __init__(
        self,
        database: Database,
        ids: IdGenerator,
        recurring: Sequence[Recurring],
        queue: Queue = Queue.MAINTENANCE,
    ) -> None:
        self._database = database
        self._ids = ids
        self._recurring: Mapping[str, Recurring] = {each.kind: each for each in recurring if each.every_ms}
        self._queue = queue
        self._known = False

    async def enqueue(self) -> list[JobRef]:
        """Insert the jobs that are due now; those that were inserted here. Raises Unavailable."""
        if not self._known:
            await self._introduce()
            self._known = True
        now = self._database.now_ms
        rows = await self._database.rows(
            f"SELECT name, next_run_at_ms, {now} AS now_ms FROM schedules WHERE next_run_at_ms <= {now}"
        )
        inserted: list[JobRef] = []
        for row in rows:
            if recurring := self._recurring.get(row["name"]):
                inserted += await self._advance(recurring, row["next_run_at_ms"], row["now_ms"])
        return inserted

    async def _advance(self, recurring: Recurring, slot_ms: int, now_ms: int) -> list[JobRef]:
        missed = (now_ms - slot_ms) // recurring.every_ms
        next_ms = slot_ms + (missed + 1) * recurring.every_ms
        async with self._database.transaction():
            moved = await self._database.execute(
                "UPDATE schedules SET next_run_at_ms = ? WHERE name = ? AND next_run_at_ms = ?",
                [next_ms, recurring.kind, slot_ms],
            )
            if not moved or await self._is_open(recurring.kind):
                return []
            job_id = JobId(self._ids.next())
            await JobTable.create(
                id=job_id,
                queue=self._queue,
                kind=recurring.kind,
                payload="{}",
                priority=NORMAL,
                state=JobState.READY,
                run_at_ms=now_ms,
                created_at_ms=now_ms,
            )
        return [JobRef(self._queue, job_id, NORMAL)]

    async def _is_open(self, kind: JobKind) -> bool:
        rows = await self._database.rows(
            "SELECT 1 FROM jobs WHERE queue = ? AND kind = ? AND state IN (?, ?) LIMIT 1",
            [self._queue, kind, JobState.READY, JobState.RUNNING],
        )
        return bool(rows)

    async def _introduce(self) -> None:
        """Add what is new a period from now, and bring nearer what a longer period had put further away."""
        now = self._database.now_ms
        for recurring in self._recurring.values():
            known = await self._database.rows("SELECT 1 FROM schedules WHERE name = ?", [recurring.kind])
            if known:
                await self._database.execute(
                    f"UPDATE schedules SET next_run_at_ms = {now} + ? WHERE name = ? AND next_run_at_ms > {now} + ?",
                    [recurring.every_ms, recurring.kind, recurring.every_ms],
                )
                continue
            try:
                await self._database.execute(
                    f"INSERT INTO schedules (name, next_run_at_ms) VALUES (?, {now} + ?)",
                    [recurring.kind, recurring.every_ms],
                )
            except DuplicateKey:
                continue  # another process was faster
