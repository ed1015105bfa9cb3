"""A value that is expensive to compute, computed by one process at a time for all of them and kept in Redis."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from server.gateways.redis.error_replies import RedisUnavailable, ReplyError
from server.gateways.redis.pipelined_client import PipelinedRedis

Result = TypeVar("Result")

# A process that computes the value longer, or was killed, is not waited for any more.
MAX_COMPUTE_S = 30.0
# The value is computed less often the longer it takes: at most this share of the time.
MAX_LOAD = 0.25
WAIT_S = 2.0
POLL_S = 0.05


class SharedValue(Generic[Result]):
    """The value `name`, computed at most once per `fresh_s` by all processes together.

    Without Redis, each process computes it for itself, at most once per `fresh_s`. `load` raises ValueError, TypeError
    or KeyError for what another version stored.
    """

    def __init__(
        self,
        redis: PipelinedRedis,
        name: str,
        compute: Callable[[], Awaitable[Result]],
        dump: Callable[[Result], bytes],
        load: Callable[[bytes], Result],
        *,
        fresh_s: float,
        max_age_s: float,
    ) -> None:
        """`max_age_s`: how old a value is returned if it is not refreshed in the background."""
        self._redis = redis
        self._key, self._marker = f"shared:{name}", f"shared:{name}:fresh"
        self._compute, self._dump, self._load = compute, dump, load
        self._fresh_s, self._max_age_s = fresh_s, max_age_s
        self._lock = asyncio.Lock()
        self._own: tuple[float, Result] | None = None

    async def get(self) -> Result:
        """Return the value. An error of `compute` is raised, and not kept."""
        try:
            known, age_s = await self._read()
            if known is not None and age_s <= self._max_age_s:
                return known
            if await self._may_compute():
                return await self._compute_and_store()
            return known if known is not None else await self._wait()
        except (RedisUnavailable, ReplyError):
            return await self._compute_alone()

    async def refresh(self) -> bool:
        """Compute the value unless it is fresh, or another process computes it. Return whether this one did.

        Raises RedisUnavailable.
        """
        if not await self._may_compute():
            return False
        await self._compute_and_store()
        return True

    async def expire(self) -> None:
        """Let the next `get` compute the value, because it has changed."""
        self._own = None
        try:
            await self._redis.command("DEL", self._key, self._marker)
        except (RedisUnavailable, ReplyError):
            return  # what others cache expires soon

    async def _read(self) -> tuple[Result | None, float]:
        """Return the stored value and its age in seconds."""
        stored, left_ms, kept_ms = await self._redis.commands(
            ("HGET", self._key, "value"), ("PTTL", self._key), ("HGET", self._key, "kept_ms")
        )
        if stored is None or kept_ms is None:
            return None, 0.0
        try:
            return self._load(stored), (int(kept_ms) - left_ms) / 1000
        except (ValueError, TypeError, KeyError):
            return None, 0.0

    async def _may_compute(self) -> bool:
        return await self._redis.command("SET", self._marker, "", "NX", "PX", _ms(MAX_COMPUTE_S)) is not None

    async def _compute_and_store(self) -> Result:
        began = time.monotonic()
        try:
            value = await self._compute()
        except BaseException:
            await self.expire()
            raise
        fresh_s = max(self._fresh_s, (time.monotonic() - began) / MAX_LOAD)
        kept_ms = _ms(4 * max(fresh_s, self._max_age_s))
        await self._redis.commands(
            ("HSET", self._key, "value", self._dump(value), "kept_ms", kept_ms),
            ("PEXPIRE", self._key, kept_ms),
            ("SET", self._marker, "", "PX", _ms(fresh_s)),
        )
        return value

    async def _wait(self) -> Result:
        """Return the value that another process computes; compute it here if that takes too long."""
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            await asyncio.sleep(POLL_S)
            known, _ = await self._read()
            if known is not None:
                return known
        return await self._compute_alone()

    async def _compute_alone(self) -> Result:
        async with self._lock:
            if self._own is None or time.monotonic() - self._own[0] >= self._fresh_s:
                self._own = None
                self._own = time.monotonic(), await self._compute()
            return self._own[1]


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
