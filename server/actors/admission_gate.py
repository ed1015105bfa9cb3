"""Decides when a queue's next job may start.

A job waits while its queue is paused and while the queue's rate limit is reached. While a dependency of the
jobs is unavailable, one job at a time probes it.
"""

import asyncio
import time
from typing import Protocol

from server.errors import Unavailable
from server.outages import CircuitBreaker

PROBE_WAIT_S = 1.0
PROBE_POLL_S = 0.05


class Limiter(Protocol):
    """Rate limit of a queue. `reserve` returns the seconds until a job may start."""

    async def reserve(self) -> float: ...
    async def refund(self) -> None: ...


class QueueStatusReader(Protocol):
    """The state of queues and jobs."""

    async def is_paused(self, queue: str) -> bool: ...
    async def is_ready(self, job_id: int) -> bool: ...


class AdmissionGate:
    """A worker acquires it before it claims a job, and releases it afterwards."""

    def __init__(
        self,
        queue: str,
        states: QueueStatusReader,
        limiter: Limiter | None,
        circuit: CircuitBreaker | None = None,
    ) -> None:
        """`limiter`: None if the queue has no rate limit. `circuit` protects what the jobs depend on."""
        self._queue = queue
        self._states = states
        self._limiter = limiter
        self._circuit = circuit
        self._closed = asyncio.Event()

    async def acquire(self, job_id: int) -> bool:
        """Wait until the job may start. Call `release` afterwards in any case.

        Return False if it may not: the queue is paused, the gate is closed, another worker took the job, or another
        job probes an open circuit.
        """
        if not await self._may_probe(job_id) or await self._states.is_paused(self._queue):
            return False
        if self._limiter is None:
            return True
        wait_s = await self._limiter.reserve()
        if self._closed.is_set():
            await self.refund()
            return False
        if wait_s == 0:
            return True
        # Jobs of a backlog are often signalled twice. Finished ones must not use up the rate of others.
        if not await self._is_ready(job_id):
            await self.refund()
            return False
        if await self._closes_within(wait_s):
            return False
        # Check again, because the wait may have been long.
        if await self._states.is_paused(self._queue) or not await self._may_probe(job_id):
            await self.refund()
            return False
        return True

    def release(self, job_id: int) -> None:
        """Record that the job ended or was not started."""
        if self._circuit is not None:
            self._circuit.release(job_id)

    async def refund(self) -> None:
        """Give the reserved start back to the rate limit, because no job was started."""
        if self._limiter is not None:
            await self._limiter.refund()

    def close(self) -> None:
        """Admit no more jobs, including those that wait."""
        self._closed.set()

    async def _may_probe(self, job_id: int) -> bool:
        """While the circuit is open, wait up to PROBE_WAIT_S for permission to probe it.

        The wait keeps further messages in their stream, for processes that may reach the dependency.
        """
        circuit, deadline = self._circuit, time.monotonic() + PROBE_WAIT_S
        while circuit is not None and not circuit.acquire(job_id):
            if time.monotonic() >= deadline or await self._closes_within(PROBE_POLL_S):
                return False
        return True

    async def _is_ready(self, job_id: int) -> bool:
        try:
            return await self._states.is_ready(job_id)
        except Unavailable:
            return True  # the claim will decide

    async def _closes_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._closed.wait()
        except TimeoutError:
            return False
        return True
