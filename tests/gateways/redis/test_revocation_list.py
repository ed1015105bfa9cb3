"""Tests of the list of revoked sessions."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from server.gateways.redis.pipelined_client import PipelinedRedis
from server.gateways.redis.revocation_list import REVOKED, SESSIONS_PER_CALL, RevocationList
from server.ids import SessionId

KEEP_MS = 60_000
ONE, TWO = SessionId(1), SessionId(2)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url) as redis:
        yield redis


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[PipelinedRedis]:
    client = PipelinedRedis(redis_url, timeout_s=1.0)
    yield client
    await client.close()


@pytest.fixture
def revoked(client: PipelinedRedis) -> RevocationList:
    return RevocationList(client, KEEP_MS)


async def complete(revoked: RevocationList) -> None:
    token = await revoked.begin()
    assert token is not None
    assert await revoked.complete(token)


async def test_incomplete_list_knows_only_its_members(revoked: RevocationList) -> None:
    assert await revoked.has(ONE) is None
    await revoked.add({ONE: 1000})
    assert await revoked.has(ONE) is True
    assert await revoked.has(TWO) is None


async def test_complete_list_knows_every_session(revoked: RevocationList, redis: Redis) -> None:
    await complete(revoked)
    await revoked.add({ONE: 1000})
    assert await revoked.has(ONE) is True
    assert await revoked.has(TWO) is False
    assert await revoked.begin() is None
    assert 0 < await redis.pttl(REVOKED) <= KEEP_MS


async def test_new_connection_answers_the_first_call(revoked: RevocationList, redis_url: str) -> None:
    await complete(revoked)
    client = PipelinedRedis(redis_url, timeout_s=1.0)
    assert await RevocationList(client, KEEP_MS).has(ONE) is False
    await client.close()


async def test_list_lost_during_completion_is_incomplete(revoked: RevocationList, redis: Redis) -> None:
    token = await revoked.begin()
    assert token is not None
    await revoked.add({ONE: 1000})
    await redis.flushall()
    assert not await revoked.complete(token)
    assert await revoked.has(TWO) is None


async def test_concurrent_completions_are_safe(revoked: RevocationList) -> None:
    first, second = await revoked.begin(), await revoked.begin()
    assert first is not None
    assert second is not None
    assert await revoked.complete(first)
    assert not await revoked.complete(second)
    assert await revoked.has(ONE) is False


async def test_markers_of_another_run_are_ignored(revoked: RevocationList, redis: Redis) -> None:
    await redis.zadd(REVOKED, {"complete:0123456789ab": "inf", "building:0123456789ab:x": "inf"})
    assert await revoked.has(ONE) is None
    assert not await revoked.complete("x")
    await complete(revoked)
    assert await redis.zcard(REVOKED) == 1


async def test_session_without_valid_token_is_removed(revoked: RevocationList, redis: Redis) -> None:
    await complete(revoked)
    await revoked.add({ONE: -1})
    await revoked.add({TWO: 1000})
    assert await redis.zcard(REVOKED) == 2
    assert await revoked.has(ONE) is False


async def test_many_sessions_are_added_in_batches(revoked: RevocationList, redis: Redis) -> None:
    await revoked.add({SessionId(number): 10_000 for number in range(2 * SESSIONS_PER_CALL + 1)})
    assert await redis.zcard(REVOKED) == 2 * SESSIONS_PER_CALL + 1
    await revoked.add({})
