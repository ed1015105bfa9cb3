"""The list of ended sessions in Redis: what it says when it is whole, and that it admits when it is not."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from server.gateways.redis.pipelined_client import PipelinedRedis
from server.gateways.redis.revocation_list import BATCH, KEY, RevocationList
from server.ids import SessionId

KEEP_MS = 60_000
ONE, TWO = SessionId(1), SessionId(2)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url) as redis:
        yield redis


@pytest.fixture
async def wire(redis_url: str) -> AsyncIterator[PipelinedRedis]:
    wire = PipelinedRedis(redis_url, timeout_s=1.0)
    yield wire
    await wire.close()


@pytest.fixture
def revoked(wire: PipelinedRedis) -> RevocationList:
    return RevocationList(wire, KEEP_MS)


async def complete(revoked: RevocationList) -> None:
    ticket = await revoked.open()
    assert ticket is not None
    assert await revoked.seal(ticket)


async def test_an_incomplete_list_knows_only_what_is_on_it(revoked: RevocationList) -> None:
    assert await revoked.has(ONE) is None
    await revoked.add({ONE: 1000})
    assert await revoked.has(ONE) is True
    assert await revoked.has(TWO) is None


async def test_a_complete_list_knows_all(revoked: RevocationList, redis: Redis) -> None:
    await complete(revoked)
    await revoked.add({ONE: 1000})
    assert await revoked.has(ONE) is True
    assert await revoked.has(TWO) is False
    assert await revoked.open() is None
    assert 0 < await redis.pttl(KEY) <= KEEP_MS


async def test_a_new_connection_needs_no_second_question(revoked: RevocationList, redis_url: str) -> None:
    await complete(revoked)
    wire = PipelinedRedis(redis_url, timeout_s=1.0)
    assert await RevocationList(wire, KEEP_MS).has(ONE) is False
    await wire.close()


async def test_a_list_that_was_lost_while_it_was_made_is_not_complete(
    revoked: RevocationList, redis: Redis
) -> None:
    ticket = await revoked.open()
    assert ticket is not None
    await revoked.add({ONE: 1000})
    await redis.flushall()
    assert not await revoked.seal(ticket)
    assert await revoked.has(TWO) is None


async def test_two_may_make_it_at_once(revoked: RevocationList) -> None:
    first, second = await revoked.open(), await revoked.open()
    assert first is not None
    assert second is not None
    assert await revoked.seal(first)
    assert not await revoked.seal(second)
    assert await revoked.has(ONE) is False


async def test_another_life_s_markers_count_for_nothing(revoked: RevocationList, redis: Redis) -> None:
    await redis.zadd(KEY, {"complete:0123456789ab": "inf", "building:0123456789ab:x": "inf"})
    assert await revoked.has(ONE) is None
    assert not await revoked.seal("x")
    await complete(revoked)
    assert await redis.zcard(KEY) == 1


async def test_what_has_no_valid_token_left_is_dropped(revoked: RevocationList, redis: Redis) -> None:
    await complete(revoked)
    await revoked.add({ONE: -1})
    await revoked.add({TWO: 1000})
    assert await redis.zcard(KEY) == 2
    assert await revoked.has(ONE) is False


async def test_many_are_added_in_batches(revoked: RevocationList, redis: Redis) -> None:
    await revoked.add({SessionId(number): 10_000 for number in range(2 * BATCH + 1)})
    assert await redis.zcard(KEY) == 2 * BATCH + 1
    await revoked.add({})
