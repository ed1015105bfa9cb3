"""The windows of feeds, on both servers."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from server.errors import Unavailable
from server.gateways.timelines import BUILDING_TTL_MS, Timelines
from server.ids import MAX_ID, PostId, UserId
from tests.stacks import Stack, start_valkey

WINDOW, TTL_S = 10, 500
ADA, BOB, EVE = UserId(1), UserId(2), UserId(MAX_ID)
TOP = MAX_ID + 1


@pytest.fixture
async def redis(stack: Stack) -> AsyncIterator[Redis]:
    async with Redis.from_url(stack.redis.url, socket_timeout=5, decode_responses=True) as redis:
        yield redis


@pytest.fixture
def timelines(redis: Redis) -> Timelines:
    return Timelines(redis, WINDOW, TTL_S)


def posts(*numbers: int) -> list[PostId]:
    return [PostId(number) for number in numbers]


async def built(timelines: Timelines, reader_id: UserId, *numbers: int) -> None:
    assert await timelines.open(reader_id)
    await timelines.fill(reader_id, posts(*numbers))


async def whole(timelines: Timelines, reader_id: UserId) -> list[PostId] | None:
    return await timelines.read(reader_id, TOP, 1000)


async def test_a_feed_is_there_once_it_is_filled(timelines: Timelines) -> None:
    assert await whole(timelines, ADA) is None
    assert await timelines.open(ADA)
    assert await whole(timelines, ADA) is None
    await timelines.fill(ADA, posts(3, 2, 1))
    assert await whole(timelines, ADA) == [3, 2, 1]


async def test_a_feed_is_built_by_one(timelines: Timelines) -> None:
    assert await timelines.open(ADA)
    assert not await timelines.open(ADA)
    await timelines.fill(ADA, posts(1))
    assert not await timelines.open(ADA)


async def test_only_an_opened_feed_is_filled(timelines: Timelines) -> None:
    await timelines.fill(ADA, posts(1))
    assert await whole(timelines, ADA) is None
    await built(timelines, ADA, 1)
    await timelines.fill(ADA, posts(2))
    assert await whole(timelines, ADA) == [1]


async def test_a_push_while_a_feed_is_built_is_not_lost(timelines: Timelines) -> None:
    await timelines.open(ADA)
    await timelines.push([ADA], PostId(9))
    assert await whole(timelines, ADA) is None
    await timelines.fill(ADA, posts(3, 2))
    assert await whole(timelines, ADA) == [9, 3, 2]


async def test_a_push_reaches_only_feeds_that_are_kept(timelines: Timelines, redis: Redis) -> None:
    await built(timelines, ADA, 1)
    await built(timelines, EVE)
    assert await timelines.push([ADA, BOB, EVE], PostId(7)) == 2
    assert (await whole(timelines, ADA), await whole(timelines, EVE)) == ([7, 1], [7])
    assert not await redis.exists(f"feed:{BOB}")
    assert await timelines.push([], PostId(7)) == 0


async def test_a_push_twice_is_a_push_once(timelines: Timelines) -> None:
    await built(timelines, ADA, 1)
    for _ in range(3):
        await timelines.push([ADA], PostId(7))
    assert await whole(timelines, ADA) == [7, 1]


async def test_a_full_window_drops_its_oldest_posts_and_keeps_its_marker(timelines: Timelines) -> None:
    await built(timelines, ADA, *range(WINDOW, 0, -1))
    for number in range(WINDOW + 1, 3 * WINDOW + 1):
        await timelines.push([ADA], PostId(number))
    assert await whole(timelines, ADA) == list(range(3 * WINDOW, 2 * WINDOW, -1))
    await timelines.merge(ADA, posts(*range(100, 100 - WINDOW, -1)))
    assert await whole(timelines, ADA) == list(range(100, 100 - WINDOW, -1))


async def test_a_fill_keeps_to_the_window(timelines: Timelines) -> None:
    await timelines.open(ADA)
    await timelines.push([ADA], PostId(1000))
    await timelines.fill(ADA, posts(*range(3 * WINDOW, 0, -1)))
    assert await whole(timelines, ADA) == [1000, *range(3 * WINDOW, 2 * WINDOW + 1, -1)]


async def test_ids_of_53_bits_are_exact(timelines: Timelines) -> None:
    ids = [MAX_ID - number for number in range(WINDOW)]
    await built(timelines, ADA, *ids)
    assert await whole(timelines, ADA) == ids
    assert await timelines.read(ADA, MAX_ID, 1) == [MAX_ID - 1]
    assert await timelines.push([ADA], PostId(ids[-1] - 1)) == 0
    await timelines.remove(ADA, posts(ids[-1]))
    assert await timelines.push([ADA], PostId(ids[-1] - 1)) == 0
    assert await timelines.push([ADA], PostId(ids[-1])) == 1


async def test_a_page_lies_below_its_cursor(timelines: Timelines) -> None:
    await built(timelines, ADA, 5, 4, 3, 2, 1)
    assert await timelines.read(ADA, 4, 2) == [3, 2]
    assert await timelines.read(ADA, 1, 2) == []


async def test_a_post_below_the_window_is_left_to_sql(timelines: Timelines) -> None:
    """Between it and the window there may be others that were dropped."""
    await built(timelines, ADA, *range(100, 100 - WINDOW, -1))
    await timelines.remove(ADA, posts(*range(100, 93, -1)))
    assert await whole(timelines, ADA) == [93, 92, 91]
    assert await timelines.push([ADA], PostId(50)) == 0
    await timelines.merge(ADA, posts(99, 92, 60, 40))
    assert await whole(timelines, ADA) == [99, 93, 92, 91]


async def test_a_feed_that_has_every_post_takes_old_ones(timelines: Timelines) -> None:
    await built(timelines, ADA, 100, 90)
    assert await timelines.push([ADA], PostId(50)) == 1
    await timelines.merge(ADA, posts(95, 40))
    assert await whole(timelines, ADA) == [100, 95, 90, 50, 40]


async def test_an_author_who_fills_the_window_may_have_more_below_it(timelines: Timelines) -> None:
    await built(timelines, ADA)
    await timelines.merge(ADA, posts(*range(100, 100 - WINDOW, -1)))
    await timelines.remove(ADA, posts(100, 99))
    assert await timelines.push([ADA], PostId(50)) == 0
    assert await whole(timelines, ADA) == list(range(98, 90, -1))


async def test_merging_and_removing_leave_what_is_not_kept_alone(timelines: Timelines, redis: Redis) -> None:
    await timelines.merge(ADA, posts(1))
    await timelines.remove(ADA, posts(1))
    await timelines.remove(ADA, [])
    assert not await redis.exists(f"feed:{ADA}")
    await built(timelines, ADA, 1)
    await timelines.merge(ADA, [])
    await timelines.remove(ADA, posts(1, 2))
    assert await whole(timelines, ADA) == []


async def test_a_feed_lives_as_long_as_it_is_read(timelines: Timelines, redis: Redis) -> None:
    key = f"feed:{ADA}"
    await timelines.open(ADA)
    assert 0 < await redis.pttl(key) <= BUILDING_TTL_MS
    await timelines.fill(ADA, posts(1))
    assert TTL_S - 5 < await redis.ttl(key) <= TTL_S
    await redis.expire(key, 50)
    await timelines.push([ADA], PostId(2))
    await timelines.merge(ADA, posts(3))
    assert await redis.ttl(key) <= 50
    await whole(timelines, ADA)
    assert TTL_S - 5 < await redis.ttl(key) <= TTL_S


async def test_without_redis_every_method_says_so() -> None:
    async with Redis.from_url("unix:///nowhere/redis.sock") as nowhere:
        timelines = Timelines(nowhere, WINDOW, TTL_S)
        for ask in (
            timelines.push([ADA], PostId(1)),
            timelines.read(ADA, TOP, 1),
            timelines.open(ADA),
            timelines.fill(ADA, posts(1)),
            timelines.merge(ADA, posts(1)),
            timelines.remove(ADA, posts(1)),
        ):
            with pytest.raises(Unavailable) as away:
                await ask
            assert away.value.code == "redis_away"


async def test_a_server_that_forgot_the_scripts_is_told_them_again(
    timelines: Timelines, redis: Redis
) -> None:
    await built(timelines, ADA, 1)
    await redis.script_flush()
    assert await whole(timelines, ADA) == [1]


async def test_a_feed_that_came_back_from_an_old_snapshot_is_built_again(scratch: Path) -> None:
    server = start_valkey(scratch / "set-back")
    async with Redis.from_url(server.url, socket_timeout=5, retry=Retry(NoBackoff(), 1)) as redis:
        timelines = Timelines(redis, WINDOW, TTL_S)
        await built(timelines, ADA, 1)
        assert await timelines.open(BOB)
        await redis.save()
        assert await timelines.push([ADA, BOB], PostId(2)) == 2
        server.kill()
        server.start()
        assert await timelines.push([ADA, BOB], PostId(3)) == 0
        await timelines.fill(BOB, posts(1))
        assert [await whole(timelines, reader) for reader in (ADA, BOB)] == [None, None]
        await built(timelines, ADA, 3, 2, 1)
        assert await whole(timelines, ADA) == [3, 2, 1]
    server.stop()
