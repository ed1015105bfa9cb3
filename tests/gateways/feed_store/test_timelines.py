"""Tests of the cached feeds, on Redis and Valkey."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from redis.asyncio import Redis

from server.gateways.feed_store.followed_authors import FollowedAuthors
from server.gateways.feed_store.reader_marks import ReaderMarks
from server.gateways.feed_store.timeline_reads import AuthorRelation, PostCounts, ReadStatus, TimelineRead
from server.gateways.feed_store.timelines import BUILDING_TTL_MS, Timelines
from server.gateways.redis.error_replies import RedisUnavailable
from server.gateways.redis.pipelined_client import PipelinedRedis
from server.ids import MAX_ID, PostId, UserId
from tools.harness.backends import Stack, start_valkey

WINDOW, TTL_S, MAX_REVISIONS = 10, 500, 50
ADA, BOB, EVE = UserId(1), UserId(2), UserId(MAX_ID)
TOP = MAX_ID + 1


@pytest.fixture
async def redis(stack: Stack) -> AsyncIterator[Redis]:
    async with Redis.from_url(stack.redis.url, socket_timeout=5, decode_responses=True) as redis:
        yield redis


@pytest.fixture
async def timelines(stack: Stack) -> AsyncIterator[Timelines]:
    client = PipelinedRedis(stack.redis.url, timeout_s=2.0)
    timelines = Timelines(client, WINDOW, TTL_S, MAX_REVISIONS)
    await timelines.complete_author_set([])
    yield timelines
    await client.close()


def following(reader_id: UserId, *author_ids: UserId) -> FollowedAuthors:
    return FollowedAuthors(frozenset([reader_id, *author_ids]), frozenset([reader_id]))


def posts(*numbers: int) -> list[PostId]:
    return [PostId(number) for number in numbers]


async def build_feed(
    timelines: Timelines, reader_id: UserId, *numbers: int, likes: tuple[int, ...] = ()
) -> None:
    token = await timelines.begin_feed(reader_id)
    assert token is not None
    followed = following(reader_id, BOB)
    completed = await timelines.complete_feed(
        reader_id, token, posts(*numbers), followed, ReaderMarks(0, posts(*likes))
    )
    assert completed


async def read(
    timelines: Timelines, reader_id: UserId, before_id: int = TOP, limit: int = 1000
) -> TimelineRead:
    return await timelines.read(reader_id, before_id, limit)


async def read_ids(timelines: Timelines, reader_id: UserId) -> list[PostId] | None:
    found = await read(timelines, reader_id)
    return [entry.post_id for entry in found.entries] if found.status is ReadStatus.OK else None


def counts_by(author_id: UserId, revision: int = 0, likes: int = 0) -> PostCounts:
    return PostCounts(revision, author_id, likes, 0, None)


async def test_feed_is_readable_after_its_completion(timelines: Timelines) -> None:
    assert (await read(timelines, ADA)).status is ReadStatus.MISSING
    token = await timelines.begin_feed(ADA)
    assert token is not None
    assert (await read(timelines, ADA)).status is ReadStatus.BUILDING
    assert await timelines.complete_feed(ADA, token, posts(3, 2, 1), following(ADA), ReaderMarks(0))
    assert await read_ids(timelines, ADA) == [3, 2, 1]


async def test_only_one_process_builds_a_feed(timelines: Timelines) -> None:
    token = await timelines.begin_feed(ADA)
    assert token is not None
    assert await timelines.begin_feed(ADA) is None
    assert await timelines.complete_feed(ADA, token, posts(1), following(ADA), ReaderMarks(0))
    assert await timelines.begin_feed(ADA) is None


async def test_completion_needs_the_current_token(timelines: Timelines) -> None:
    assert not await timelines.complete_feed(ADA, 5, posts(1), following(ADA), ReaderMarks(0))
    assert await read_ids(timelines, ADA) is None
    token = await timelines.begin_feed(ADA)
    assert token is not None
    assert not await timelines.complete_feed(ADA, token + 1, posts(1), following(ADA), ReaderMarks(0))
    await timelines.drop_feeds([ADA])
    again = await timelines.begin_feed(ADA)
    assert again is not None
    assert not await timelines.complete_feed(ADA, token, posts(1), following(ADA), ReaderMarks(0))
    assert await timelines.complete_feed(ADA, again, posts(2), following(ADA), ReaderMarks(0))
    assert await read_ids(timelines, ADA) == [2]


async def test_post_added_during_a_build_is_kept(timelines: Timelines) -> None:
    token = await timelines.begin_feed(ADA)
    assert token is not None
    await timelines.add_post([ADA], PostId(9))
    assert await timelines.complete_feed(ADA, token, posts(3, 2), following(ADA), ReaderMarks(0))
    assert await read_ids(timelines, ADA) == [9, 3, 2]


async def test_post_is_added_to_cached_feeds_only(timelines: Timelines, redis: Redis) -> None:
    await build_feed(timelines, ADA, 1)
    await build_feed(timelines, EVE)
    assert await timelines.add_post([ADA, BOB, EVE], PostId(7)) == 2
    assert (await read_ids(timelines, ADA), await read_ids(timelines, EVE)) == ([7, 1], [7])
    assert not await redis.exists(f"feed:{BOB}")
    assert await timelines.add_post([], PostId(7)) == 0


async def test_adding_a_post_is_idempotent(timelines: Timelines) -> None:
    await build_feed(timelines, ADA, 1)
    for _ in range(3):
        await timelines.add_post([ADA], PostId(7))
    assert await read_ids(timelines, ADA) == [7, 1]


async def test_full_window_drops_oldest_posts(timelines: Timelines) -> None:
    await build_feed(timelines, ADA, *range(WINDOW - 1, 0, -1))
    assert (await read(timelines, ADA)).complete_from_id == 0
    for number in range(WINDOW, 3 * WINDOW + 1):
        await timelines.add_post([ADA], PostId(number))
    found = await read(timelines, ADA)
    assert [entry.post_id for entry in found.entries] == posts(*range(3 * WINDOW, 2 * WINDOW, -1))
    assert found.complete_from_id == 2 * WINDOW + 1


async def test_full_window_from_sql_may_be_incomplete(timelines: Timelines) -> None:
    await build_feed(timelines, ADA, *range(30, 30 - WINDOW, -1))
    assert (await read(timelines, ADA)).complete_from_id == 30 - WINDOW + 1
    assert await timelines.add_post([ADA], PostId(5)) == 0, "posts below complete_from_id come from SQL"


async def test_pages_are_consecutive(timelines: Timelines) -> None:
    await build_feed(timelines, ADA, *range(9, 0, -1))
    first = await read(timelines, ADA, limit=4)
    second = await read(timelines, ADA, before_id=first.entries[-1].post_id, limit=4)
    assert [entry.post_id for entry in (*first.entries, *second.entries)] == posts(9, 8, 7, 6, 5, 4, 3, 2)


async def test_large_ids_are_exact(timelines: Timelines) -> None:
    ids = [MAX_ID - number for number in range(5)]
    await build_feed(timelines, EVE, *ids)
    assert await read_ids(timelines, EVE) == ids


async def test_page_is_full_without_deleted_and_unfollowed_posts(
    timelines: Timelines,
) -> None:
    await build_feed(timelines, ADA, *range(9, 0, -1))
    await timelines.record({PostId(n): counts_by(EVE if n % 3 == 0 else BOB) for n in range(1, 10)}, {})
    await timelines._redis.batch([timelines.record_deleted_call(PostId(8), 1)])
    found = await read(timelines, ADA, limit=4)
    assert [entry.post_id for entry in found.entries] == posts(7, 5, 4, 2)


async def test_newest_counters_and_revisions_are_read(timelines: Timelines) -> None:
    await build_feed(timelines, ADA, 2, 1)
    for revision in (3, 5, 4):
        await timelines.record({PostId(1): counts_by(BOB, revision, likes=revision)}, {BOB: revision})
    found = await read(timelines, ADA)
    assert [entry.counts for entry in found.entries] == [None, counts_by(BOB, 5, likes=5)]
    assert [entry.author_revision for entry in found.entries] == [None, 5]
    edited = PostCounts(6, BOB, 1, 2, 1_764_000_000_000)
    await timelines.record({PostId(1): edited}, {})
    assert (await read(timelines, ADA)).entries[1].counts == edited


async def test_likes_are_known_from_complete_from_id_up(timelines: Timelines) -> None:
    token = await timelines.begin_feed(ADA)
    assert token is not None
    await timelines.complete_feed(ADA, token, posts(5, 4, 3, 2, 1), following(ADA), ReaderMarks(3, posts(4)))
    found = await read(timelines, ADA)
    assert [entry.liked for entry in found.entries] == [False, True, False, None, None]


@pytest.mark.parametrize(("revisions", "liked"), [((1, 2), False), ((2, 1), True)])
async def test_newer_change_of_a_like_wins(
    timelines: Timelines, revisions: tuple[int, int], liked: bool
) -> None:
    await build_feed(timelines, ADA, 1)
    like, unlike = revisions
    calls = [
        timelines.record_like_call(ADA, PostId(1), like, liked=True),
        timelines.record_like_call(ADA, PostId(1), unlike, liked=False),
    ]
    await timelines._redis.batch(calls)
    assert [entry.liked for entry in (await read(timelines, ADA)).entries] == [liked]


async def test_like_during_a_build_is_kept(timelines: Timelines) -> None:
    token = await timelines.begin_feed(ADA)
    assert token is not None
    await timelines._redis.batch(
        [
            timelines.record_like_call(ADA, PostId(1), 7, liked=True),
            timelines.record_like_call(ADA, PostId(2), 7, liked=False),
        ]
    )
    await timelines.complete_feed(ADA, token, posts(2, 1), following(ADA), ReaderMarks(0, posts(2)))
    assert [entry.liked for entry in (await read(timelines, ADA)).entries] == [False, True]


async def test_saves_are_marked_beside_likes(timelines: Timelines) -> None:
    token = await timelines.begin_feed(ADA)
    assert token is not None
    likes = [timelines.record_like_call(ADA, PostId(n), 7, liked=n == 4) for n in (4, 3, 1)]
    await timelines._redis.batch(likes)
    assert {entry.liked for entry in (await read(timelines, ADA)).entries} == set()
    marks = ReaderMarks(2, posts(3, 2), posts(4, 3))
    await timelines.complete_feed(ADA, token, posts(5, 4, 3, 2, 1), following(ADA), marks)
    found = await read(timelines, ADA)
    # The removal of the like of 3 is newer than what SQL had. Of 1 nothing is known about saves.
    assert [entry.liked for entry in found.entries] == [False, True, False, True, None]
    assert [entry.saved for entry in found.entries][:4] == [False, True, True, False]
    await timelines._redis.batch([timelines.record_like_call(ADA, PostId(n), 8, liked=True) for n in (3, 1)])
    found = await read(timelines, ADA)
    assert [(entry.liked, entry.saved) for entry in found.entries[2:]] == [
        (True, True),
        (True, False),
        (None, False),
    ]
    await timelines._redis.batch([timelines.drop_likes_call(ADA)])
    assert not (await read(timelines, ADA)).likes_known


async def test_recorded_revisions_are_bounded(timelines: Timelines, redis: Redis) -> None:
    for start in range(0, 10 * MAX_REVISIONS, MAX_REVISIONS):
        noted = {PostId(start + n): counts_by(BOB) for n in range(MAX_REVISIONS)}
        await timelines.record(noted, {UserId(start + n): 1 for n in range(MAX_REVISIONS)})
    assert await redis.hlen("counts") <= MAX_REVISIONS + 2
    assert await redis.hlen("people") <= MAX_REVISIONS + 2


async def test_read_returns_how_authors_relate_to_the_reader(timelines: Timelines, redis: Redis) -> None:
    token = await timelines.begin_feed(ADA)
    assert token is not None
    followed = FollowedAuthors(frozenset([ADA, BOB, EVE]), frozenset([ADA, EVE]), frozenset([EVE]))
    await timelines.complete_feed(ADA, token, posts(5, 4, 3, 2, 1), followed, ReaderMarks(0))
    counts = {PostId(n): counts_by(author) for n, author in enumerate((ADA, BOB, EVE), 1)}
    for_close_friends = {PostId(n): replace(counts[PostId(n - 2)], for_close_friends=True) for n in (4, 5)}
    await timelines.record(counts | for_close_friends, {BOB: 7, EVE: 8})
    assert [
        (entry.post_id, entry.author_revision, entry.author_relation)
        for entry in (await read(timelines, ADA)).entries
    ] == [
        (5, 8, AuthorRelation.MUTUAL),
        (3, 8, AuthorRelation.MUTUAL),
        (2, 7, AuthorRelation.FOLLOWED),
        (1, None, AuthorRelation.SELF),
    ]
    for name in ("follows", "relations"):
        assert await redis.object("encoding", f"{name}:{ADA}") == "intset"


@pytest.mark.parametrize("name", ["follows", "relations"])
async def test_feed_without_its_authors_is_built_again(timelines: Timelines, redis: Redis, name: str) -> None:
    await build_feed(timelines, ADA, 1)
    await redis.delete(f"{name}:{ADA}")
    assert (await read(timelines, ADA)).status is ReadStatus.MISSING
    await build_feed(timelines, ADA, 2)
    assert await read_ids(timelines, ADA) == [2]


async def test_every_key_expires(timelines: Timelines, redis: Redis) -> None:
    await timelines.begin_feed(BOB)
    await build_feed(timelines, ADA, 1)
    await timelines.record({PostId(1): counts_by(BOB)}, {BOB: 1})
    await timelines.enable_fan_out_on_read(BOB)
    token = await timelines.begin_author_list(BOB)
    assert token is not None
    await timelines.complete_author_list(BOB, token, posts(1))
    await read_ids(timelines, ADA)
    keys = await redis.keys("*")
    assert {key.partition(":")[0] for key in keys} == {
        "feed", "follows", "relations", "tags", "liked", "counts", "people", "fan_out_on_read", "author"
    }  # fmt: skip
    for key in keys:
        assert await redis.ttl(key) > 0, key
    assert 0 < await redis.pttl(f"feed:{BOB}") <= BUILDING_TTL_MS


async def test_read_extends_the_expiry(timelines: Timelines, redis: Redis) -> None:
    await build_feed(timelines, ADA, 1)
    for name in ("feed", "follows", "relations", "liked"):
        await redis.expire(f"{name}:{ADA}", 5)
    await read_ids(timelines, ADA)
    for name in ("feed", "follows", "liked"):
        assert await redis.ttl(f"{name}:{ADA}") > TTL_S - 5


async def test_posts_of_fan_out_on_read_authors_are_merged(timelines: Timelines) -> None:
    await build_feed(timelines, ADA, 9, 6, 3)
    await timelines.enable_fan_out_on_read(BOB)
    await timelines.enable_fan_out_on_read(EVE)  # Ada does not follow Eve
    found = await read(timelines, ADA)
    assert (found.status, list(found.authors)) == (ReadStatus.AUTHOR_LISTS_MISSING, [BOB])
    token = await timelines.begin_author_list(BOB)
    assert token is not None
    await timelines.complete_author_list(BOB, token, posts(8, 6, 5, 1))
    assert await read_ids(timelines, ADA) == [9, 8, 6, 5, 3, 1]
    await timelines.add_own_post(BOB, PostId(10))
    assert [entry.post_id for entry in (await read(timelines, ADA, limit=2)).entries] == posts(10, 9)
    await timelines.disable_fan_out_on_read(BOB)
    assert await read_ids(timelines, ADA) == [9, 6, 3]


async def test_merged_feed_reaches_down_to_the_shortest_list(timelines: Timelines) -> None:
    await build_feed(timelines, ADA, 9, 6, 3)
    await timelines.enable_fan_out_on_read(BOB)
    token = await timelines.begin_author_list(BOB)
    assert token is not None
    await timelines.complete_author_list(BOB, token, posts(*range(20, 20 - WINDOW, -1)))
    found = await read(timelines, ADA)
    assert found.complete_from_id == 20 - WINDOW + 1
    assert [entry.post_id for entry in found.entries] == posts(*range(20, 20 - WINDOW, -1))


async def test_feed_without_author_set_is_incomplete(timelines: Timelines, redis: Redis) -> None:
    await build_feed(timelines, ADA, 1)
    await redis.delete("fan_out_on_read")
    await timelines.enable_fan_out_on_read(EVE)
    assert (await read(timelines, ADA)).status is ReadStatus.AUTHOR_SET_MISSING
    await timelines.complete_author_set([BOB])
    assert await redis.smembers("fan_out_on_read") > {str(EVE), str(BOB)}


async def test_posts_are_removed(timelines: Timelines) -> None:
    await build_feed(timelines, ADA, 3, 2, 1)
    await build_feed(timelines, BOB, 2)
    await timelines.remove_posts([ADA, BOB, EVE], posts(2, 7))
    assert (await read_ids(timelines, ADA), await read_ids(timelines, BOB)) == ([3, 1], [])


async def test_missing_redis_raises_unavailable(timelines: Timelines) -> None:
    nowhere = PipelinedRedis("unix:///nowhere/redis.sock", timeout_s=1.0)
    unavailable = Timelines(nowhere, WINDOW, TTL_S, MAX_REVISIONS)
    for call in (
        unavailable.add_post([ADA], PostId(1)),
        read(unavailable, ADA),
        unavailable.begin_feed(ADA),
        unavailable.drop_feeds([ADA]),
        unavailable.enable_fan_out_on_read(ADA),
        unavailable.complete_feed(ADA, 1, posts(1), following(ADA), ReaderMarks(0)),
        unavailable.remove_posts([ADA], posts(1)),
    ):
        with pytest.raises(RedisUnavailable) as caught:
            await call
        assert caught.value.code == "unavailable"
    await nowhere.close()


async def test_feed_from_an_old_snapshot_is_rebuilt(scratch: Path) -> None:
    server = start_valkey(scratch / "set-back")
    client = PipelinedRedis(server.url, timeout_s=2.0)
    timelines = Timelines(client, WINDOW, TTL_S, MAX_REVISIONS)
    await timelines.complete_author_set([])
    await build_feed(timelines, ADA, 1)
    token = await timelines.begin_feed(BOB)
    assert token is not None
    await timelines.record({PostId(1): counts_by(BOB)}, {BOB: 1})
    await client.command("SAVE")
    assert await timelines.add_post([ADA, BOB], PostId(2)) == 2
    server.kill()
    server.start()
    again = PipelinedRedis(server.url, timeout_s=2.0)
    timelines = Timelines(again, WINDOW, TTL_S, MAX_REVISIONS)
    assert await timelines.add_post([ADA, BOB], PostId(3)) == 0
    assert not await timelines.complete_feed(BOB, token, posts(1), following(BOB), ReaderMarks(0))
    assert (await read(timelines, ADA)).status is ReadStatus.MISSING
    await build_feed(timelines, ADA, 3, 2, 1)
    assert (await read(timelines, ADA)).status is ReadStatus.AUTHOR_SET_MISSING
    await timelines.complete_author_set([])
    found = await read(timelines, ADA)
    assert [(entry.post_id, entry.counts) for entry in found.entries] == [(3, None), (2, None), (1, None)]
    await client.close()
    await again.close()
    server.stop()
