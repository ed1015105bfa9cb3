"""Guards the caches in Redis: a process uses them only while every process can correct them.

Each process writes to Redis and reads the cache generation from the database twice per second. Together these renew its
lease on the caches. A process whose write to Redis fails ends its own lease at once, and suspends the caches in the
database before it acknowledges the change: a new generation begins, so that what is cached now is never used again.
Then it waits until the leases of all other processes have lapsed. So a change is acknowledged only when no process
shows what it made stale, whichever of the processes Redis refuses, and also if this one is killed.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from server.errors import Unavailable
from server.gateways.redis.cache_lease import LEASE_S
from server.gateways.redis.error_replies import CommandRefused, RedisUnavailable, ReplyError
from server.gateways.redis.pipelined_client import PipelinedRedis
from server.models.jobs.cache_generations import CacheGeneration, CacheGenerationRepository
from server.outages import Outage

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

RENEW_S = 0.5
# A suspension lasts longer than a transaction that began under it, and is extended in time while changes go on.
SUSPEND_S = 8.0
EXTEND_BELOW_S = 4.0
MARGIN_S = 0.1
READ_TIMEOUT_S = 0.5
PROBE_KEY = "write_probe"
PROBE_TTL_S = 60


class CacheGuard:
    """Renews this process's lease on the caches of one Redis, and suspends them for all processes."""

    def __init__(
        self,
        redis: PipelinedRedis,
        generations: CacheGenerationRepository,
        outage: Outage | None = None,
        on_server_changed: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`outage` records whether Redis accepts writes; `on_server_changed` is called for another Redis server."""
        self._redis = redis
        self._lease = redis.lease
        self._generations = generations
        self._outage = outage or Outage("redis", by="cache guard")
        self._on_server_changed = on_server_changed
        self._error: Unavailable | None = None
        self._run_id = ""
        self._redialled = ("", "")
        self._suspending = asyncio.Lock()
        self._suspended_since = self._suspended_until = 0.0
        self._reading: tuple[float, asyncio.Task[CacheGeneration | None]] | None = None

    @property
    def is_available(self) -> bool:
        """Return whether Redis accepted the last write."""
        return self._error is None

    async def check(self) -> None:
        """Raise Unavailable if Redis did not accept the last write."""
        if self._error is not None:
            raise self._error

    async def run(self) -> None:
        """Renew the lease until cancelled."""
        try:
            while True:
                await self.renew()
                await asyncio.sleep(RENEW_S)
        finally:
            if self._reading is not None:
                self._reading[1].cancel()
                await asyncio.gather(self._reading[1], return_exceptions=True)

    async def renew(self) -> None:
        """Renew the lease if Redis accepts writes and its caches are not suspended."""
        began = time.monotonic()
        try:
            run_id = await self._probe()
        except (Unavailable, ReplyError) as error:
            self._lease.revoke()
            self._outage.failed(error)
            if not isinstance(
                self._error, CommandRefused
            ):  # which says more than that there is no connection now
                self._error = error if isinstance(error, Unavailable) else RedisUnavailable(str(error))
            return
        self._error = None
        self._outage.succeeded()
        try:
            await self._confirm(run_id, began)
        except Unavailable:  # of the database
            return

    async def suspend(self, *, wait: bool = True) -> None:
        """Suspend the caches for all processes; with `wait`, return when no process uses them.

        Raises Unavailable if the database does not answer.
        """
        self._lease.revoke()
        async with self._suspending:
            began = time.monotonic()
            if began > self._suspended_until - EXTEND_BELOW_S:
                await self._generations.suspend(_ms(SUSPEND_S), _ms(EXTEND_BELOW_S))
                if began >= self._suspended_until:
                    self._suspended_since = time.monotonic()
                self._suspended_until = began + SUSPEND_S
        lapsed_at = self._suspended_since + LEASE_S + MARGIN_S
        if wait and (remaining_s := lapsed_at - time.monotonic()) > 0:
            await asyncio.sleep(remaining_s)

    async def is_current(self) -> bool:
        """Return whether this process writes to the server whose caches are used. Raises Unavailable."""
        run_id = self._redis.server_run_id
        if self._lease.is_held(run_id):
            return True
        state = await self._generations.get()
        return state is not None and run_id != "" and state.run_id == run_id

    async def _probe(self) -> str:
        """Write to Redis; return the run id of the server."""
        await self._redis.command("SET", PROBE_KEY, "", "EX", PROBE_TTL_S)
        run_id = self._redis.server_run_id
        if run_id and run_id != self._run_id:
            if self._run_id and self._on_server_changed is not None:
                await self._on_server_changed()
            self._run_id = run_id
        return run_id

    async def _confirm(self, run_id: str, began: float) -> None:
        found = await self._read()
        if found is None:
            # A slow database must not cost the caches, too. Not noticed: that Redis refuses another process only.
            if self._lease.is_held(run_id):
                self._lease.grant(run_id, self._lease.generation, began)
            return
        state, read_at = found
        if state is None:
            await self._generations.insert(run_id)
        elif state.run_id != run_id:
            self._lease.revoke()
            await self._change_server(state, run_id)
        elif state.is_suspended or time.monotonic() < self._suspended_until:
            self._lease.revoke()
        else:
            self._lease.grant(run_id, state.generation, min(began, read_at))

    async def _read(self) -> tuple[CacheGeneration | None, float] | None:
        """Return the state and when it was read; None if the database does not answer in time."""
        if self._reading is None:
            task = asyncio.create_task(self._generations.get(), name="read cache generation")
            self._reading = (time.monotonic(), task)
        began, task = self._reading
        done, _ = await asyncio.wait({task}, timeout=READ_TIMEOUT_S)
        if not done:
            return None
        self._reading = None
        try:
            return task.result(), began
        except Unavailable:
            return None

    async def _change_server(self, state: CacheGeneration, run_id: str) -> None:
        """Connect again, because the other server may be the primary now; move the caches if it is not."""
        if self._redialled != (state.run_id, run_id):
            self._redialled = (state.run_id, run_id)
            if state.run_id:
                self._redis.redial()
                return
        # Processes that have a lease on the other server use it until it lapses.
        await self._generations.move(state.generation, run_id, _ms(LEASE_S + MARGIN_S))
        log.info("cache_server_changed", run_id=run_id)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
