"""Whose turn it is."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from server.gateways.redis_client import redis_client
from server.pubsub.turn import Turn
from tests.live import until
from tests.servers import RedisServer


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with redis_client(redis_url, 5.0) as client:
        yield client


async def test_the_turn_is_one_processs_at_a_time_and_stays_with_it(redis: Redis) -> None:
    turns = [Turn(redis, "ringing", hold_ms=60_000) for _ in range(5)]
    answers = await asyncio.gather(*(turn.is_mine() for turn in turns))
    assert answers.count(True) == 1
    assert [await turn.is_mine() for turn in turns] == answers
    assert await redis.pttl("turn:ringing") > 0


async def test_the_turn_of_one_who_is_gone_goes_to_another(redis: Redis) -> None:
    assert await Turn(redis, "ringing", hold_ms=20).is_mine()
    await until(Turn(redis, "ringing", hold_ms=60_000).is_mine)


async def test_without_redis_it_is_everybodys_turn(redis_server: RedisServer) -> None:
    async with redis_client(f"unix://{redis_server.folder}/nobody.sock", 1.0) as nobody:
        assert await Turn(nobody, "ringing", hold_ms=60_000).is_mine()
