"""Queue administration for operators: status, pause and resume, failed jobs."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from server.errors import NotFound
from server.ids import JobId
from server.models.jobs.failed_jobs import FailedJobRepository, FailedJobRow
from server.models.jobs.jobs import FailedAttempt
from server.models.jobs.queue_states import QueueStateRepository
from server.paging import Page, PageRequest, cut
from server.services.jobs.event_jobs import Queue
from server.services.jobs.queue_overview import QueueStatus
from server.services.jobs.queue_states import QueueStates

JOBS_PER_STATEMENT = 500


@dataclass(frozen=True, slots=True)
class FailedJob:
    """A job that will not be tried again.

    `history` has one entry per failed attempt, oldest first; `error` is the error of the last one.
    """

    id: JobId
    kind: str
    payload: Mapping[str, Any]
    attempts: int
    crash_count: int
    error: str
    history: Sequence[FailedAttempt]
    created_at_ms: int
    failed_at_ms: int


def queue_named(name: str) -> Queue:
    """Return a queue. Raises NotFound, which lists the existing ones."""
    try:
        return Queue(name)
    except ValueError as error:
        raise NotFound(
            f"There is no queue {name!r}. The queues are: {', '.join(Queue)}.", code="no_such_queue"
        ) from error


class StatusReader(Protocol):
    """Source of the status of all queues: counted at each call, or shared by all processes."""

    async def read(self) -> list[QueueStatus]: ...
    async def expire(self) -> None: ...


class QueueAdministration:
    """Commands on queues and failed jobs. `states` is the cached view that workers use."""

    def __init__(
        self,
        overview: StatusReader,
        states: QueueStates,
        pauses: QueueStateRepository,
        failed_jobs: FailedJobRepository,
    ) -> None:
        self.states = states
        self._overview = overview
        self._pauses = pauses
        self._failed_jobs = failed_jobs

    async def overview(self) -> list[QueueStatus]:
        """Return every queue, in a fixed order. Raises Unavailable."""
        return await self._overview.read()

    async def failed(self, queue: Queue, request: PageRequest) -> Page[FailedJob]:
        """Return failed jobs of a queue, newest first."""
        rows = await self._failed_jobs.list_page(queue, request.before_id, request.limit + 1)
        return cut([_to_failed_job(row) for row in rows], request.limit, lambda job: job.id)

    async def retry(self, queue: Queue, job_ids: Sequence[int] | None = None) -> int:
        """Make failed jobs ready with a fresh set of attempts; all of the queue without `job_ids`. Return how many.

        Their history stays.
        """
        return await self._change(self._failed_jobs.retry, queue, job_ids)

    async def discard(self, queue: Queue, job_ids: Sequence[int] | None = None) -> int:
        """Delete failed jobs; all of the queue without `job_ids`. Return how many."""
        return await self._change(self._failed_jobs.delete, queue, job_ids)

    async def pause(self, queue: Queue) -> None:
        """Stop starting jobs of a queue, in every process within one second; running jobs finish."""
        await self._pauses.pause(queue)
        self.states.expire()

    async def resume(self, queue: Queue) -> None:
        """Start jobs of a queue again."""
        await self._pauses.resume(queue)
        self.states.expire()

    async def expire(self) -> None:
        """Count the jobs again at the next read, because some were changed by hand."""
        await self._overview.expire()

    async def _change(
        self,
        change: Callable[[Queue, Sequence[int]], Awaitable[int]],
        queue: Queue,
        job_ids: Sequence[int] | None,
    ) -> int:
        """Apply `change` in batches. Jobs that fail after the ids were read are not affected."""
        ids = await self._failed_jobs.list_ids(queue) if job_ids is None else sorted(set(job_ids))
        changed = 0
        for start in range(0, len(ids), JOBS_PER_STATEMENT):
            changed += await change(queue, ids[start : start + JOBS_PER_STATEMENT])
        await self._overview.expire()
        return changed


def _to_failed_job(row: FailedJobRow) -> FailedJob:
    return FailedJob(
        id=row.id,
        kind=row.kind,
        payload=row.payload,
        attempts=row.attempts,
        crash_count=row.crash_count,
        error=row.history[-1].error if row.history else "",
        history=row.history,
        created_at_ms=row.created_at_ms,
        failed_at_ms=row.finished_at_ms or row.created_at_ms,
    )
