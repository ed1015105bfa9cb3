"""Figures of the installation: rows of tables, files of the media store, and Redis. Computed once a minute."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from server.clock import Clock
from server.errors import Unavailable
from server.gateways.redis.error_replies import ReplyError
from server.gateways.redis.memory import RedisMemory, read_memory
from server.gateways.redis.pipelined_client import PipelinedRedis
from server.gateways.redis.shared_value import SharedValue
from server.models.jobs.media_totals import MediaTotal, MediaTotalRepository
from server.models.jobs.table_sizes import TableSize, TableSizeRepository

__all__ = ["MediaTotal", "RedisMemory", "Storage", "StorageFigures", "TableSize"]

FRESH_S = 60.0


@dataclass(frozen=True, slots=True)
class Storage:
    """`media` is empty before the first media sweep; `redis` has the servers that answered, by name."""

    computed_at_ms: int
    database_bytes: int
    tables: Sequence[TableSize]
    media: Sequence[MediaTotal]
    redis: Mapping[str, RedisMemory]


class StorageFigures:
    """Reads the figures, at most a minute old. `servers`: the Redis servers by name."""

    def __init__(
        self,
        tables: TableSizeRepository,
        media: MediaTotalRepository,
        redis: PipelinedRedis,
        servers: Mapping[str, PipelinedRedis],
        clock: Clock,
    ) -> None:
        self._tables = tables
        self._media = media
        self._servers = servers
        self._clock = clock
        self._shared = SharedValue(
            redis, "storage", self._compute, orjson.dumps, _load, fresh_s=FRESH_S, max_age_s=FRESH_S
        )

    async def read(self) -> Storage:
        """Return the figures. Raises Unavailable if the database does not answer."""
        return await self._shared.get()

    async def _compute(self) -> Storage:
        redis: dict[str, RedisMemory] = {}
        for name, server in self._servers.items():
            try:
                redis[name] = await read_memory(server)
            except (Unavailable, ReplyError):
                continue
        return Storage(
            self._clock.now_ms(),
            await self._tables.get_database_bytes(),
            await self._tables.list_tables(),
            await self._media.list_all(),
            redis,
        )


def _load(stored: bytes) -> Storage:
    values: dict[str, Any] = orjson.loads(stored)
    values["tables"] = [TableSize(**each) for each in values["tables"]]
    values["media"] = [MediaTotal(**each) for each in values["media"]]
    values["redis"] = {name: RedisMemory(**each) for name, each in values["redis"].items()}
    return Storage(**values)
