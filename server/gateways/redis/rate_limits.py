"""Request rate limits that all processes share through Redis.

They use the generic cell rate algorithm (ITU-T I.371), see scripts/gcra.lua. A limit of 60 per minute accepts 60
requests at once and then one per second; twice as many cannot pass at the boundary of two windows.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from server.errors import Unavailable
from server.gateways.redis.error_replies import ReplyError
from server.gateways.redis.lua import Script
from server.gateways.redis.pipelined_client import PipelinedRedis
from server.outages import RetryGate

MAX_LOCAL_KEYS = 10_000

_SCRIPTS = Path(__file__).parent / "scripts"
_COUNT = Script.load(_SCRIPTS, "gcra", "count_request")
_REFUND = Script.load(_SCRIPTS, "refund_permit")


@dataclass(frozen=True, slots=True, eq=False)
class Limit:
    """Limit of `count` requests in `window_s` seconds per subject: a user or an address.

    `interval_us` is the time between two requests that come evenly, rounded down so that `count` fit into the window.
    `note` explains the limit to a client that is above it.
    """

    name: str
    count: int
    window_s: float
    window_us: int = field(init=False)
    interval_us: int = field(init=False)
    note: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "window_us", round(self.window_s * 1_000_000))
        object.__setattr__(self, "interval_us", max(1, self.window_us // self.count))


@dataclass(frozen=True, slots=True)
class RateLimitStatus:
    """State of one limit after a request: how many requests remain, and in how many seconds the limit is unused again.

    `wait_s` is 0 for an accepted request, else the time after which it would be accepted.
    """

    limit: Limit
    remaining: int
    reset_s: int
    wait_s: float = 0.0


class RateLimits:
    """Rate limits counted in Redis, and in this process while Redis is unavailable.

    If Redis hangs, one request per second waits for it.
    """

    def __init__(self, redis: PipelinedRedis) -> None:
        self._redis = redis
        self._local = LocalRateLimits(MAX_LOCAL_KEYS)
        self._gate = RetryGate()

    async def hit(
        self, limits: Sequence[Limit], subject: str, parts: Sequence[str] = ()
    ) -> list[RateLimitStatus]:
        """Count a request against every limit, or against none if one of them refuses it.

        parts: The part of the subject that each limit counts, such as a network within a wider one.
        """
        ahead = await self._run(_COUNT, keys(limits, subject, parts), bounds(limits))
        return self.hit_local(limits, subject, parts) if ahead is None else statuses(limits, ahead)

    def hit_local(
        self, limits: Sequence[Limit], subject: str, parts: Sequence[str] = ()
    ) -> list[RateLimitStatus]:
        """Count a request in this process only."""
        return statuses(limits, self._local.hit(limits, subject, time.monotonic_ns() // 1000, parts))

    async def refund(self, limits: Sequence[Limit], subject: str, parts: Sequence[str] = ()) -> None:
        """Take a request back that was counted against these limits."""
        self._local.refund(limits, subject, parts)
        await self._run(_REFUND, keys(limits, subject, parts), [limit.interval_us for limit in limits])

    async def _run(self, script: Script, where: Sequence[str], arguments: Sequence[int]) -> list[int] | None:
        """Return the script's answer; None while Redis is unavailable."""
        if not self._gate.may_try():
            return None
        try:
            answer = await self._redis.run(script, where, arguments)
        except (Unavailable, ReplyError):  # the health monitor reports it
            self._gate.failed()
            return None
        self._gate.succeeded()
        return answer


class LocalRateLimits:
    """The same algorithm for at most `max_keys` keys in memory; the least recently used are dropped."""

    def __init__(self, max_keys: int) -> None:
        self._max_keys = max_keys
        self._due_us: OrderedDict[str, int] = OrderedDict()

    def hit(self, limits: Sequence[Limit], subject: str, now_us: int, parts: Sequence[str] = ()) -> list[int]:
        """Return for each limit how many microseconds it is ahead, like the script."""
        where = keys(limits, subject, parts)
        ahead = [
            max(0, self._due_us.get(key, 0) - now_us) + limit.interval_us
            for key, limit in zip(where, limits, strict=True)
        ]
        if all(each <= limit.window_us for each, limit in zip(ahead, limits, strict=True)):
            for key, each in zip(where, ahead, strict=True):
                self._due_us[key] = now_us + each
                self._due_us.move_to_end(key)
            while len(self._due_us) > self._max_keys:
                self._due_us.popitem(last=False)
        return ahead

    def refund(self, limits: Sequence[Limit], subject: str, parts: Sequence[str] = ()) -> None:
        """Take a request back, if it was counted here."""
        for key, limit in zip(keys(limits, subject, parts), limits, strict=True):
            if key in self._due_us:
                self._due_us[key] -= limit.interval_us

    def __len__(self) -> int:
        return len(self._due_us)


def keys(limits: Sequence[Limit], subject: str, parts: Sequence[str] = ()) -> list[str]:
    """Return the Redis key of each limit; those of one subject share a slot of Redis Cluster."""
    if not parts:
        return [f"throttle:{{{subject}}}:{limit.name}" for limit in limits]
    return [f"throttle:{{{subject}}}:{limit.name}:{part}" for limit, part in zip(limits, parts, strict=True)]


def bounds(limits: Sequence[Limit]) -> list[int]:
    """Return the interval and the window of each limit, as the scripts take them."""
    return [bound for limit in limits for bound in (limit.interval_us, limit.window_us)]


def statuses(limits: Sequence[Limit], ahead_us: Sequence[int]) -> list[RateLimitStatus]:
    """Return the state of each limit from how far it is ahead."""
    counted = all(ahead <= limit.window_us for limit, ahead in zip(limits, ahead_us, strict=True))
    return [_status(limit, ahead, counted=counted) for limit, ahead in zip(limits, ahead_us, strict=True)]


def _status(limit: Limit, ahead_us: int, *, counted: bool) -> RateLimitStatus:
    interval, window = limit.interval_us, limit.window_us
    used = ahead_us if counted else ahead_us - interval
    return RateLimitStatus(
        limit,
        remaining=max(0, (window - used) // interval),
        reset_s=math.ceil(used / 1_000_000),
        wait_s=max(0, ahead_us - window) / 1_000_000,
    )
