"""Tests of the feed, whose pages come from Redis or from SQL."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from server.errors import Unavailable
from server.events import CacheKey
from server.gateways.feed_store.cache_invalidations import InvalidationLog
from server.gateways.feed_store.card_cache import RedisCardCache
from server.gateways.feed_store.timeline_reads import PostCounts
from server.gateways.redis.pipelined_client import PipelinedRedis
from server.ids import PostId, UserId
from server.models.database import Database
from server.paging import PageRequest, decode_cursor
from server.services.content.likes import Likes
from server.services.feed.cache_invalidation import CacheInvalidation
from server.services.feed.pages import Feed
from server.services.jobs.event_jobs import JobKind
from server.services.jobs.jobs import LeaseLost
from server.services.jobs.unit_of_work import UnitOfWork
from tests.support.harness import CELEBRITY_THRESHOLD, FAN_OUT_BATCH, FEED_TTL_S, WINDOW, ServiceHarness

FEED_JOBS = (JobKind.FAN_OUT, JobKind.WITHDRAW)


@pytest.fixture
async def feed_without_redis(harness: ServiceHarness) -> AsyncIterator[Feed]:
    """Return the feed of a process without Redis."""
    nowhere = PipelinedRedis("unix:///nowhere/redis.sock", timeout_s=1.0)
    yield harness.feed_on(nowhere)
    await nowhere.close()


async def read_all(feed: Feed, reader_id: UserId, limit: int = 0) -> list[PostId]:
    """Return the whole feed, page by page; `limit` 0 means a random limit per page."""
    seen: list[PostId] = []
    after = None
    while True:
        size = limit or random.randint(1, 15)
        page = await feed.page(reader_id, PageRequest(size, after))
        seen += [post.id for post in page.items]
        if page.next_cursor is None:
            return seen
        assert len(page.items) == size, "only the last page may be short"
        after = decode_cursor(page.next_cursor)


async def expected_feed(harness: ServiceHarness, reader_id: UserId) -> list[PostId]:
    """Return the expected feed, from one statement."""
    rows = await harness.rows(
        "SELECT p.id FROM posts p WHERE p.author_id = ? OR EXISTS(SELECT 1 FROM follows f WHERE f.follower_id = ?"
        " AND f.followee_id = p.author_id) ORDER BY p.id DESC",
        reader_id,
        reader_id,
    )
    return [row["id"] for row in rows]


async def cached_ids(harness: ServiceHarness, reader_id: UserId) -> list[PostId] | None:
    """Return the ids in Redis, newest first, or None if the feed is not built."""
    members = await harness.redis.zrange(f"feed:{reader_id}", 0, -1, desc=True)
    if not any(member.startswith(b"built:") for member in members):
        return None
    return [PostId(int(member)) for member in members if member.isdigit()]


async def follow(harness: ServiceHarness, reader_id: UserId, *author_ids: UserId) -> None:
    for author_id in author_ids:
        await harness.follows.follow(reader_id, author_id)


async def test_pages_from_redis_and_sql_join(harness: ServiceHarness) -> None:
    reader, *authors = await harness.users(5)
    await follow(harness, reader, *authors[:3])
    for _ in range(3 * WINDOW):
        await harness.post(random.choice([reader, *authors]))
    expected = await expected_feed(harness, reader)
    assert len(expected) > WINDOW
    for _ in range(3):
        assert await read_all(harness.feed, reader) == expected
    for limit in (1, WINDOW - 1, WINDOW, WINDOW + 1, 100):
        assert await read_all(harness.feed, reader, limit) == expected
    assert await cached_ids(harness, reader) == expected[:WINDOW]


async def test_post_is_not_added_to_uncached_feeds(harness: ServiceHarness) -> None:
    reader, author = await harness.users(2)
    await follow(harness, reader, author)
    await harness.post(author)
    await harness.work_off(*FEED_JOBS)
    assert await harness.redis.keys("feed:*") == []


async def test_deleted_post_is_not_shown(harness: ServiceHarness) -> None:
    reader = await harness.user()
    posts = [await harness.post(reader) for _ in range(10)]
    await read_all(harness.feed, reader)
    for post_id in posts[::2]:
        await harness.delete(post_id)
    page = await harness.feed.page(reader, PageRequest(5))
    assert [post.id for post in page.items] == posts[1::2][::-1]
    assert await cached_ids(harness, reader) == posts[::-1]
    await harness.work_off(*FEED_JOBS)
    assert await cached_ids(harness, reader) == posts[1::2][::-1]


async def test_missing_post_is_removed_from_the_cached_feed(harness: ServiceHarness) -> None:
    reader = await harness.user()
    posts = [await harness.post(reader) for _ in range(10)]
    await read_all(harness.feed, reader)
    for post_id in posts[::2]:
        await harness.database.execute("DELETE FROM posts WHERE id = ?", [post_id])
    await harness.redis.delete("counts")
    page = await harness.feed.page(reader, PageRequest(9))
    assert [post.id for post in page.items] == posts[1::2][::-1]
    assert await cached_ids(harness, reader) == posts[1::2][::-1]


async def test_post_of_unfollowed_author_in_cached_feed_is_hidden(harness: ServiceHarness) -> None:
    reader, stranger = await harness.users(2)
    own = await harness.post(reader)
    await read_all(harness.feed, reader)
    for _ in range(WINDOW // 2):
        await harness.timelines.add_post([reader], await harness.post(stranger))
    assert await read_all(harness.feed, reader, 1) == [own]


async def test_dropped_feed_is_rebuilt(harness: ServiceHarness) -> None:
    reader, author = await harness.users(2)
    await follow(harness, reader, author)
    posts = [await harness.post(author) for _ in range(5)]
    assert await cached_ids(harness, reader) is None
    assert await read_all(harness.feed, reader) == posts[::-1]
    await harness.redis.delete(f"feed:{reader}")
    assert await read_all(harness.feed, reader) == posts[::-1]
    assert await cached_ids(harness, reader) == posts[::-1]
    assert 0 < await harness.redis.ttl(f"feed:{reader}") <= FEED_TTL_S


async def test_feed_without_redis_comes_from_sql(harness: ServiceHarness, feed_without_redis: Feed) -> None:
    reader, author = await harness.users(2)
    await follow(harness, reader, author)
    for _ in range(30):
        await harness.post(random.choice([reader, author]))
    assert await read_all(feed_without_redis, reader) == await expected_feed(harness, reader)


async def test_feed_without_posts_is_empty(harness: ServiceHarness) -> None:
    reader, stranger = await harness.users(2)
    await harness.post(stranger)
    for _ in range(2):
        assert await read_all(harness.feed, reader) == []


async def test_page_shows_likes_of_the_reader(harness: ServiceHarness) -> None:
    reader, author = await harness.users(2)
    await follow(harness, reader, author)
    liked, other = await harness.post(author), await harness.post(author)
    await harness.likes.like(reader, liked)
    page = await harness.feed.page(reader, PageRequest())
    assert {post.id: (post.liked, post.likes_count) for post in page.items} == {
        liked: (True, 1),
        other: (False, 0),
    }


@contextmanager
def count_queries(database: Database) -> Iterator[list[str]]:
    """Record the statements sent to the database."""
    statements: list[str] = []
    rows, execute = database.rows, database.execute

    async def counted_rows(sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        statements.append(sql)
        return await rows(sql, parameters)

    async def counted_execute(sql: str, parameters: Sequence[Any] = ()) -> int:
        statements.append(sql)
        return await execute(sql, parameters)

    database.rows, database.execute = counted_rows, counted_execute  # type: ignore[method-assign]
    try:
        yield statements
    finally:
        del database.rows, database.execute


@contextmanager
def count_round_trips(wire: PipelinedRedis) -> Iterator[list[str]]:
    """Record the round trips to Redis."""
    calls: list[str] = []
    names = ("command", "commands", "run", "batch")

    def count_queries(name: str) -> Callable[..., Any]:
        original = getattr(wire, name)

        async def call(*arguments: Any, **options: Any) -> Any:
            calls.append(name)
            return await original(*arguments, **options)

        return call

    for name in names:
        setattr(wire, name, count_queries(name))
    try:
        yield calls
    finally:
        for name in names:
            delattr(wire, name)


async def has_post(harness: ServiceHarness, readers: list[UserId], post_id: PostId) -> list[bool]:
    return [post_id in (await cached_ids(harness, reader) or []) for reader in readers]


async def test_interrupted_fan_out_resumes(harness: ServiceHarness) -> None:
    author, *readers = await harness.users(1 + 3 * FAN_OUT_BATCH)
    for reader in readers:
        await follow(harness, reader, author)
        await read_all(harness.feed, reader)
    post_id = await harness.post(author)
    claim = await harness.claim(JobKind.FAN_OUT)
    await harness.jobs.save_progress(claim, {"after": readers[FAN_OUT_BATCH - 1]})
    await harness.expire_leases()
    await harness.jobs.reclaim()
    await harness.fan_out.publish(await harness.claim(JobKind.FAN_OUT))
    done = [False] * FAN_OUT_BATCH + [True] * 2 * FAN_OUT_BATCH
    assert await has_post(harness, readers, post_id) == done


async def test_fan_out_reaches_every_follower(harness: ServiceHarness) -> None:
    author, *readers = await harness.users(2 + 2 * FAN_OUT_BATCH)
    for reader in readers:
        await follow(harness, reader, author)
        await read_all(harness.feed, reader)
    post_id = await harness.post(author)
    await harness.work_off(JobKind.FAN_OUT)
    assert all(await has_post(harness, readers, post_id))


async def test_fan_out_is_idempotent(harness: ServiceHarness) -> None:
    author, *readers = await harness.users(2 + FAN_OUT_BATCH)
    for reader in readers:
        await follow(harness, reader, author)
        await read_all(harness.feed, reader)
    post_id = await harness.post(author)
    slow = await harness.claim(JobKind.FAN_OUT)
    await harness.expire_leases()
    await harness.jobs.reclaim()
    await harness.fan_out.publish(await harness.claim(JobKind.FAN_OUT))
    with pytest.raises(LeaseLost):
        await harness.fan_out.publish(slow)
    for reader in readers:
        assert await cached_ids(harness, reader) == [post_id]


async def test_fan_out_of_deleted_post_adds_nothing(harness: ServiceHarness) -> None:
    author, reader = await harness.users(2)
    await follow(harness, reader, author)
    await read_all(harness.feed, reader)
    post_id = await harness.post(author)
    await harness.delete(post_id)
    await harness.work_off(JobKind.FAN_OUT)
    assert await cached_ids(harness, reader) == []
    assert await harness.due(JobKind.FAN_OUT) == []


async def test_new_post_is_added_on_top(harness: ServiceHarness) -> None:
    reader, author = await harness.users(2)
    await follow(harness, reader, author)
    old = await harness.post(author)
    assert await read_all(harness.feed, reader) == [old]
    new = await harness.post(author)
    assert await cached_ids(harness, reader) == [old]
    await harness.work_off(*FEED_JOBS)
    assert await cached_ids(harness, reader) == [new, old]
    assert await read_all(harness.feed, reader) == [new, old]


async def test_own_post_is_in_own_feed_immediately(harness: ServiceHarness) -> None:
    author = await harness.user()
    assert await read_all(harness.feed, author) == []
    own = await harness.post(author)
    assert await read_all(harness.feed, author) == [own]


async def test_follow_adds_posts_immediately(harness: ServiceHarness) -> None:
    reader, author = await harness.users(2)
    posts = [await harness.post(random.choice([reader, author])) for _ in range(2 * WINDOW)]
    await read_all(harness.feed, reader)
    await follow(harness, reader, author)
    assert await read_all(harness.feed, reader) == posts[::-1]
    assert await cached_ids(harness, reader) == posts[::-1][:WINDOW]


async def test_unfollow_removes_posts_immediately(
    harness: ServiceHarness,
) -> None:
    reader, friend, other = await harness.users(3)
    await follow(harness, reader, friend, other)
    theirs = [await harness.post(random.choice([friend, other])) for _ in range(3 * WINDOW)]
    assert await read_all(harness.feed, reader) == theirs[::-1]
    await harness.follows.unfollow(reader, other)
    assert await read_all(harness.feed, reader) == await expected_feed(harness, reader)


async def test_post_added_after_unfollow_is_not_shown(harness: ServiceHarness) -> None:
    # The fan-out read the followers before the unfollow.
    reader, author = await harness.users(2)
    await follow(harness, reader, author)
    await harness.follows.unfollow(reader, author)
    own = await harness.post(reader)
    assert await read_all(harness.feed, reader) == [own]
    await harness.timelines.add_post([reader], await harness.post(author))
    for feed in (harness.feed, harness.feed_on(harness.wire)):
        assert await read_all(feed, reader) == [own]


async def test_sql_answers_while_another_process_builds_the_feed(harness: ServiceHarness) -> None:
    reader = await harness.user()
    posts = [await harness.post(reader) for _ in range(30)]
    token = await harness.timelines.begin_feed(reader)
    assert token is not None
    assert await read_all(harness.feed, reader) == posts[::-1]
    late = await harness.post(reader)
    await harness.timelines.complete_feed(reader, token, posts[::-1][:WINDOW], [], (0, []))
    assert await read_all(harness.feed, reader) == [late, *posts[::-1]]


async def test_feed_dropped_during_its_build_is_rebuilt(harness: ServiceHarness) -> None:
    reader, author = await harness.users(2)
    theirs = await harness.post(author)
    token = await harness.timelines.begin_feed(reader)
    assert token is not None
    await follow(harness, reader, author)
    assert not await harness.timelines.complete_feed(reader, token, [], [], (0, []))
    assert await read_all(harness.feed, reader) == [theirs]


async def test_concurrent_reads_build_a_missing_feed_once(harness: ServiceHarness) -> None:
    reader, author = await harness.users(2)
    await follow(harness, reader, author)
    posts = [await harness.post(author) for _ in range(5)]
    with count_queries(harness.database) as statements:
        pages = await asyncio.gather(*(harness.feed.page(reader, PageRequest()) for _ in range(100)))
    assert all([post.id for post in page.items] == posts[::-1] for page in pages)
    assert sum("FROM follows WHERE follower_id = ?" in sql and "IN" not in sql for sql in statements) == 1


async def test_warm_page_costs_one_round_trip_and_no_query(harness: ServiceHarness) -> None:
    reader, *authors = await harness.users(6)
    await follow(harness, reader, *authors)
    for number in range(2 * WINDOW):
        await harness.post(authors[number % 5])
    await read_all(harness.feed, reader)
    await harness.feed.page(reader, PageRequest(10))
    with count_queries(harness.database) as statements, count_round_trips(harness.wire) as calls:
        assert len((await harness.feed.page(reader, PageRequest(10))).items) == 10
    assert (len(statements), len(calls)) == (0, 1)


async def test_page_new_to_process_costs_two_round_trips_and_no_query(
    harness: ServiceHarness,
) -> None:
    reader, author = await harness.users(2)
    await follow(harness, reader, author)
    posts = [await harness.post(author) for _ in range(15)]
    await read_all(harness.feed, reader)
    other_process = harness.feed_on(harness.wire)
    with count_queries(harness.database) as statements, count_round_trips(harness.wire) as calls:
        page = await other_process.page(reader, PageRequest(10))
    assert [post.id for post in page.items] == posts[::-1][:10]
    assert (len(statements), len(calls)) == (0, 2)


@pytest.mark.parametrize("posts", [5, 2 * WINDOW])
async def test_cold_page_costs_a_fixed_number_of_queries(harness: ServiceHarness, posts: int) -> None:
    reader, *authors = await harness.users(12)
    await follow(harness, reader, *authors)
    for number in range(posts):
        await harness.post(authors[number % len(authors)])
    await harness.redis.flushall()
    with count_queries(harness.database) as statements:
        page = await harness.feed_on(harness.wire).page(reader, PageRequest(5))
    assert len(page.items) == 5
    spans = sum("p.author_id IN" in sql for sql in statements)
    assert spans <= 5
    # The author set, followees, likes; posts, images, and which authors are followed.
    assert len(statements) - spans == 6


async def test_like_shows_immediately_in_every_process(harness: ServiceHarness) -> None:
    reader, author = await harness.users(2)
    await follow(harness, reader, author)
    post_id = await harness.post(author)
    feeds = [harness.feed, harness.feed_on(harness.wire)]

    async def shown() -> set[tuple[bool, int]]:
        pages = [await feed.page(reader, PageRequest()) for feed in feeds]
        return {(post.liked, post.likes_count) for page in pages for post in page.items}

    assert await shown() == {(False, 0)}
    for _ in range(2):
        await harness.likes.like(reader, post_id)
        with count_queries(harness.database) as statements:
            assert await shown() == {(True, 1)}
        await harness.likes.unlike(reader, post_id)
        with count_queries(harness.database) as statements:
            assert await shown() == {(False, 0)}
        assert statements == []


async def test_comment_shows_immediately(harness: ServiceHarness) -> None:
    author = await harness.user()
    post_id = await harness.post(author)
    await read_all(harness.feed, author)
    await harness.comments.add(author, post_id, "here", None)
    (post,) = (await harness.feed.page(author, PageRequest())).items
    assert post.comments_count == 1


async def test_new_name_shows_immediately(harness: ServiceHarness) -> None:
    reader, author = await harness.users(2)
    await follow(harness, reader, author)
    await harness.post(author)
    feeds = [harness.feed, harness.feed_on(harness.wire)]
    for feed in feeds:
        await read_all(feed, reader)
    await harness.profiles.edit(author, {"full_name": "Ana the Second"})
    for feed in feeds:
        (post,) = (await feed.page(reader, PageRequest())).items
        assert post.author.full_name == "Ana the Second"


async def test_like_from_before_a_follow_shows_in_the_feed(harness: ServiceHarness) -> None:
    reader, author = await harness.users(2)
    old = await harness.post(author)
    await harness.post(reader)
    await read_all(harness.feed, reader)
    await harness.likes.like(reader, old)
    await follow(harness, reader, author)
    page = await harness.feed.page(reader, PageRequest())
    assert {post.id for post in page.items if post.liked} == {old}


async def test_likes_lost_by_redis_are_read_again(harness: ServiceHarness) -> None:
    reader = await harness.user()
    post_id = await harness.post(reader)
    await harness.likes.like(reader, post_id)
    await read_all(harness.feed, reader)
    await harness.redis.delete(f"liked:{reader}")
    for _ in range(2):
        (post,) = (await harness.feed.page(reader, PageRequest())).items
        assert post.liked


async def test_crash_after_commit_leaves_nothing_stale_for_long(
    harness: ServiceHarness,
) -> None:
    reader, author = await harness.users(2)
    await follow(harness, reader, author)
    post_id = await harness.post(author)
    await read_all(harness.feed, reader)
    dead = InvalidationLog(harness.wire)
    keys = (
        CacheKey("post", post_id),
        CacheKey("likes", reader),
        CacheKey("feed", reader),
        CacheKey("person", author),
    )
    await dead.begin(keys)
    # It commits and crashes.
    await harness.database.execute("UPDATE posts SET likes_count = 7, revision = 9 WHERE id = ?", [post_id])
    await harness.database.execute("UPDATE users SET full_name = 'New', revision = 9 WHERE id = ?", [author])
    (stale,) = (await harness.feed.page(reader, PageRequest())).items
    assert stale.likes_count == 0
    assert await InvalidationLog(harness.wire).expire() == 0, (
        "an entry of a running transaction does not expire"
    )
    for member in await harness.redis.zrange("invalidations", 0, -1):
        await harness.redis.zadd("invalidations", {member: 1})
    assert await InvalidationLog(harness.wire).expire() == len(keys)
    (post,) = (await harness.feed.page(reader, PageRequest())).items
    assert (post.likes_count, post.author.full_name) == (7, "New")
    assert await harness.redis.zcard("invalidations") == 0


async def test_change_during_redis_outage_is_invalidated_later(
    harness: ServiceHarness, feed_without_redis: Feed
) -> None:
    author = await harness.user()
    post_id = await harness.post(author)
    await read_all(harness.feed, author)
    nowhere = PipelinedRedis("unix:///nowhere/redis.sock", timeout_s=1.0)
    invalidations = InvalidationLog(nowhere)
    likes = Likes(
        harness.database,
        UnitOfWork(
            harness.database, harness.ids, harness.clock, harness.jobs, harness.rings,
            CacheInvalidation(harness.timelines_on(nowhere), invalidations),
        ),
        harness.cards,
        harness.visibility,
    )  # fmt: skip
    assert (await likes.like(author, post_id)).likes_count == 1
    with pytest.raises(Unavailable):
        await invalidations.expire()
    await nowhere.close()
    invalidations._redis = harness.wire  # Redis is available again
    assert await invalidations.expire() == 2
    (post,) = (await harness.feed.page(author, PageRequest())).items
    assert (post.likes_count, post.liked) == (1, True)


async def add_readers(harness: ServiceHarness, author: UserId, count: int) -> list[UserId]:
    readers = await harness.users(count)
    for reader in readers:
        await follow(harness, reader, author)
        await read_all(harness.feed, reader)
    return readers


async def test_many_followers_switch_author_to_fan_out_on_read(harness: ServiceHarness) -> None:
    author = await harness.user()
    readers = await add_readers(harness, author, CELEBRITY_THRESHOLD)
    before = await harness.post(author)
    await harness.work_off(*FEED_JOBS)
    assert await has_post(harness, readers, before) == [False] * len(readers)
    for reader in readers:
        own = await harness.post(reader)
        assert await read_all(harness.feed, reader, 1) == [own, before]
    after = await harness.post(author)
    await harness.work_off(*FEED_JOBS)
    assert await read_all(harness.feed, readers[0]) == await expected_feed(harness, readers[0])
    with count_queries(harness.database) as statements:
        assert (await harness.feed.page(readers[0], PageRequest(1))).items[0].id == after
    assert statements == []


async def test_celebrity_with_few_followers_uses_fan_out_on_read(harness: ServiceHarness) -> None:
    author = await harness.user()
    readers = await add_readers(harness, author, 2)
    await harness.database.execute("UPDATE users SET role = 'celebrity' WHERE id = ?", [author])
    post_id = await harness.post(author)
    await harness.work_off(*FEED_JOBS)
    assert await has_post(harness, readers, post_id) == [False, False]
    assert await read_all(harness.feed, readers[0]) == [post_id]


async def test_losing_followers_switches_back_to_fan_out_on_write(harness: ServiceHarness) -> None:
    author = await harness.user()
    readers = await add_readers(harness, author, CELEBRITY_THRESHOLD)
    for _ in range(3):
        await harness.post(author)
    await harness.work_off(*FEED_JOBS)
    for reader in readers[2:]:
        await harness.follows.unfollow(reader, author)
    last = await harness.post(author)
    assert await read_all(harness.feed, readers[0]) == await expected_feed(harness, readers[0])
    await harness.work_off(*FEED_JOBS)
    assert await harness.value("SELECT fan_out_on_read FROM users WHERE id = ?", author) == 0
    assert not await harness.redis.sismember("fan_out_on_read", str(author))
    for reader in readers:
        assert await read_all(harness.feed, reader) == await expected_feed(harness, reader)
    new = await harness.post(author)
    await harness.work_off(*FEED_JOBS)
    assert await has_post(harness, readers[:2], new) == [True, True]
    assert last in (await cached_ids(harness, readers[0]) or [])


async def test_author_set_may_have_thousands_of_members(harness: ServiceHarness) -> None:
    reader = await harness.user()
    own = await harness.post(reader)
    await harness.timelines.complete_author_set([UserId(10**9 + number) for number in range(9000)])
    assert await read_all(harness.feed, reader) == [own]


async def test_posts_of_many_fan_out_on_read_authors_are_merged(harness: ServiceHarness) -> None:
    reader, *authors = await harness.users(41)
    await follow(harness, reader, *authors)
    for number in range(3 * len(authors)):
        await harness.post(authors[number % len(authors)])
    for author in authors:
        await harness.database.execute("UPDATE users SET fan_out_on_read = 1 WHERE id = ?", [author])
    expected = await expected_feed(harness, reader)
    for _ in range(4):  # the lists are built in batches; until then SQL answers
        assert await read_all(harness.feed, reader) == expected
    with count_queries(harness.database) as statements:
        page = await harness.feed.page(reader, PageRequest(5))
    assert [post.id for post in page.items] == expected[:5]
    assert statements == []


async def test_card_cache_adapts_to_a_smaller_limit(harness: ServiceHarness) -> None:
    large, small = RedisCardCache(harness.wire, 5000), RedisCardCache(harness.wire, 10)
    await large.put(dict.fromkeys(range(3000), b"[]"), {})
    await small.put({1: b"[]"}, {})
    assert await harness.redis.hlen("cards:posts") < 3000


async def test_late_update_is_invalidated(harness: ServiceHarness) -> None:
    # Another process wrote newer values, and these expired together with the entry.
    author = await harness.user()
    post_id = await harness.post(author)
    await read_all(harness.feed, author)
    invalidations = InvalidationLog(harness.wire)
    keys = (CacheKey("post", post_id),)
    entries = await invalidations.begin(keys)
    await harness.likes.like(author, post_id)
    for member in await harness.redis.zrange("invalidations", 0, -1):
        await harness.redis.zadd("invalidations", {member: 1})
    await InvalidationLog(harness.wire).expire()
    old = harness.timelines.record_counts_call(post_id, PostCounts(0, author, 0, 0, None))
    await invalidations.commit(entries, keys, [old])
    await invalidations.expire()
    (post,) = (await harness.feed.page(author, PageRequest())).items
    assert post.likes_count == 1


async def test_too_many_pending_keys_drop_everything(
    harness: ServiceHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.gateways.feed_store.cache_invalidations.MAX_PENDING", 3)
    reader = await harness.user()
    await harness.post(reader)
    await read_all(harness.feed, reader)
    invalidations = InvalidationLog(harness.wire)
    invalidations.retry_later([CacheKey("post", number) for number in range(5)])
    await invalidations.expire()
    assert await harness.redis.keys("feed:*") == []
    assert not await harness.redis.exists("counts")


async def test_interrupted_switch_to_fan_out_on_write_resumes(harness: ServiceHarness) -> None:
    author = await harness.user()
    readers = await add_readers(harness, author, CELEBRITY_THRESHOLD)
    await harness.post(author)
    await harness.work_off(*FEED_JOBS)
    for reader in readers[2:]:
        await harness.follows.unfollow(reader, author)
    await harness.post(author)
    claim = await harness.claim(JobKind.FAN_OUT)
    await harness.jobs.save_progress(claim, {"again": True})
    await harness.database.execute(
        "UPDATE users SET fan_out_on_read = 0 WHERE id = ?", [author]
    )  # the process was killed here
    await harness.expire_leases()
    await harness.jobs.reclaim()
    await harness.fan_out.publish(await harness.claim(JobKind.FAN_OUT))
    assert not await harness.redis.sismember("fan_out_on_read", str(author))
    for reader in readers[:2]:
        assert await read_all(harness.feed, reader) == await expected_feed(harness, reader)
