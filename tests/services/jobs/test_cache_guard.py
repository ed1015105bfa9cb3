"""The guard of the caches: two processes on one database, and a Redis that refuses writes or is replaced."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from server.events import CacheKey
from server.gateways.feed_store.cache_invalidations import InvalidationLog
from server.gateways.redis import cache_lease
from server.gateways.redis.cache_lease import CacheLease
from server.gateways.redis.error_replies import RedisUnavailable
from server.gateways.redis.lua import Call, Script
from server.gateways.redis.pipelined_client import PipelinedRedis
from server.models.database import Database
from server.models.jobs.cache_generations import CacheGeneration, CacheGenerationRepository
from server.services.jobs import cache_guard
from server.services.jobs.cache_guard import CacheGuard
from tests.support.failover import refusing
from tools.harness.servers import RedisServer
from tools.harness.waiting import wait_until

LEASE_S = 0.6
CACHE_ID = Script("return ARGV[1]")


@dataclass(frozen=True, slots=True)
class Process:
    redis: PipelinedRedis
    guard: CacheGuard
    generations: CacheGenerationRepository

    @property
    def uses_caches(self) -> bool:
        return self.redis.run_id != ""

    async def renewed(self) -> bool:
        await self.guard.renew()
        return self.uses_caches


@pytest.fixture(autouse=True)
def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_lease, "LEASE_S", LEASE_S)
    times = {
        "LEASE_S": LEASE_S,
        "RENEW_S": 0.1,
        "SUSPEND_S": 1.2,
        "EXTEND_BELOW_S": 0.2,
        "READ_TIMEOUT_S": 0.1,
    }
    for name, seconds in times.items():
        monkeypatch.setattr(cache_guard, name, seconds)


@pytest.fixture
async def new_process(
    database: Database, own_server: RedisServer
) -> AsyncIterator[Callable[[], Awaitable[Process]]]:
    """A function that returns another process with a lease on the caches of `own_server`."""
    made: list[Process] = []

    async def start() -> Process:
        redis = PipelinedRedis(own_server.url, 1.0, lease=CacheLease())
        generations = CacheGenerationRepository(database, "main")
        made.append(Process(redis, CacheGuard(redis, generations), generations))
        await wait_until(made[-1].renewed)
        return made[-1]

    yield start
    for process in made:
        await process.redis.close()


NewProcess = Callable[[], Awaitable[Process]]


async def test_lease_lapses_without_renewal(new_process: NewProcess) -> None:
    process = await new_process()
    assert await process.redis.run(CACHE_ID, [], [], with_run_id=True) == process.redis.run_id.encode()
    await asyncio.sleep(LEASE_S)
    assert not process.uses_caches
    with pytest.raises(RedisUnavailable):
        await process.redis.run(CACHE_ID, [], [], with_run_id=True)
    assert await process.redis.command("PING") == b"PONG"


async def test_refused_write_ends_the_lease_at_once(new_process: NewProcess, own_server: RedisServer) -> None:
    process = await new_process()
    with refusing(own_server, "OOM"):
        with pytest.raises(RedisUnavailable):
            await process.redis.command("SET", "key", "value", "EX", 1)
        assert not process.uses_caches
        await process.guard.renew()
        assert not process.uses_caches
        assert not process.guard.is_available
        with pytest.raises(RedisUnavailable, match="OOM"):
            await process.guard.check()
    await wait_until(process.renewed)


async def test_suspension_reaches_a_process_that_redis_accepts(new_process: NewProcess) -> None:
    one, other = await new_process(), await new_process()
    before = other.redis.run_id
    running = asyncio.create_task(other.guard.run())
    began = time.monotonic()
    await one.guard.suspend()
    assert not other.uses_caches
    assert time.monotonic() - began < LEASE_S + 1
    began = time.monotonic()
    await one.guard.suspend()  # no process uses the caches, so this one need not wait
    assert time.monotonic() - began < LEASE_S
    await wait_until(one.renewed)
    await wait_until(lambda: _uses_caches(other))
    assert one.redis.run_id == other.redis.run_id != before
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def _uses_caches(process: Process) -> bool:
    return process.uses_caches


async def test_refused_change_suspends_before_it_commits(
    new_process: NewProcess, own_server: RedisServer
) -> None:
    process = await new_process()
    invalidations, keys = InvalidationLog(process.redis, process.guard), (CacheKey("post", 1),)
    with refusing(own_server, "READONLY"):
        assert await invalidations.begin(keys) == []
        state = await process.generations.get()
        assert state is not None  # also if the process is killed here
        assert state.is_suspended
        began = time.monotonic()
        await invalidations.commit([], keys, ())
        assert time.monotonic() - began > LEASE_S / 2
    before = state.generation
    await wait_until(process.renewed)
    state = await process.generations.get()
    assert state is not None
    assert state.generation >= before


async def test_change_without_lease_drops_keys_and_suspends_nothing(new_process: NewProcess) -> None:
    process = await new_process()
    before = await process.generations.get()
    process.redis.lease.revoke()
    invalidations, keys = InvalidationLog(process.redis, process.guard), (CacheKey("post", 1),)
    await process.redis.command("HSET", "counts", 1, "5,1,2,3,")
    await process.redis.command("EXPIRE", "counts", 60)
    entries = await invalidations.begin(keys)
    await invalidations.commit(entries, keys, (Call(CACHE_ID, (), (), with_run_id=True),))
    assert await process.redis.command("HGET", "counts", 1) is None
    assert await process.generations.get() == before


async def test_restarted_redis_begins_a_generation(new_process: NewProcess, own_server: RedisServer) -> None:
    one, other = await new_process(), await new_process()
    before = one.redis.run_id
    own_server.kill()
    own_server.start()
    began = time.monotonic()
    await wait_until(one.renewed)
    assert time.monotonic() - began > LEASE_S  # the other process might still use the old server
    await wait_until(other.renewed)
    assert one.redis.run_id == other.redis.run_id != before


async def test_slow_database_does_not_end_the_lease(new_process: NewProcess) -> None:
    process = await new_process()

    class Hanging(CacheGenerationRepository):
        async def get(self) -> CacheGeneration | None:
            await asyncio.Event().wait()

    guard = CacheGuard(process.redis, Hanging(process.generations._database, "main"))
    running = asyncio.create_task(guard.run())
    await asyncio.sleep(2 * LEASE_S)
    assert process.uses_caches
    process.redis.lease.revoke()
    await asyncio.sleep(LEASE_S)
    assert not process.uses_caches  # without the database, a lost lease stays lost
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
