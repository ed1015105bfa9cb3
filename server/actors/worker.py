"""Runs the jobs of one queue: claims signalled jobs, extends their leases, and settles them.

A job is claimed only if the admission gate admits it. Otherwise its row stays ready, and the dispatcher signals it
again.
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
from server.services.jobs.claims import Claim, LeaseLost
from server.services.jobs.jobs import Jobs
from server.tracing import CURRENT_SPAN, SpanKind, Tracer

log = structlog.get_logger(__name__)

Handler = Callable[[Claim], Awaitable[None]]

SETTLE_RETRY_S = 0.5
# How long a job of an unknown kind waits for a newer process, and the limits of the wait between its attempts.
UNKNOWN_KIND_FOR_MS = 86_400_000
UNKNOWN_KIND_DELAY_MS = (1_000, 60_000)


class UnknownKind(AppError):
    """No handler exists for a job's kind; a newer process may have one."""

    code = "unknown_kind"


class Worker:
    """`handlers`, by kind, run a job and complete it with its effect.

    A job of an unknown kind was enqueued by a newer version, and waits a day for one of its workers.
    """

    def __init__(  # noqa: PLR0913 - one per collaborator
        self,
        queue: str,
        jobs: Jobs,
        handlers: Mapping[str, Handler],
        receiver: Callable[[Callable[[int], Awaitable[None]]], QueueReceiver],
        heartbeat_s: float,
        *,
        metrics: Metrics,
        gate: AdmissionGate | None = None,
        channels: Mapping[str, str] = MappingProxyType({}),
        tracer: Tracer | None = None,
    ) -> None:
        """`channels`, by kind, name the notification channel that is lost when a job fails for good."""
        self._queue = queue
        self._jobs = jobs
        self._handlers = handlers
        self._heartbeat_s = heartbeat_s
        self._gate = gate
        self._metrics = metrics
        self._channels = channels
        self._tracer = tracer or Tracer()
        self._received: set[int] = set()
        self._running: dict[JobId, Claim] = {}
        self._draining = asyncio.Event()
        self._clock = SystemClock()
        self._receiver = receiver(self.run_job)

    async def run(self) -> None:
        """Receive and run jobs until drained."""
        heartbeat = asyncio.create_task(self._extend_leases(), name=f"heartbeat:{self._queue}")
        try:
            await self._receiver.run()
        finally:
            heartbeat.cancel()
            await asyncio.gather(heartbeat, return_exceptions=True)

    async def drain(self) -> int:
        """Start no more jobs and wait for running ones. Return how many were cancelled at the deadline."""
        self._draining.set()
        if self._gate is not None:
            self._gate.close()
        return await self._receiver.drain()

    async def run_job(self, job_id: int) -> None:
        """Claim one job, run it and settle it. Does nothing for a job that is finished, not due, or claimed."""
        if job_id in self._received:
            return
        self._received.add(job_id)
        try:
            claim = await self._claim(JobId(job_id))
            if claim is not None:
                await self._run_claimed(claim)
        finally:
            self._received.discard(job_id)
            if self._gate is not None:
                self._gate.release(job_id)

    async def _claim(self, job_id: JobId) -> Claim | None:
        if self._gate is not None and not await self._gate.acquire(job_id):
            return None
        claim = None
        try:
            claim = await self._jobs.claim(job_id)
        except Unavailable as error:
            log.debug("claim_failed", queue=self._queue, job_id=job_id, error=error.detail)
        if claim is None and self._gate is not None:
            await self._gate.refund()
        return claim

    async def _run_claimed(self, claim: Claim) -> None:
        self._running[claim.id] = claim
        if claim.attempts == 1:
            # The claim does not tell when later attempts were due.
            self._metrics.observe_job_wait(self._queue, (self._clock.now_ms() - claim.created_at_ms) / 1000)
        outcome, began = "returned", time.perf_counter()
        try:
            outcome = await self._run(claim)
        except asyncio.CancelledError:
            with suppress(Unavailable):  # the lease expires
                await asyncio.shield(self._jobs.return_to_queue([claim]))
                log.info("job_returned", queue=self._queue, kind=claim.kind, job_id=claim.id)
            raise
        finally:
            del self._running[claim.id]
            self._jobs.release(claim)
            kind = claim.kind if claim.kind in self._handlers else "unknown"
            self._metrics.count_job(self._queue, kind, outcome, time.perf_counter() - began)

    async def _run(self, claim: Claim) -> str:
        """Run a job, in the trace of its cause, and settle it. Return the outcome for the metrics."""
        span = self._tracer.start(f"{claim.kind} process", SpanKind.CONSUMER, claim.traceparent)
        if span is None:
            return await self._run_and_settle(claim)
        context, outcome = CURRENT_SPAN.set(span), "returned"
        try:
            outcome = await self._run_and_settle(claim)
            return outcome
        finally:
            CURRENT_SPAN.reset(context)
            span.attributes.update(
                {
                    "messaging.destination.name": str(self._queue),
                    "messaging.message.id": str(claim.id),
                    "photofeed.job.attempt": claim.attempts,
                    "photofeed.job.outcome": outcome,
                }
            )
            span.end(None if outcome in ("completed", "returned", "postponed") else outcome)

    async def _run_and_settle(self, claim: Claim) -> str:
        fields = {"queue": self._queue, "kind": claim.kind, "job_id": claim.id, "attempt": claim.attempts}
        try:
            await self._handler(claim.kind)(claim)
        except LeaseLost:
            log.warning("job_taken_over", **fields)
            return "lease_lost"
        except Unavailable as error:
            log.debug("job_postponed", error=error.detail, **fields)
            await self._settle(lambda: self._jobs.postpone(claim))
            return "postponed"
        except UnknownKind as error:
            age_ms = self._clock.now_ms() - claim.created_at_ms
            log.warning("job_kind_unknown", error=error.detail, age_s=age_ms // 1000, **fields)
            if age_ms >= UNKNOWN_KIND_FOR_MS:
                return await self._fail(claim, error.detail)
            shortest_ms, longest_ms = UNKNOWN_KIND_DELAY_MS
            delay_ms = max(shortest_ms, min(age_ms, longest_ms))
            await self._settle(lambda: self._jobs.postpone(claim, delay_ms))
            return "unknown"
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            # An expected error, such as an unavailable SMTP server, needs no traceback per job.
            log.warning("job_failed", error=reason, exc_info=not isinstance(error, AppError), **fields)
            return await self._fail(claim, reason)
        return "completed"

    def _handler(self, kind: str) -> Handler:
        try:
            return self._handlers[kind]
        except KeyError:
            raise UnknownKind(f"There is no handler for jobs of kind {kind!r}.") from None

    async def _fail(self, claim: Claim, reason: str) -> str:
        """Record a failed attempt."""
        state = await self._settle(lambda: self._jobs.fail(claim, reason))
        if state == "dead" and claim.kind in self._channels:
            self._metrics.count_undelivered(self._channels[claim.kind], "lost")
        if claim.kind not in self._handlers:
            return "unknown"
        return "lease_lost" if state is None else "dead" if state == "dead" else "failed"

    async def _settle(self, write: Callable[[], Awaitable[object]]) -> object:
        """Write how a job ended, retrying while the database is unavailable; the heartbeat keeps the lease.

        While the worker is drained, the first failure is the last: the lease expires, and another worker takes over.
        """
        while True:
            try:
                return await write()
            except Unavailable:
                if self._draining.is_set():
                    return None
                with suppress(TimeoutError):
                    async with asyncio.timeout(SETTLE_RETRY_S):
                        await self._draining.wait()

    async def _extend_leases(self) -> None:
        while True:
            await asyncio.sleep(self._heartbeat_s)
            try:
                await self._jobs.heartbeat(list(self._running.values()))
            except Unavailable:
                log.debug("heartbeat_failed", queue=self._queue)
