"""The leader lease."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from server.gateways.redis.client import redis_client
from server.pubsub.leader_lease import LeaderLease
from tools.harness.servers import RedisServer
from tools.harness.waiting import wait_until


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with redis_client(redis_url, 5.0) as client:
        yield client


async def test_one_process_holds_the_lease_and_keeps_it(redis: Redis) -> None:
    leases = [LeaderLease(redis, "dispatcher", ttl_ms=60_000) for _ in range(5)]
    answers = await asyncio.gather(*(lease.acquire() for lease in leases))
    assert answers.count(True) == 1
    assert [await lease.acquire() for lease in leases] == answers
    assert await redis.pttl("leader:dispatcher") > 0


async def test_expired_lease_goes_to_another_process(redis: Redis) -> None:
    assert await LeaderLease(redis, "dispatcher", ttl_ms=20).acquire()
    await wait_until(LeaderLease(redis, "dispatcher", ttl_ms=60_000).acquire)


async def test_every_process_leads_while_redis_is_unavailable(redis_server: RedisServer) -> None:
    async with redis_client(f"unix://{redis_server.folder}/missing.sock", 1.0) as missing:
        assert await LeaderLease(missing, "dispatcher", ttl_ms=60_000).acquire()
