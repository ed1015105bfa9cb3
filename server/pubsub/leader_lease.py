"""Whose turn it is among processes that would all do the same: a short lease in Redis, kept by whoever has it.

It saves work and guards nothing: after a FLUSHALL or a slow moment two may have the turn at once.
"""

import asyncio
import secrets
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

_TAKE = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""


class LeaderLease:
    """The turn called `name`; it goes to another process when its holder has not asked for `hold_ms`."""

    def __init__(self, redis: Redis, name: str, hold_ms: int, timeout_s: float = 1.0) -> None:
        self._key = f"turn:{name}"
        self._me = secrets.token_hex(8)
        self._hold_ms = hold_ms
        self._timeout_s = timeout_s
        self._take = redis.register_script(_TAKE)

    async def is_mine(self) -> bool:
        """Take the turn or keep it. Without Redis it is everybody's."""
        try:
            async with asyncio.timeout(self._timeout_s):
                taken: Any = await self._take(keys=[self._key], args=[self._me, self._hold_ms])
        except (RedisError, OSError):
            return True
        return bool(taken)
