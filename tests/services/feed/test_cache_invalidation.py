"""Tests of the caches after changes, crashes, and outages."""

import random

import pytest

from server.errors import Unavailable
from server.events import CacheKey
from server.gateways.feed_store.cache_invalidations import InvalidationLog
from server.gateways.feed_store.timeline_reads import PostCounts
from server.gateways.redis.pipelined_client import PipelinedRedis
from server.paging import PageRequest
from server.services.feed.cache_invalidation import CacheInvalidation
from server.services.jobs.unit_of_work import UnitOfWork
from tests.services.feed.feeds import cached_ids, count_queries, expected_feed, follow, read_all
from tools.harness.services import WINDOW, ServiceHarness


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


async def test_like_shows_immediately_in_every_process(harness: ServiceHarness) -> None:
    reader, author = await harness.users(2)
    await follow(harness, reader, author)
    post_id = await harness.post(author)
    feeds = [harness.feed, harness.feed_on(harness.pipelined_redis)]

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
    feeds = [harness.feed, harness.feed_on(harness.pipelined_redis)]
    for feed in feeds:
        await read_all(feed, reader)
    await harness.profiles.edit(author, {"full_name": "Ana the Second"})
    for feed in feeds:
        (post,) = (await feed.page(reader, PageRequest())).items
        assert post.author.full_name == "Ana the Second"


async def test_crash_after_commit_leaves_nothing_stale_for_long(
    harness: ServiceHarness,
) -> None:
    reader, author = await harness.users(2)
    await follow(harness, reader, author)
    post_id = await harness.post(author)
    await read_all(harness.feed, reader)
    dead = InvalidationLog(harness.pipelined_redis)
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
    assert await InvalidationLog(harness.pipelined_redis).expire() == 0, (
        "an entry of a running transaction does not expire"
    )
    for member in await harness.redis.zrange("invalidations", 0, -1):
        await harness.redis.zadd("invalidations", {member: 1})
    assert await InvalidationLog(harness.pipelined_redis).expire() == len(keys)
    (post,) = (await harness.feed.page(reader, PageRequest())).items
    assert (post.likes_count, post.author.full_name) == (7, "New")
    assert await harness.redis.zcard("invalidations") == 0


async def test_change_during_redis_outage_is_invalidated_later(harness: ServiceHarness) -> None:
    author = await harness.user()
    post_id = await harness.post(author)
    await read_all(harness.feed, author)
    nowhere = PipelinedRedis("unix:///nowhere/redis.sock", timeout_s=1.0)
    invalidations = InvalidationLog(nowhere)
    likes = harness.likes_with(
        UnitOfWork(
            harness.database, harness.ids, harness.clock, harness.jobs, harness.notifier.notify,
            CacheInvalidation(harness.timelines_on(nowhere), invalidations),
        )
    )  # fmt: skip
    assert (await likes.like(author, post_id)).likes_count == 1
    with pytest.raises(Unavailable):
        await invalidations.expire()
    await nowhere.close()
    invalidations._redis = harness.pipelined_redis  # Redis is available again
    assert await invalidations.expire() == 2
    (post,) = (await harness.feed.page(author, PageRequest())).items
    assert (post.likes_count, post.liked) == (1, True)


async def test_late_update_is_invalidated(harness: ServiceHarness) -> None:
    # Another process wrote newer values, and these expired together with the entry.
    author = await harness.user()
    post_id = await harness.post(author)
    await read_all(harness.feed, author)
    invalidations = InvalidationLog(harness.pipelined_redis)
    keys = (CacheKey("post", post_id),)
    entries = await invalidations.begin(keys)
    await harness.likes.like(author, post_id)
    for member in await harness.redis.zrange("invalidations", 0, -1):
        await harness.redis.zadd("invalidations", {member: 1})
    await InvalidationLog(harness.pipelined_redis).expire()
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
    invalidations = InvalidationLog(harness.pipelined_redis)
    invalidations.retry_later([CacheKey("post", number) for number in range(5)])
    await invalidations.expire()
    assert await harness.redis.keys("feed:*") == []
    assert not await harness.redis.exists("counts")
