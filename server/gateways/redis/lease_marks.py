"""Renewals of node leases that the database acknowledged, kept in Redis to recognise a restored database."""

from server.epoch import DatabaseEpoch
from server.gateways.redis.pipelined_client import PipelinedRedis

MARKS_TTL_S = 40 * 86_400


class LeaseMarks:
    """The newest renewal per node number in the current epoch. Methods raise RedisUnavailable."""

    def __init__(self, redis: PipelinedRedis, epoch: DatabaseEpoch) -> None:
        self._redis = redis
        self._epoch = epoch

    async def record(self, node: int, renewals: int) -> None:
        """Record that the database committed this renewal."""
        key = self._key()
        await self._redis.commands(("HSET", key, node, renewals), ("EXPIRE", key, MARKS_TTL_S))

    async def get_all(self) -> dict[int, int]:
        """Return the recorded renewals by node number."""
        found: list[bytes] = await self._redis.command("HGETALL", self._key())
        return {int(node): int(renewals) for node, renewals in zip(found[::2], found[1::2], strict=True)}

    def _key(self) -> str:
        return f"leases:{self._epoch.value}"
