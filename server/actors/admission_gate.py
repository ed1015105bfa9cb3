"""When a queue's next job may start: not while the queue is paused, one at a time while what its jobs need is away,
and no sooner than its rate allows."""

import asyncio
import time
from contextlib import suppress
from typing import Protocol

from server.errors import Unavailable
from server.outages import CircuitBreaker, Outage
from server.pubsub.backoff import RedisBackoff

TURN_WITHIN_S = 1.0
ASK_AGAIN_S = 0.05


class Limiter(Protocol):
    """Keeps the rate of a queue. `reserve` says in how many seconds a job may start; both raise Unavailable."""

    async def reserve(self) -> float: ...
    async def give_back(self) -> None: ...


class QueueStatusReader(Protocol):
    """What the gate asks of the queues."""

    async def is_paused(self, queue: str) -> bool: ...
    async def is_ready(self, job_id: int) -> bool: ...


class AdmissionGate:
    """What a worker passes before it claims a job. With `limiter` None there is no rate to keep."""

    def __init__(
        self,
        queue: str,
        switches: QueueStatusReader,
        limiter: Limiter | None,
        redis: Outage | None = None,
        circuit: CircuitBreaker | None = None,
    ) -> None:
        """`redis` is told when the limiter's server is away; jobs wait until it is back. `circuit`: of what the jobs
        need; whoever does not get a turn to try it leaves its job as it is."""
        self._queue = queue
        self._switches = switches
        self._limiter = limiter
        self._outage = RedisBackoff(redis, queue=queue, asked_by="rate limiter")
        self._circuit = circuit
        self._closed = asyncio.Event()

    async def enter(self, job_id: int) -> bool:
        """Wait until the job may start; False if it may not: the queue is paused, or the gate was closed, or somebody
        else has had the job meanwhile, or others try what is away. Call `leave` afterwards in any case."""
        if not await self._may_try(job_id) or await self._switches.is_paused(self._queue):
            return False
        if self._limiter is None:
            return True
        wait_s = await self._reserve(self._limiter)
        if wait_s is None:
            return False
        if wait_s == 0:
            return True
        # Of a backlog many jobs are rung for twice. Those that are done must not wait for their turn in earnest, or
        # they would take the places of others.
        if not await self._is_ready(job_id):
            await self.return_unused()
            return False
        if await self._closed_within(wait_s):
            return False
        # The wait may have been long.
        if await self._switches.is_paused(self._queue) or not await self._may_try(job_id):
            await self.return_unused()
            return False
        return True

    def leave(self, job_id: int) -> None:
        """The job is over, or was not started."""
        if self._circuit is not None:
            self._circuit.release(job_id)

    async def return_unused(self) -> None:
        """No job was started after all: let another one be."""
        if self._limiter is not None:
            with suppress(Unavailable):
                await self._limiter.give_back()

    def close(self) -> None:
        """Let nobody in any more, those who wait included."""
        self._closed.set()

    async def _may_try(self, job_id: int) -> bool:
        """While what the jobs need is away, wait for a turn to try it, a second at most.

        To wait keeps the rings that follow in their stream, for processes that may reach it.
        """
        circuit, deadline = self._circuit, time.monotonic() + TURN_WITHIN_S
        while circuit is not None and not circuit.acquire(job_id):
            if time.monotonic() >= deadline or await self._closed_within(ASK_AGAIN_S):
                return False
        return True

    async def _is_ready(self, job_id: int) -> bool:
        try:
            return await self._switches.is_ready(job_id)
        except Unavailable:
            return True  # the claim will tell

    async def _reserve(self, limiter: Limiter) -> float | None:
        """In how many seconds a job may start; None if the gate was closed."""
        while not self._closed.is_set():
            try:
                wait_s = await limiter.reserve()
            except Unavailable as error:
                await self._outage.back_off(error)
                continue
            self._outage.succeeded()
            return wait_s
        return None

    async def _closed_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._closed.wait()
        except TimeoutError:
            return False
        return True
