"""The figures of the queues in each minute of the last hour, in Redis."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from server.gateways.redis.pipelined_client import PipelinedRedis

KEY = "queue_history"
MINUTES = 60
MINUTE_MS = 60_000


class QueueHistory:
    """One entry per minute; the last one that is recorded in a minute counts."""

    def __init__(self, redis: PipelinedRedis) -> None:
        self._redis = redis

    async def record(self, now_ms: int, figures: Mapping[str, Sequence[float]]) -> None:
        """Record the figures of each queue. Raises Unavailable."""
        minute = now_ms // MINUTE_MS
        entry = orjson.dumps([minute * MINUTE_MS, figures])
        await self._redis.commands(
            ("ZREMRANGEBYSCORE", KEY, minute, minute),
            ("ZADD", KEY, minute, entry),
            ("ZREMRANGEBYSCORE", KEY, "-inf", minute - MINUTES),
            ("PEXPIRE", KEY, (MINUTES + 5) * MINUTE_MS),
        )

    async def read(self, now_ms: int) -> list[tuple[int, Mapping[str, Sequence[float]]]]:
        """Return the minutes, oldest first, each with its figures by queue. Raises Unavailable."""
        oldest = now_ms // MINUTE_MS - MINUTES + 1
        entries: list[Any] = await self._redis.command("ZRANGEBYSCORE", KEY, oldest, "+inf")
        return [(at_ms, figures) for at_ms, figures in map(orjson.loads, entries)]
