"""Job start rate that all processes share through Redis.

A permit is reserved immediately and used when its time comes. So each waiting caller costs one call, and none polls.
"""

import time
from pathlib import Path
from typing import Any

from server.gateways.redis.error_replies import RedisUnavailable, ReplyError
from server.gateways.redis.lua import Script
from server.gateways.redis.pipelined_client import PipelinedRedis
from server.outages import RetryGate

MAX_BURST_S = 0.05

_SCRIPTS = Path(__file__).parent / "scripts"
_RESERVE = Script.load(_SCRIPTS, "gcra", "reserve_permit")
_REFUND = Script.load(_SCRIPTS, "refund_permit")


class JobRateLimiter:
    """Limit of `rate_per_s` permits per second for all users of the same `name` on the same Redis.

    After a pause, permits for 50 ms may be used at once, and at least one. A FLUSHALL costs at most such a burst.
    While Redis is unavailable, each process has the whole rate; if Redis hangs, one caller per second waits for it.
    """

    def __init__(self, redis: PipelinedRedis, name: str, rate_per_s: float) -> None:
        self._redis = redis
        self._key = f"rate:{name}"
        self._interval_us = round(1_000_000 / rate_per_s)
        burst = max(1, int(rate_per_s * MAX_BURST_S))
        self._tolerance_us = (burst - 1) * self._interval_us
        self._gate = RetryGate()
        self._local_due_us = 0

    async def reserve(self) -> float:
        """Reserve the next permit; return in how many seconds it may be used."""
        wait_us = await self._run(_RESERVE, self._interval_us, self._tolerance_us)
        return (self._reserve_local() if wait_us is None else int(wait_us)) / 1_000_000

    async def refund(self) -> None:
        """Return a permit that was not used."""
        if await self._run(_REFUND, self._interval_us) is None:
            self._local_due_us -= self._interval_us

    async def _run(self, script: Script, *arguments: int) -> Any:
        """Return the script's result; None if Redis is unavailable."""
        if not self._gate.may_try():
            return None
        try:
            result = await self._redis.run(script, (self._key,), arguments)
        except (RedisUnavailable, ReplyError):  # the cache guard reports it
            self._gate.failed()
            return None
        self._gate.succeeded()
        return result

    def _reserve_local(self) -> int:
        """Do what the script does, in this process only."""
        now_us = time.monotonic_ns() // 1000
        self._local_due_us = max(now_us, self._local_due_us) + self._interval_us
        return max(0, self._local_due_us - self._interval_us - self._tolerance_us - now_us)
