"""How many requests somebody may still make: rate limits that all processes share in Redis.

The generic cell rate algorithm (ITU-T I.371): one number a key, the time at which the next request would be due if they
came evenly. A limit of 60 a minute lets 60 come at once, and then one a second; there is no seam between two windows at
which twice as many pass. Which request counts against which limit is the handlers' affair.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from server.errors import Unavailable
from server.gateways.redis.pipelined_client import PipelinedRedis, ReplyError, Script

MAX_KEYS = 10_000
ASK_REDIS_AGAIN_S = 1.0

# For each key from `key` on there are two arguments from `argument` on: the microseconds from one request to the next,
# and those of the window. What is returned: for each key by how many microseconds the request after this one is ahead
# of its time; above its window it is refused, and then nothing was counted against any key.
COUNT = """
local function count(key, argument)
  local time = redis.call('TIME')
  local now = time[1] * 1000000 + time[2]
  local ahead, refused = {}, false
  for i = key, #KEYS do
    local interval, window = tonumber(ARGV[argument]), tonumber(ARGV[argument + 1])
    local late = math.max(0, tonumber(redis.call('GET', KEYS[i]) or 0) - now) + interval
    ahead[#ahead + 1] = late
    refused = refused or late > window
    argument = argument + 2
  end
  if not refused then
    for i, late in ipairs(ahead) do
      redis.call('SET', KEYS[key + i - 1], string.format('%.0f', now + late), 'PX', math.ceil(late / 1000))
    end
  end
  return ahead
end
"""
_HIT = Script(COUNT + "return count(1, 1)")


@dataclass(frozen=True, slots=True, eq=False)
class Limit:
    """`count` requests in `window_s`, for each of those that it is asked about."""

    name: str
    count: int
    window_s: float
    window_us: int = field(init=False)
    # From one request to the next when they come evenly; rounded down, so that `count` fit into the window.
    interval_us: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "window_us", round(self.window_s * 1_000_000))
        object.__setattr__(self, "interval_us", max(1, self.window_us // self.count))


@dataclass(frozen=True, slots=True)
class RateLimitStatus:
    """How somebody stands with a limit after a request: how many are left, and in how many seconds all of them are.

    `wait_s` is 0, or for how long this request is too early.
    """

    limit: Limit
    remaining: int
    reset_s: int
    wait_s: float = 0.0


class RateLimits:
    """Counts in Redis; while that is away, in this process, so that a limit is never open.

    A Redis that hangs makes one request a second wait for it, and no other.
    """

    def __init__(self, wire: PipelinedRedis) -> None:
        self._wire = wire
        self._memory = LocalRateLimits(MAX_KEYS)
        self._away = False
        self._ask_again_at = 0.0

    async def hit(self, limits: Sequence[Limit], who: str) -> list[RateLimitStatus]:
        """Count a request of `who` against every limit, or against none if one of them refuses it."""
        now = time.monotonic()
        if self._away and now < self._ask_again_at:
            return self.hit_memory(limits, who)
        self._ask_again_at = now + ASK_REDIS_AGAIN_S
        try:
            ahead: list[int] = await self._wire.run(_HIT, keys(limits, who), bounds(limits))
        except (Unavailable, ReplyError):  # the watch tells of it
            self._away, self._ask_again_at = True, time.monotonic() + ASK_REDIS_AGAIN_S
            return self.hit_memory(limits, who)
        self._away = False
        return statuses(limits, ahead)

    def hit_memory(self, limits: Sequence[Limit], who: str) -> list[RateLimitStatus]:
        """Count it in this process alone."""
        return statuses(limits, self._memory.hit(limits, who, time.monotonic_ns() // 1000))


class LocalRateLimits:
    """The same algorithm in the process, for at most `most` keys: the one unused for longest gives way."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._due_us: OrderedDict[tuple[str, str], int] = OrderedDict()

    def hit(self, limits: Sequence[Limit], who: str, now_us: int) -> list[int]:
        """As the script, at the time `now_us`."""
        keys = [(who, limit.name) for limit in limits]
        ahead = [
            max(0, self._due_us.get(key, 0) - now_us) + limit.interval_us
            for key, limit in zip(keys, limits, strict=True)
        ]
        if all(each <= limit.window_us for each, limit in zip(ahead, limits, strict=True)):
            for key, each in zip(keys, ahead, strict=True):
                self._due_us[key] = now_us + each
                self._due_us.move_to_end(key)
            while len(self._due_us) > self._most:
                self._due_us.popitem(last=False)
        return ahead

    def __len__(self) -> int:
        return len(self._due_us)


def keys(limits: Sequence[Limit], who: str) -> list[str]:
    """Where it is counted, for each limit."""
    return [f"throttle:{{{who}}}:{limit.name}" for limit in limits]


def bounds(limits: Sequence[Limit]) -> list[int]:
    """The arguments of a count."""
    return [bound for limit in limits for bound in (limit.interval_us, limit.window_us)]


def statuses(limits: Sequence[Limit], ahead_us: Sequence[int]) -> list[RateLimitStatus]:
    """What the script's answer means."""
    counted = all(ahead <= limit.window_us for limit, ahead in zip(limits, ahead_us, strict=True))
    return [_standing(limit, ahead, counted=counted) for limit, ahead in zip(limits, ahead_us, strict=True)]


def _standing(limit: Limit, ahead_us: int, *, counted: bool) -> RateLimitStatus:
    interval, window = limit.interval_us, limit.window_us
    used = ahead_us if counted else ahead_us - interval
    return RateLimitStatus(
        limit,
        remaining=max(0, (window - used) // interval),
        reset_s=math.ceil(used / 1_000_000),
        wait_s=max(0, ahead_us - window) / 1_000_000,
    )
