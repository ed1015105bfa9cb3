"""`/installation`: the processes, and what the installation stores, for administrators."""

import asyncio
from typing import Any

from aiohttp import web

from server.clock import isoformat
from server.handlers import serializers
from server.handlers.http.operations import Rate, operation
from server.handlers.operations.installation_schemas import ProcessListSchema, StorageSchema
from server.services.jobs.processes import CacheState, Process, ProcessDescription, Processes
from server.services.jobs.storage_figures import MediaTotal, RedisMemory, StorageFigures, TableSize


class InstallationRoutes:
    def __init__(self, processes: Processes, storage: StorageFigures) -> None:
        self._processes = processes
        self._storage = storage

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/installation/processes", self.list_processes),
            web.get("/installation/storage", self.get_storage),
        ]

    @operation(
        "listProcesses",
        "List the processes of the installation",
        tag="installation",
        description="Each describes itself every five seconds: its long-lived tasks, and what it cannot use. A process"
        " that was killed is listed for a minute.",
        responds={200: ProcessListSchema},
        admin=True,
        rates=(Rate.READS,),
    )
    async def list_processes(self, _: web.Request) -> web.Response:
        processes, caches = await asyncio.gather(self._processes.list_all(), self._processes.list_caches())
        return serializers.json_response(
            {"items": [_process(each) for each in processes], "caches": [_cache(each) for each in caches]}
        )

    @operation(
        "getStorage",
        "Get what the installation stores",
        tag="installation",
        description="Rows of the main tables, files of the media store by kind, and memory and keys of Redis. Computed"
        " at most once a minute. The media store is counted by the maintenance job that sweeps it.",
        responds={200: StorageSchema},
        admin=True,
        rates=(Rate.READS,),
    )
    async def get_storage(self, _: web.Request) -> web.Response:
        storage = await self._storage.read()
        return serializers.json_response(
            {
                "computedAt": isoformat(storage.computed_at_ms),
                "databaseBytes": storage.database_bytes,
                "tables": [_table(each) for each in storage.tables],
                "media": [_media(each) for each in storage.media],
                "redis": [_redis(name, each) for name, each in storage.redis.items()],
            }
        )


def _process(process: Process) -> dict[str, Any]:
    return {
        "node": process.node,
        "heartbeatAt": isoformat(process.heartbeat_at_ms),
        "details": None if process.description is None else _details(process.description),
    }


def _details(description: ProcessDescription) -> dict[str, Any]:
    from_redis, from_database = description.feed_pages
    return {
        "role": description.role,
        "host": description.host,
        "pid": description.pid,
        "version": description.version,
        "startedAt": isoformat(description.started_at_ms),
        "parts": [
            {"part": part.name, "state": part.state, "restarts": part.restarts} for part in description.parts
        ],
        "problems": [
            {
                "dependency": problem.dependency,
                "state": problem.state,
                "since": isoformat(problem.since_ms),
                "reason": problem.reason,
            }
            for problem in description.problems
        ],
        "feedPagesFromRedis": from_redis,
        "feedPagesFromDatabase": from_database,
    }


def _cache(cache: CacheState) -> dict[str, Any]:
    until_ms = cache.suspended_until_ms
    return {
        "redis": cache.name,
        "generation": cache.generation,
        "suspendedUntil": None if until_ms is None else isoformat(until_ms),
    }


def _table(table: TableSize) -> dict[str, Any]:
    return {"table": table.name, "rows": table.rows, "isEstimate": table.is_estimate, "bytes": table.bytes}


def _media(total: MediaTotal) -> dict[str, Any]:
    return {
        "kind": total.kind,
        "files": total.files,
        "bytes": total.bytes,
        "countedAt": isoformat(total.counted_at_ms),
    }


def _redis(name: str, memory: RedisMemory) -> dict[str, Any]:
    return {
        "redis": name,
        "usedBytes": memory.used_bytes,
        "maxBytes": memory.max_bytes or None,
        "keys": memory.keys,
        "hits": memory.hits,
        "misses": memory.misses,
        "evictedKeys": memory.evicted_keys,
        "clients": memory.clients,
        "isEstimate": memory.is_estimate,
        "kinds": [{"kind": kind, "keys": count} for kind, count in memory.kinds.items()],
    }
