"""Changes of queues and their jobs by administrators, recorded in the audit log before it is done."""

from collections.abc import Sequence
from functools import partial

from server.ids import ActionId, UserId
from server.models.moderation.actions import ModerationAction, ModerationActionRow
from server.models.moderation.audit_chain import AuditChainRepository
from server.services.jobs.event_jobs import Queue
from server.services.jobs.job_search import JobSearch
from server.services.jobs.queue_administration import QueueAdministration
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext

NO_USER = UserId(0)


class QueueOperations:
    """An entry can name a change that a crash prevented, but no change lacks an entry."""

    def __init__(
        self,
        queues: QueueAdministration,
        jobs: JobSearch,
        audit: AuditChainRepository,
        unit_of_work: UnitOfWork,
    ) -> None:
        self._queues = queues
        self._jobs = jobs
        self._audit = audit
        self._unit_of_work = unit_of_work

    async def pause(self, actor_id: UserId, queue: Queue) -> None:
        """As `QueueAdministration.pause`."""
        await self._record(actor_id, ModerationAction.PAUSE_QUEUE, queue)
        await self._queues.pause(queue)

    async def resume(self, actor_id: UserId, queue: Queue) -> None:
        """As `QueueAdministration.resume`."""
        await self._record(actor_id, ModerationAction.RESUME_QUEUE, queue)
        await self._queues.resume(queue)

    async def retry(self, actor_id: UserId, queue: Queue, job_ids: Sequence[int] | None) -> int:
        """As `QueueAdministration.retry`."""
        await self._record(actor_id, ModerationAction.RETRY_JOBS, queue, job_ids)
        return await self._queues.retry(queue, job_ids)

    async def discard(self, actor_id: UserId, queue: Queue, job_ids: Sequence[int] | None) -> int:
        """As `QueueAdministration.discard`."""
        await self._record(actor_id, ModerationAction.DISCARD_JOBS, queue, job_ids)
        return await self._queues.discard(queue, job_ids)

    async def promote(self, actor_id: UserId, queue: Queue, job_ids: Sequence[int] | None) -> int:
        """As `JobSearch.promote`."""
        await self._record(actor_id, ModerationAction.PROMOTE_JOBS, queue, job_ids)
        promoted = await self._jobs.promote(queue, job_ids)
        await self._queues.expire()
        return promoted

    async def _record(
        self, actor_id: UserId, action: ModerationAction, queue: Queue, job_ids: Sequence[int] | None = None
    ) -> None:
        one = job_ids[0] if job_ids is not None and len(job_ids) == 1 else 0
        if action in (ModerationAction.PAUSE_QUEUE, ModerationAction.RESUME_QUEUE):
            detail = queue.value
        else:
            jobs = "all jobs" if job_ids is None else f"job {one}" if one else f"{len(job_ids)} jobs"
            detail = f"{queue}: {jobs}"
        await self._unit_of_work.run(partial(self._append, actor_id, action, one, detail))

    async def _append(
        self, actor_id: UserId, action: ModerationAction, subject_id: int, detail: str, work: WorkContext
    ) -> None:
        entry = ModerationActionRow(
            id=ActionId(work.new_id()),
            actor_id=actor_id,
            action=action,
            subject_type="queue",
            subject_id=subject_id,
            author_id=NO_USER,
            created_at_ms=work.now_ms(),
            detail=detail,
        )
        await self._audit.append(entry)
