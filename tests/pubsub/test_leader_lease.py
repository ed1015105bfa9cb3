"""Whose turn it is."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from server.gateways.redis.client import redis_client
from server.pubsub.leader_lease import LeaderLease
from tests.support.servers import RedisServer
from tests.support.waiting import wait_until


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with redis_client(redis_url, 5.0) as client:
        yield client


async def test_the_turn_is_one_processs_at_a_time_and_stays_with_it(redis: Redis) -> None:
    turns = [LeaderLease(redis, "ringing", ttl_ms=60_000) for _ in range(5)]
    answers = await asyncio.gather(*(turn.acquire() for turn in turns))
    assert answers.count(True) == 1
    assert [await turn.acquire() for turn in turns] == answers
    assert await redis.pttl("leader:ringing") > 0


async def test_the_turn_of_one_who_is_gone_goes_to_another(redis: Redis) -> None:
    assert await LeaderLease(redis, "ringing", ttl_ms=20).acquire()
    await wait_until(LeaderLease(redis, "ringing", ttl_ms=60_000).acquire)


async def test_without_redis_it_is_everybodys_turn(redis_server: RedisServer) -> None:
    async with redis_client(f"unix://{redis_server.folder}/nobody.sock", 1.0) as nobody:
        assert await LeaderLease(nobody, "ringing", ttl_ms=60_000).acquire()
