"""How many jobs a second may start, by all processes together: a rate that is kept in Redis.

The generic cell rate algorithm (ITU-T I.371): one number a key, the time at which the next permit would be due if
permits were asked for evenly. A permit is reserved at once and used when its time comes, so that a crowd of askers
costs one call each, and nobody asks again in vain. All times are Redis's own.
"""

from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from server.errors import Unavailable

MAX_BURST_S = 0.05

# ARGV: microseconds between two permits, and how much earlier than due a permit may be used.
_RESERVE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local due = math.max(now, tonumber(redis.call('GET', KEYS[1]) or 0))
local next_due = due + tonumber(ARGV[1])
redis.call('SET', KEYS[1], string.format('%.0f', next_due), 'PX', math.ceil((next_due - now) / 1000) + 1000)
return math.max(0, math.ceil(due - tonumber(ARGV[2]) - now))
"""
_GIVE_BACK = """
local due = redis.call('GET', KEYS[1])
if due then redis.call('SET', KEYS[1], string.format('%.0f', due - ARGV[1]), 'KEEPTTL') end
return 0
"""


class JobRateLimiter:
    """`rate_per_s` permits a second for everybody who uses the same `name` on the same Redis.

    After a pause up to a twentieth of a second's permits, and one at least, may be used at once. A FLUSHALL costs no
    more than such a burst.
    """

    def __init__(self, redis: Redis, name: str, rate_per_s: float) -> None:
        self._key = f"rate:{name}"
        self._interval_us = round(1_000_000 / rate_per_s)
        burst = max(1, int(rate_per_s * MAX_BURST_S))
        self._tolerance_us = (burst - 1) * self._interval_us
        self._reserve = redis.register_script(_RESERVE)
        self._give_back = redis.register_script(_GIVE_BACK)

    async def reserve(self) -> float:
        """Take the next permit; in how many seconds it may be used. Raises Unavailable."""
        wait_us = await self._run(self._reserve, [self._interval_us, self._tolerance_us])
        return int(wait_us) / 1_000_000

    async def give_back(self) -> None:
        """Return a permit that was not needed, for somebody who asks later. Raises Unavailable."""
        await self._run(self._give_back, [self._interval_us])

    async def _run(self, script: Any, arguments: list[int]) -> Any:
        try:
            return await script(keys=[self._key], args=arguments)
        except (RedisError, OSError) as error:
            raise Unavailable(
                reason=f"The rate limit cannot be checked ({type(error).__name__}: {error})."
            ) from error
