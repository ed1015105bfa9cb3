"""Recurring jobs: each schedule that is due inserts one job, whichever process notices first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from server.ids import JobId
from server.models.jobs.jobs import JobRepository, NewJob
from server.models.jobs.schedules import DueSchedule, ScheduleRepository
from server.services.jobs.claims import JobRef
from server.services.jobs.event_jobs import NORMAL, JobKind, Queue
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext


@dataclass(frozen=True, slots=True)
class Recurring:
    """A job without a payload that is due every `every_ms`."""

    kind: JobKind
    every_ms: int
    queue: Queue = Queue.MAINTENANCE


class Schedules:
    """The schedules of `recurring`; a period of 0 disables one.

    Every process may call `enqueue`. The first one advances the next run in the transaction that inserts the job, so
    each period has one job. Periods in which no process ran are skipped. A period is also
    skipped while the previous job is unfinished, so that a paused queue does not fill up.
    """

    def __init__(
        self,
        unit_of_work: UnitOfWork,
        schedules: ScheduleRepository,
        jobs: JobRepository,
        recurring: Sequence[Recurring],
    ) -> None:
        self._unit_of_work = unit_of_work
        self._schedules = schedules
        self._jobs = jobs
        self._recurring: Mapping[str, Recurring] = {each.kind: each for each in recurring if each.every_ms}
        self._registered = False

    async def enqueue(self) -> list[JobRef]:
        """Insert the jobs that are due and return those inserted here. Raises Unavailable."""
        if not self._registered:
            for recurring in self._recurring.values():
                await self._schedules.register(recurring.kind, recurring.every_ms)
            self._registered = True
        inserted: list[JobRef] = []
        for due in await self._schedules.list_due():
            if recurring := self._recurring.get(due.name):
                inserted += await self._unit_of_work.run(partial(self._advance, recurring, due))
        return inserted

    async def _advance(self, recurring: Recurring, due: DueSchedule, work: WorkContext) -> list[JobRef]:
        missed = (due.now_ms - due.next_run_at_ms) // recurring.every_ms
        next_run_at_ms = due.next_run_at_ms + (missed + 1) * recurring.every_ms
        if not await self._schedules.advance(due, next_run_at_ms):
            return []
        if await self._jobs.has_unfinished(recurring.queue, recurring.kind):
            return []
        job_id = JobId(work.new_id())
        await self._jobs.insert([NewJob(job_id, recurring.queue, recurring.kind, {}, NORMAL)])
        return [JobRef(recurring.queue, job_id, NORMAL)]
