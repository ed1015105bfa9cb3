"""Jobs that operators look up: one by its id, and those that wait for a later time."""

from collections.abc import Sequence

from server.errors import NotFound
from server.ids import JobId
from server.models.jobs.job_search import JobRow, JobSearchRepository
from server.services.jobs.event_jobs import HIGH, NORMAL, Queue

__all__ = ["JobRow", "JobSearch"]

PRIORITIES = (HIGH, NORMAL)
IDS_PER_STATEMENT = 500


class JobSearch:
    def __init__(self, jobs: JobSearchRepository) -> None:
        self._jobs = jobs

    async def get(self, job_id: JobId) -> JobRow:
        """Return a job in any state. Raises NotFound; completed jobs are deleted after a while."""
        job = await self._jobs.find(job_id)
        if job is None:
            raise NotFound(f"There is no job {job_id}.")
        return job

    async def list_delayed(self, queue: Queue, limit: int) -> list[JobRow]:
        """Return the jobs of a queue that wait for a later time, those that are due next first."""
        return await self._jobs.list_delayed(queue, PRIORITIES, limit)

    async def promote(self, queue: Queue, job_ids: Sequence[int] | None = None) -> int:
        """Start the next attempt of failed jobs now; of all in the queue without `job_ids`. Return how many.

        Jobs that were inserted for a later time, such as scheduled posts, are left out: they do nothing before it.
        """
        if job_ids is not None:
            ids = sorted(set(job_ids))
            return sum(
                [
                    await self._jobs.promote(queue, ids[start : start + IDS_PER_STATEMENT])
                    for start in range(0, len(ids), IDS_PER_STATEMENT)
                ]
            )
        promoted = 0
        while batch := await self._jobs.list_promotable(queue, PRIORITIES):
            promoted += await self._jobs.promote(queue, batch)
        return promoted
