"""The job queue: add jobs, claim them under a lease, settle them, reclaim those of crashed workers, list due ones.

All times are database time, so processes whose clocks differ agree.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from server.batching import BatchingQueue
from server.events import DelayedEvent, Event
from server.ids import IdGenerator, JobId
from server.models.jobs.expired_leases import ExpiredLeaseRepository
from server.models.jobs.jobs import FailedAttempt, JobRepository, JobState, NewJob
from server.models.jobs.leases import JobLeaseRepository
from server.services.jobs.claiming import JobClaimer
from server.services.jobs.claims import Claim, JobRef, LeaseLost
from server.services.jobs.event_jobs import HIGH, JOBS_BY_EVENT, NORMAL, Queue
from server.services.jobs.retry_rules import RetryRule
from server.tracing import current_traceparent

HISTORY_LENGTH = 20
ERROR_LENGTH = 500
POSTPONE_MS = (500, 2000)
RECLAIM_BATCH = 1000


class Jobs:
    """The queue's operations; each waits for the database only."""

    def __init__(
        self,
        jobs: JobRepository,
        leases: JobLeaseRepository,
        expired: ExpiredLeaseRepository,
        ids: IdGenerator,
        rules: Mapping[Queue, RetryRule],
        max_crashes: int,
    ) -> None:
        """`max_crashes`: a job that crashed this many workers fails."""
        self._jobs = jobs
        self._leases = leases
        self._expired = expired
        self._ids = ids
        self._rules = rules
        self._max_crashes = max_crashes
        self._claimer = JobClaimer(leases, self.return_to_queue)
        self._finishes = BatchingQueue(self._finish_batch)

    async def add(self, events: Sequence[Event], traceparents: Sequence[str | None] = ()) -> list[JobRef]:
        """Insert the jobs that `events` cause, and return those that are due now.

        `traceparents` name the spans that the events happened in, by default the current one.
        Call inside the transaction of the events' change.
        """
        causes = traceparents or [current_traceparent()] * len(events)
        jobs = [
            job for event, cause in zip(events, causes, strict=True) for job in self._jobs_of(event, cause)
        ]
        if jobs:
            await self._jobs.insert(jobs)
        return [JobRef(Queue(job.queue), job.id, job.priority) for job in jobs if job.run_at_ms is None]

    async def cancel(self, event: DelayedEvent) -> None:
        """Delete the jobs of an event that did not begin, in the transaction that makes them obsolete.

        One that has begun, or failed before, is not found: it has to see from its rows that nothing is to be done.
        """
        for job in self._jobs_of(event):
            await self._jobs.delete_delayed(job)

    async def claim(self, job_id: JobId) -> Claim | None:
        """Claim a job; None if it is not ready, not due, or claimed by another worker. Call `release` afterwards."""
        return await self._claimer.claim(job_id)

    def release(self, claim: Claim) -> None:
        """End this process's hold on a job that was settled or returned."""
        self._claimer.release(claim)

    async def finish(self, claim: Claim) -> None:
        """Complete a job whose effect is outside the database or idempotent. Raises LeaseLost.

        Simultaneous calls share a statement, so call it outside a transaction.
        """
        if not await self._finishes.submit(claim):
            raise _lease_lost(claim)

    async def complete(self, claim: Claim) -> None:
        """Complete a job in the transaction of its effect. Raises LeaseLost."""
        if not await self._leases.complete(claim.held):
            raise _lease_lost(claim)

    async def save_progress(self, claim: Claim, progress: Mapping[str, Any]) -> None:
        """Save how far a job has come, for its next attempt, and extend its lease. Raises LeaseLost."""
        if not await self._leases.save_progress(claim.held, progress):
            raise _lease_lost(claim)

    async def heartbeat(self, claims: Sequence[Claim]) -> None:
        """Extend the leases of running jobs."""
        if claims:
            await self._leases.extend([claim.held for claim in claims])

    async def fail(self, claim: Claim, error: str) -> JobState | None:
        """Record a failed attempt: READY after a backoff, or DEAD after the last. None: the lease is lost."""
        rule = self._rules[claim.queue]
        history, now_ms = await self._history_with(claim.id, claim.attempts, error)
        dead = rule.is_last(claim.attempts, now_ms - claim.created_at_ms)
        delay_ms = 0 if dead else rule.delay_ms(claim.attempts)
        if not await self._leases.record_failure(claim.held, history, delay_ms, dead=dead):
            return None
        return JobState.DEAD if dead else JobState.READY

    async def postpone(self, claim: Claim, delay_ms: int | None = None) -> None:
        """Retry a job soon, or in `delay_ms`, that could not be tried here; the attempt does not count."""
        await self._leases.postpone(claim.held, delay_ms or random.randint(*POSTPONE_MS))

    async def return_to_queue(self, claims: Sequence[Claim]) -> None:
        """Make interrupted jobs ready at once; the attempt does not count."""
        for claim in claims:
            await self._leases.return_to_queue(claim.held)

    async def reclaim(self) -> int:
        """Take back jobs with an expired lease: ready again, or dead after `max_crashes`. Return how many."""
        reclaimed = 0
        for expired in await self._expired.list_expired(RECLAIM_BATCH):
            dead = expired.crash_count + 1 >= self._max_crashes
            error = "The worker crashed or lost its lease."
            history, _ = await self._history_with(expired.id, expired.attempts, error)
            reclaimed += await self._expired.reclaim(expired, history, dead=dead)
        return reclaimed

    async def due(self, queues: Sequence[Queue] = tuple(Queue), limit: int = 500) -> list[JobRef]:
        """Return due jobs, at most `limit` per queue; in each queue high priority first, then oldest first."""
        classes = [(queue, priority) for queue in queues for priority in (HIGH, NORMAL)]
        refs: dict[str, list[JobRef]] = {queue: [] for queue in queues}
        for job in await self._jobs.list_due(classes, limit):
            if len(refs[job.queue]) < limit:
                refs[job.queue].append(JobRef(Queue(job.queue), job.id, job.priority, job.run_at_ms))
        return [ref for queue in queues for ref in refs[queue]]

    def _jobs_of(self, event: Event, traceparent: str | None = None) -> list[NewJob]:
        due_at_ms = event.due_at_ms if isinstance(event, DelayedEvent) else None
        payload = asdict(event)
        return [
            NewJob(
                JobId(self._ids.next()), each.queue, each.kind, payload, each.priority, due_at_ms, traceparent
            )
            for each in JOBS_BY_EVENT.get(type(event), ())
        ]

    async def _finish_batch(self, claims: Sequence[Claim]) -> list[bool]:
        completed = await self._leases.complete_all([claim.held for claim in claims])
        return [claim.held in completed for claim in claims]

    async def _history_with(self, job_id: JobId, attempt: int, error: str) -> tuple[list[FailedAttempt], int]:
        """Return a job's history with one more failure, and the database time."""
        history = await self._leases.get_history(job_id)
        failure = FailedAttempt(attempt, history.now_ms, error[:ERROR_LENGTH])
        return [*history.attempts, failure][-HISTORY_LENGTH:], history.now_ms


def _lease_lost(claim: Claim) -> LeaseLost:
    return LeaseLost(f"Job {claim.id} was claimed by another worker.")
