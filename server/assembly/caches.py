"""Guards of the caches in Redis, and what follows when another Redis server is found."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager

from redis.asyncio import ConnectionPool

from server.actors.supervisor import Supervisor
from server.gateways.redis.pipelined_client import PipelinedRedis
from server.models.database import Database
from server.models.jobs.cache_generations import CacheGenerationRepository
from server.outages import Outage
from server.services.jobs.cache_guard import CacheGuard
from server.settings import Settings

MAIN, FEEDS = "main", "feeds"


def feeds_name(settings: Settings) -> str:
    """Return the name of the Redis that holds the feeds in the table of rankings."""
    return FEEDS if settings.redis.feeds_url else MAIN


@asynccontextmanager
async def cache_guard(
    redis: PipelinedRedis,
    database: Database,
    name: str,
    supervisor: Supervisor,
    outage: Outage | None = None,
    pools: Iterable[ConnectionPool] = (),
) -> AsyncGenerator[CacheGuard]:
    """Guard the caches of one Redis; the connections of `pools` are renewed when its server changes."""

    async def reconnect() -> None:
        for pool in pools:
            await pool.disconnect(inuse_connections=False)
            await pool.update_active_connections_for_reconnect()

    guard = CacheGuard(redis, CacheGenerationRepository(database, name), outage, reconnect)
    await guard.renew()  # inserts the row on a new database
    await guard.renew()
    async with supervisor.running(f"{name} cache guard", guard.run):
        yield guard
