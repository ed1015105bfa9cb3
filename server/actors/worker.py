"""Runs one queue's jobs: claims what the doorbell names, keeps the lease alive, settles how it ended.

A job is claimed only while its queue is not paused and when the queue's rate allows it. Until then it is a row that
is ready: nothing is lost when its ring is dropped here, for the dispatcher rings again.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from types import MappingProxyType

import structlog

from server.actors.admission_gate import AdmissionGate
from server.clock import SystemClock
from server.errors import AppError, Unavailable
from server.ids import JobId
from server.metrics import Metrics
from server.pubsub.receiver import QueueReceiver
from server.services.jobs.jobs import Claim, Jobs, LeaseLost

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
        *,
        gate: AdmissionGate | None = None,
        metrics: Metrics | None = None,
        channels: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """`channels`: which way of telling people is lost with a job of a kind that is given up."""
        self._queue = queue
        self._jobs = jobs
        self._handlers = handlers
        self._heartbeat_s = heartbeat_s
        self._gate = gate
        self._metrics = metrics or Metrics()
        self._channels = channels
        self._in_hand: set[int] = set()
        self._running: dict[JobId, Claim] = {}
        self._clock = SystemClock()
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
        if self._gate is not None:
            self._gate.close()
        return await self._receiver.drain()

    async def run_job(self, job_id: int) -> None:
        """Claim one job, run it, settle it. Harmless for a job that is done, not due, or somebody else's."""
        if job_id in self._in_hand:
            return
        self._in_hand.add(job_id)
        try:
            claim = await self._claim(JobId(job_id))
            if claim is not None:
                await self._run_claimed(claim)
        finally:
            self._in_hand.discard(job_id)
            if self._gate is not None:
                self._gate.leave(job_id)

    async def _claim(self, job_id: JobId) -> Claim | None:
        if self._gate is not None and not await self._gate.enter(job_id):
            return None
        claim = None
        try:
            claim = await self._jobs.claim(job_id)
        except Unavailable as error:
            log.debug("claim_failed", queue=self._queue, job_id=job_id, error=str(error))
        if claim is None and self._gate is not None:
            await self._gate.return_unused()
        return claim

    async def _run_claimed(self, claim: Claim) -> None:
        self._running[claim.id] = claim
        if claim.attempts == 1:
            # Later attempts were due at a time that the claim does not tell.
            self._metrics.job_started(self._queue, (self._clock.now_ms() - claim.created_at_ms) / 1000)
        known = claim.kind in self._handlers
        outcome, began = "handed_back", time.perf_counter()
        try:
            outcome = await self._run(claim)
        except asyncio.CancelledError:
            with suppress(Unavailable):  # then its lease runs out
                await asyncio.shield(self._jobs.hand_back([claim]))
                log.info("job_handed_back", queue=self._queue, kind=claim.kind, job_id=claim.id)
            raise
        finally:
            del self._running[claim.id]
            self._jobs.let_go(claim)
            kind = claim.kind if known else "unknown"
            self._metrics.job_ended(self._queue, kind, outcome, time.perf_counter() - began)

    async def _run(self, claim: Claim) -> str:
        """How it ended, for the metrics; a job of an unknown kind fails, for a newer process may know it."""
        told = {"queue": self._queue, "kind": claim.kind, "job_id": claim.id, "attempt": claim.attempts}
        handler = self._handlers.get(claim.kind)
        try:
            if handler is None:
                raise LookupError(f"no handler for jobs of kind {claim.kind!r}")
            await handler(claim)
        except LeaseLost:
            log.warning("job_taken_over", **told)
            return "lease_lost"
        except Unavailable as error:
            log.debug("job_postponed", error=str(error), **told)
            await self._settle(lambda: self._jobs.postpone(claim))
            return "postponed"
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            # What is raised on purpose says what is wrong: a mail server that is away needs no traceback a letter.
            surprising = handler is not None and not isinstance(error, AppError)
            log.warning("job_failed", error=reason, exc_info=surprising, **told)
            state = await self._settle(lambda: self._jobs.fail(claim, reason))
            if state == "dead" and claim.kind in self._channels:
                self._metrics.undelivered(self._channels[claim.kind], "lost")
            if handler is None:
                return "unknown"
            return "lease_lost" if state is None else "dead" if state == "dead" else "failed"
        return "completed"

    async def _settle(self, write: Callable[[], Awaitable[object]]) -> object:
        """Write how a job ended, as often as it takes: the heartbeat keeps the lease meanwhile."""
        while True:
            try:
                return await write()
            except Unavailable:
                await asyncio.sleep(SETTLE_BACKOFF_S)

    async def _keep_leases(self) -> None:
        while True:
            await asyncio.sleep(self._heartbeat_s)
            try:
                await self._jobs.heartbeat(list(self._running.values()))
            except Unavailable:
                log.debug("heartbeat_missed", queue=self._queue)
