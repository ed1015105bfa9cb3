"""A lease in Redis that lets one of several processes do work that all of them could do.

It saves work and guarantees nothing: after a FLUSHALL or a slow response two processes may hold it at once.
"""

import asyncio
import secrets
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

_ACQUIRE = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""


class LeaderLease:
    """The lease `name`. It is free when its holder has not acquired it for `ttl_ms`."""

    def __init__(self, redis: Redis, name: str, ttl_ms: int, timeout_s: float = 1.0) -> None:
        self._key = f"leader:{name}"
        self._owner = secrets.token_hex(8)
        self._ttl_ms = ttl_ms
        self._timeout_s = timeout_s
        self._acquire = redis.register_script(_ACQUIRE)

    async def acquire(self) -> bool:
        """Acquire or extend the lease. While Redis is unavailable every process succeeds."""
        try:
            async with asyncio.timeout(self._timeout_s):
                acquired: Any = await self._acquire(keys=[self._key], args=[self._owner, self._ttl_ms])
        except (RedisError, OSError):
            return True
        return bool(acquired)
