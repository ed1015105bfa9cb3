"""Job start rate that all processes share through Redis.

A permit is reserved immediately and used when its time comes. So each waiting caller costs one call, and none polls.
"""

from pathlib import Path
from typing import Any

from server.gateways.redis.error_replies import RedisUnavailable, ReplyError
from server.gateways.redis.lua import Script
from server.gateways.redis.pipelined_client import PipelinedRedis

MAX_BURST_S = 0.05

_SCRIPTS = Path(__file__).parent / "scripts"
_RESERVE = Script.load(_SCRIPTS, "gcra", "reserve_permit")
_REFUND = Script.load(_SCRIPTS, "refund_permit")


class JobRateLimiter:
    """Limit of `rate_per_s` permits per second for all users of the same `name` on the same Redis.

    After a pause, permits for 50 ms may be used at once, and at least one. A FLUSHALL costs at most such a burst.
    Methods raise RedisUnavailable.
    """

    def __init__(self, redis: PipelinedRedis, name: str, rate_per_s: float) -> None:
        self._redis = redis
        self._key = f"rate:{name}"
        self._interval_us = round(1_000_000 / rate_per_s)
        burst = max(1, int(rate_per_s * MAX_BURST_S))
        self._tolerance_us = (burst - 1) * self._interval_us

    async def reserve(self) -> float:
        """Reserve the next permit; return in how many seconds it may be used."""
        wait_us = await self._run(_RESERVE, self._interval_us, self._tolerance_us)
        return int(wait_us) / 1_000_000

    async def refund(self) -> None:
        """Return a permit that was not used."""
        await self._run(_REFUND, self._interval_us)

    async def _run(self, script: Script, *arguments: int) -> Any:
        try:
            return await self._redis.run(script, (self._key,), arguments)
        except ReplyError as error:
            raise RedisUnavailable(str(error)) from error
