"""Figures of what is stored, on both databases."""

from server.clock import SystemClock
from server.gateways.redis import memory
from server.models.jobs.media_totals import MediaTotal, MediaTotalRepository
from server.models.jobs.table_sizes import TABLES, TableSizeRepository
from server.services.jobs.storage_figures import StorageFigures
from tools.harness.services import ServiceHarness


def figures_of(harness: ServiceHarness) -> StorageFigures:
    redis = harness.pipelined_redis
    tables, media = TableSizeRepository(harness.database), MediaTotalRepository(harness.database)
    return StorageFigures(tables, media, redis, {"main": redis}, SystemClock())


async def test_figures_are_shared_for_a_minute(harness: ServiceHarness) -> None:
    await harness.user("ana")
    await harness.user("ben")
    totals = [MediaTotal("avif", 2, 2000, 1), MediaTotal("jpeg", 3, 9000, 1)]
    await MediaTotalRepository(harness.database).replace(totals)
    await harness.pipelined_redis.command("SET", "feed:1", "", "EX", 60)
    storage = await figures_of(harness).read()
    rows = {table.name: table.rows for table in storage.tables}
    assert (list(rows), rows["users"], rows["posts"]) == (list(TABLES), 2, 0)
    assert not any(table.is_estimate for table in storage.tables)
    assert storage.database_bytes > 0
    assert storage.media == totals
    redis = storage.redis["main"]
    assert redis.used_bytes > 0
    assert (redis.kinds["feed"], redis.is_estimate) == (1, False)
    await harness.user("cleo")
    assert await figures_of(harness).read() == storage


async def test_many_keys_are_sampled(harness: ServiceHarness) -> None:
    redis, count = harness.pipelined_redis, memory.MAX_SCANNED + 500
    await redis.commands(*[("SET", f"feed:{number}", "", "EX", 60) for number in range(count)])
    found = await memory.read_memory(redis)
    assert (found.is_estimate, found.keys >= count) == (True, True)
    assert 0.9 * count <= found.kinds["feed"] <= found.keys
