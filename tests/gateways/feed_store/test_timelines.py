"""The feeds in Redis, on both servers: what is kept, what is bounded, and what is said not to be known."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from server.gateways.feed_store.timelines import BUILDING_TTL_MS, Counts, State, TimelineRead, Timelines
from server.gateways.redis.pipelined_client import PipelinedRedis, RedisUnavailable
from server.ids import MAX_ID, PostId, UserId
from tests.support.backends import Stack, start_valkey

WINDOW, TTL_S, MOST = 10, 500, 50
ADA, BOB, EVE = UserId(1), UserId(2), UserId(MAX_ID)
TOP = MAX_ID + 1


@pytest.fixture
async def redis(stack: Stack) -> AsyncIterator[Redis]:
    async with Redis.from_url(stack.redis.url, socket_timeout=5, decode_responses=True) as redis:
        yield redis


@pytest.fixture
async def timelines(stack: Stack) -> AsyncIterator[Timelines]:
    wire = PipelinedRedis(stack.redis.url, timeout_s=2.0)
    timelines = Timelines(wire, WINDOW, TTL_S, MOST)
    await timelines.fill_pulled([])
    yield timelines
    await wire.close()


def posts(*numbers: int) -> list[PostId]:
    return [PostId(number) for number in numbers]


async def built(timelines: Timelines, reader_id: UserId, *numbers: int, likes: tuple[int, ...] = ()) -> None:
    token = await timelines.open_feed(reader_id)
    assert token is not None
    filled = await timelines.fill_feed(reader_id, token, posts(*numbers), [BOB], (0, posts(*likes)))
    assert filled


async def look(
    timelines: Timelines, reader_id: UserId, before_id: int = TOP, limit: int = 1000
) -> TimelineRead:
    return await timelines.look(reader_id, before_id, limit)


async def whole(timelines: Timelines, reader_id: UserId) -> list[PostId] | None:
    found = await look(timelines, reader_id)
    return [entry.post_id for entry in found.entries] if found.state is State.OK else None


def by(author_id: UserId, revision: int = 0, likes: int = 0) -> Counts:
    return Counts(revision, author_id, likes, 0, None)


async def test_a_feed_is_there_once_it_is_filled(timelines: Timelines) -> None:
    assert (await look(timelines, ADA)).state is State.MISSING
    token = await timelines.open_feed(ADA)
    assert token is not None
    assert (await look(timelines, ADA)).state is State.BUILDING
    assert await timelines.fill_feed(ADA, token, posts(3, 2, 1), [], (0, []))
    assert await whole(timelines, ADA) == [3, 2, 1]


async def test_a_feed_is_built_by_one(timelines: Timelines) -> None:
    token = await timelines.open_feed(ADA)
    assert token is not None
    assert await timelines.open_feed(ADA) is None
    assert await timelines.fill_feed(ADA, token, posts(1), [], (0, []))
    assert await timelines.open_feed(ADA) is None


async def test_only_who_opened_a_feed_fills_it(timelines: Timelines) -> None:
    assert not await timelines.fill_feed(ADA, 5, posts(1), [], (0, []))
    assert await whole(timelines, ADA) is None
    token = await timelines.open_feed(ADA)
    assert token is not None
    assert not await timelines.fill_feed(ADA, token + 1, posts(1), [], (0, []))
    await timelines.reset([ADA])
    again = await timelines.open_feed(ADA)
    assert again is not None
    assert not await timelines.fill_feed(ADA, token, posts(1), [], (0, []))
    assert await timelines.fill_feed(ADA, again, posts(2), [], (0, []))
    assert await whole(timelines, ADA) == [2]


async def test_a_push_while_a_feed_is_built_is_not_lost(timelines: Timelines) -> None:
    token = await timelines.open_feed(ADA)
    assert token is not None
    await timelines.push([ADA], PostId(9))
    assert await timelines.fill_feed(ADA, token, posts(3, 2), [], (0, []))
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


async def test_a_full_window_drops_its_oldest_posts_and_says_how_far_it_reaches(timelines: Timelines) -> None:
    await built(timelines, ADA, *range(WINDOW - 1, 0, -1))
    assert (await look(timelines, ADA)).floor == 0
    for number in range(WINDOW, 3 * WINDOW + 1):
        await timelines.push([ADA], PostId(number))
    found = await look(timelines, ADA)
    assert [entry.post_id for entry in found.entries] == posts(*range(3 * WINDOW, 2 * WINDOW, -1))
    assert found.floor == 2 * WINDOW + 1


async def test_a_window_that_sql_filled_to_the_brim_may_not_be_all(timelines: Timelines) -> None:
    await built(timelines, ADA, *range(30, 30 - WINDOW, -1))
    assert (await look(timelines, ADA)).floor == 30 - WINDOW + 1
    assert await timelines.push([ADA], PostId(5)) == 0, "below the floor is SQL's"


async def test_pages_follow_one_another(timelines: Timelines) -> None:
    await built(timelines, ADA, *range(9, 0, -1))
    first = await look(timelines, ADA, limit=4)
    second = await look(timelines, ADA, before_id=first.entries[-1].post_id, limit=4)
    assert [entry.post_id for entry in (*first.entries, *second.entries)] == posts(9, 8, 7, 6, 5, 4, 3, 2)


async def test_large_ids_are_exact(timelines: Timelines) -> None:
    ids = [MAX_ID - number for number in range(5)]
    await built(timelines, EVE, *ids)
    assert await whole(timelines, EVE) == ids


async def test_a_post_of_a_stranger_and_a_deleted_one_are_passed_over_and_the_page_is_full(
    timelines: Timelines,
) -> None:
    await built(timelines, ADA, *range(9, 0, -1))
    await timelines.note({PostId(n): by(EVE if n % 3 == 0 else BOB) for n in range(1, 10)}, {})
    await timelines._wire.batch([timelines.counts_call({PostId(8): "1,x"})])
    found = await look(timelines, ADA, limit=4)
    assert [entry.post_id for entry in found.entries] == posts(7, 5, 4, 2)


async def test_counters_and_revisions_come_with_the_page_and_the_newest_stays(timelines: Timelines) -> None:
    await built(timelines, ADA, 2, 1)
    for revision in (3, 5, 4):
        await timelines.note({PostId(1): by(BOB, revision, likes=revision)}, {BOB: revision})
    found = await look(timelines, ADA)
    assert [entry.counts for entry in found.entries] == [None, by(BOB, 5, likes=5)]
    assert [entry.author_revision for entry in found.entries] == [None, 5]
    edited = Counts(6, BOB, 1, 2, 1_764_000_000_000)
    await timelines.note({PostId(1): edited}, {})
    assert (await look(timelines, ADA)).entries[1].counts == edited


async def test_likes_are_known_from_their_floor_up(timelines: Timelines) -> None:
    token = await timelines.open_feed(ADA)
    assert token is not None
    await timelines.fill_feed(ADA, token, posts(5, 4, 3, 2, 1), [], (3, posts(4)))
    found = await look(timelines, ADA)
    assert [entry.liked for entry in found.entries] == [False, True, False, None, None]


@pytest.mark.parametrize(("revisions", "liked"), [((1, 2), False), ((2, 1), True)])
async def test_of_two_changes_of_a_like_the_newer_counts(
    timelines: Timelines, revisions: tuple[int, int], liked: bool
) -> None:
    await built(timelines, ADA, 1)
    like, unlike = revisions
    calls = [
        timelines.like_call(ADA, PostId(1), like, liked=True),
        timelines.like_call(ADA, PostId(1), unlike, liked=False),
    ]
    await timelines._wire.batch(calls)
    assert [entry.liked for entry in (await look(timelines, ADA)).entries] == [liked]


async def test_a_like_while_a_feed_is_built_is_not_lost(timelines: Timelines) -> None:
    token = await timelines.open_feed(ADA)
    assert token is not None
    await timelines._wire.batch(
        [
            timelines.like_call(ADA, PostId(1), 7, liked=True),
            timelines.like_call(ADA, PostId(2), 7, liked=False),
        ]
    )
    await timelines.fill_feed(ADA, token, posts(2, 1), [], (0, posts(2)))
    assert [entry.liked for entry in (await look(timelines, ADA)).entries] == [False, True]


async def test_what_is_noted_is_bounded(timelines: Timelines, redis: Redis) -> None:
    for start in range(0, 10 * MOST, MOST):
        noted = {PostId(start + n): by(BOB) for n in range(MOST)}
        await timelines.note(noted, {UserId(start + n): 1 for n in range(MOST)})
    assert await redis.hlen("counts") <= MOST + 2
    assert await redis.hlen("people") <= MOST + 2


async def test_everything_expires(timelines: Timelines, redis: Redis) -> None:
    await timelines.open_feed(BOB)
    await built(timelines, ADA, 1)
    await timelines.note({PostId(1): by(BOB)}, {BOB: 1})
    await timelines.pull(BOB)
    token = await timelines.open_list(BOB)
    assert token is not None
    await timelines.fill_list(BOB, token, posts(1))
    await whole(timelines, ADA)
    keys = await redis.keys("*")
    assert {key.partition(":")[0] for key in keys} == {
        "feed", "follows", "liked", "counts", "people", "pulled", "author"
    }  # fmt: skip
    for key in keys:
        assert await redis.ttl(key) > 0, key
    assert 0 < await redis.pttl(f"feed:{BOB}") <= BUILDING_TTL_MS


async def test_reading_keeps_a_feed_alive(timelines: Timelines, redis: Redis) -> None:
    await built(timelines, ADA, 1)
    for name in ("feed", "follows", "liked"):
        await redis.expire(f"{name}:{ADA}", 5)
    await whole(timelines, ADA)
    for name in ("feed", "follows", "liked"):
        assert await redis.ttl(f"{name}:{ADA}") > TTL_S - 5


async def test_posts_of_pulled_authors_are_merged_in(timelines: Timelines) -> None:
    await built(timelines, ADA, 9, 6, 3)
    await timelines.pull(BOB)
    await timelines.pull(EVE)  # whom Ada does not follow
    found = await look(timelines, ADA)
    assert (found.state, list(found.authors)) == (State.LISTS, [BOB])
    token = await timelines.open_list(BOB)
    assert token is not None
    await timelines.fill_list(BOB, token, posts(8, 6, 5, 1))
    assert await whole(timelines, ADA) == [9, 8, 6, 5, 3, 1]
    await timelines.push_own(BOB, PostId(10))
    assert [entry.post_id for entry in (await look(timelines, ADA, limit=2)).entries] == posts(10, 9)
    await timelines.stop_pulling(BOB)
    assert await whole(timelines, ADA) == [9, 6, 3]


async def test_a_merged_feed_reaches_as_far_down_as_the_shortest_list(timelines: Timelines) -> None:
    await built(timelines, ADA, 9, 6, 3)
    await timelines.pull(BOB)
    token = await timelines.open_list(BOB)
    assert token is not None
    await timelines.fill_list(BOB, token, posts(*range(20, 20 - WINDOW, -1)))
    found = await look(timelines, ADA)
    assert found.floor == 20 - WINDOW + 1
    assert [entry.post_id for entry in found.entries] == posts(*range(20, 20 - WINDOW, -1))


async def test_without_the_set_of_the_pulled_no_feed_is_whole(timelines: Timelines, redis: Redis) -> None:
    await built(timelines, ADA, 1)
    await redis.delete("pulled")
    await timelines.pull(EVE)
    assert (await look(timelines, ADA)).state is State.UNPULLED
    await timelines.fill_pulled([BOB])
    assert await redis.smembers("pulled") > {str(EVE), str(BOB)}


async def test_posts_are_withdrawn(timelines: Timelines) -> None:
    await built(timelines, ADA, 3, 2, 1)
    await built(timelines, BOB, 2)
    await timelines.withdraw([ADA, BOB, EVE], posts(2, 7))
    assert (await whole(timelines, ADA), await whole(timelines, BOB)) == ([3, 1], [])


async def test_a_redis_that_is_gone_is_said_to_be_away(timelines: Timelines) -> None:
    nowhere = PipelinedRedis("unix:///nowhere/redis.sock", timeout_s=1.0)
    away = Timelines(nowhere, WINDOW, TTL_S, MOST)
    for ask in (
        away.push([ADA], PostId(1)), look(away, ADA), away.open_feed(ADA), away.reset([ADA]), away.pull(ADA),
        away.fill_feed(ADA, 1, posts(1), [], (0, [])), away.withdraw([ADA], posts(1)),
    ):  # fmt: skip
        with pytest.raises(RedisUnavailable) as caught:
            await ask
        assert caught.value.code == "unavailable"
    await nowhere.close()


async def test_a_feed_that_came_back_from_an_old_snapshot_is_built_again(scratch: Path) -> None:
    server = start_valkey(scratch / "set-back")
    wire = PipelinedRedis(server.url, timeout_s=2.0)
    timelines = Timelines(wire, WINDOW, TTL_S, MOST)
    await timelines.fill_pulled([])
    await built(timelines, ADA, 1)
    token = await timelines.open_feed(BOB)
    assert token is not None
    await timelines.note({PostId(1): by(BOB)}, {BOB: 1})
    await wire.command("SAVE")
    assert await timelines.push([ADA, BOB], PostId(2)) == 2
    server.kill()
    server.start()
    again = PipelinedRedis(server.url, timeout_s=2.0)
    timelines = Timelines(again, WINDOW, TTL_S, MOST)
    assert await timelines.push([ADA, BOB], PostId(3)) == 0
    assert not await timelines.fill_feed(BOB, token, posts(1), [], (0, []))
    assert (await look(timelines, ADA)).state is State.MISSING
    await built(timelines, ADA, 3, 2, 1)
    assert (await look(timelines, ADA)).state is State.UNPULLED
    await timelines.fill_pulled([])
    found = await look(timelines, ADA)
    assert [(entry.post_id, entry.counts) for entry in found.entries] == [(3, None), (2, None), (1, None)]
    await wire.close()
    await again.close()
    server.stop()
