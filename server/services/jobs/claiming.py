"""Claiming of jobs: simultaneous calls share statements, and poison candidates run one at a time."""

import secrets
from collections.abc import Awaitable, Callable, Sequence

from server.batching import BatchingQueue
from server.ids import JobId
from server.models.jobs.leases import ClaimedJob, JobLeaseRepository
from server.services.jobs.claims import Claim
from server.services.jobs.event_jobs import Queue


class JobClaimer:
    """Claims jobs for this process.

    A poison candidate is a job that has crashed a worker. The process holds at most one, because a job that kills its
    process would otherwise crash the same neighbours each time, until they fail with it.
    """

    def __init__(
        self, leases: JobLeaseRepository, return_to_queue: Callable[[Sequence[Claim]], Awaitable[None]]
    ) -> None:
        """`return_to_queue` gets the claims whose caller was cancelled."""
        self._leases = leases
        self._return_to_queue = return_to_queue
        self._batches = BatchingQueue(self._claim_batch, on_abandoned=self._return_abandoned)
        self._poison_candidate: JobId | None = None

    async def claim(self, job_id: JobId) -> Claim | None:
        """Claim a job; None if it is not ready, not due, or claimed by another worker."""
        return await self._batches.submit(job_id)

    def release(self, claim: Claim) -> None:
        """Allow another poison candidate, if `claim` is the one that this process holds."""
        if self._poison_candidate == claim.id:
            self._poison_candidate = None

    async def _claim_batch(self, job_ids: Sequence[JobId]) -> list[Claim | None]:
        # Sorted, because two workers that lock rows in different orders deadlock.
        wanted = sorted(set(job_ids))
        lease = secrets.token_hex(16)
        claimed = await self._leases.claim(wanted, lease, crashed=False)
        if claimed < len(wanted) and (candidate := await self._find_poison_candidate(wanted)):
            claimed += await self._leases.claim([candidate], lease, crashed=True)
        jobs = await self._leases.list_claimed(wanted, lease) if claimed else []
        self._poison_candidate = next((job.id for job in jobs if job.crash_count), self._poison_candidate)
        claims = {job.id: _to_claim(job, lease) for job in jobs}
        # A job that was requested twice in one batch goes to the first caller.
        return [claims.pop(job_id, None) for job_id in job_ids]

    async def _find_poison_candidate(self, job_ids: Sequence[JobId]) -> JobId | None:
        allowed = [job_id for job_id in job_ids if self._poison_candidate in (None, job_id)]
        return await self._leases.find_crashed(allowed) if allowed else None

    async def _return_abandoned(self, claims: Sequence[Claim | None]) -> None:
        abandoned = [claim for claim in claims if claim is not None]
        for claim in abandoned:
            self.release(claim)
        await self._return_to_queue(abandoned)


def _to_claim(job: ClaimedJob, lease: str) -> Claim:
    return Claim(
        id=job.id,
        queue=Queue(job.queue),
        kind=job.kind,
        payload=job.payload,
        attempts=job.attempts,
        created_at_ms=job.created_at_ms,
        progress=job.progress,
        lease=lease,
        traceparent=job.traceparent,
    )
