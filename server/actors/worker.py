"""Runs one queue's jobs: claims what the doorbell names, keeps the lease alive, settles how it ended."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from server.errors import Unavailable
from server.ids import JobId
from server.pubsub.receiver import QueueReceiver
from server.services.jobs import Claim, Jobs, LeaseLost

log = structlog.get_logger(__name__)

Handler = Callable[[Claim], Awaitable[None]]

SETTLE_BACKOFF_S = 0.5


class Worker:
    """`handlers`: by kind, what does a job and completes its row with the effect. `kinds` unknown here fail."""

    def __init__(
        self,
        queue: str,
        jobs: Jobs,
        handlers: Mapping[str, Handler],
        receiver: Callable[[Callable[[int], Awaitable[None]]], QueueReceiver],
        heartbeat_s: float,
    ) -> None:
        self._queue = queue
        self._jobs = jobs
        self._handlers = handlers
        self._heartbeat_s = heartbeat_s
        self._running: dict[JobId, Claim] = {}
        self._receiver = receiver(self.run_job)

    async def run(self) -> None:
        """Receive and run jobs until drained."""
        heartbeat = asyncio.create_task(self._keep_leases(), name=f"heartbeat:{self._queue}")
        try:
            await self._receiver.run()
        finally:
            heartbeat.cancel()
            await asyncio.gather(heartbeat, return_exceptions=True)

    async def drain(self) -> int:
        """Take no more jobs, wait for those that run; how many were cut off (and handed back) at the deadline."""
        return await self._receiver.drain()

    async def run_job(self, job_id: int) -> None:
        """Claim one job, run it, settle it. Harmless for a job that is done, not due, or somebody else's."""
        try:
            claim = await self._jobs.claim(JobId(job_id))
        except Unavailable:
            return  # still ready, or its lease will expire: the dispatcher comes back to it
        if claim is None:
            return
        self._running[claim.id] = claim
        try:
            await self._run(claim)
        finally:
            del self._running[claim.id]

    async def _run(self, claim: Claim) -> None:
        known = {"queue": self._queue, "kind": claim.kind, "job_id": claim.id, "attempt": claim.attempts}
        try:
            handler = self._handlers.get(claim.kind)
            if handler is None:
                raise LookupError(f"no handler for jobs of kind {claim.kind!r}")
            await handler(claim)
        except asyncio.CancelledError:
            await asyncio.shield(self._jobs.hand_back([claim]))
            log.info("job_handed_back", **known)
            raise
        except LeaseLost:
            log.warning("job_taken_over", **known)
        except Unavailable as error:
            log.debug("job_postponed", error=error.detail, **known)
            await self._settle(lambda: self._jobs.postpone(claim))
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            log.warning("job_failed", error=reason, exc_info=True, **known)
            await self._settle(lambda: self._jobs.fail(claim, reason))

    async def _settle(self, write: Callable[[], Awaitable[object]]) -> None:
        """Write how a job ended, as often as it takes: the heartbeat keeps the lease meanwhile."""
        while True:
            try:
                await write()
                return
            except Unavailable:
                await asyncio.sleep(SETTLE_BACKOFF_S)

    async def _keep_leases(self) -> None:
        while True:
            await asyncio.sleep(self._heartbeat_s)
            try:
                await self._jobs.heartbeat(list(self._running.values()))
            except Unavailable:
                log.debug("heartbeat_missed", queue=self._queue)
