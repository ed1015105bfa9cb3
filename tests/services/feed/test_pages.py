"""Tests of the feed, whose pages come from Redis or from SQL."""

import random
from collections.abc import AsyncIterator

import pytest

from server.gateways.redis.pipelined_client import PipelinedRedis
from server.paging import PageRequest
from server.services.feed.pages import Feed
from tests.services.feed.feeds import (
    FEED_JOBS,
    cached_ids,
    count_queries,
    count_round_trips,
    expected_feed,
    follow,
    read_all,
)
from tools.harness.services import WINDOW, ServiceHarness


@pytest.fixture
async def feed_without_redis(harness: ServiceHarness) -> AsyncIterator[Feed]:
    """Return the feed of a process without Redis."""
    nowhere = PipelinedRedis("unix:///nowhere/redis.sock", timeout_s=1.0)
    yield harness.feed_on(nowhere)
    await nowhere.close()


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


async def test_post_added_after_unfollow_is_not_shown(harness: ServiceHarness) -> None:
    # The fan-out read the followers before the unfollow.
    reader, author = await harness.users(2)
    await follow(harness, reader, author)
    await harness.follows.unfollow(reader, author)
    own = await harness.post(reader)
    assert await read_all(harness.feed, reader) == [own]
    await harness.timelines.add_post([reader], await harness.post(author))
    for feed in (harness.feed, harness.feed_on(harness.pipelined_redis)):
        assert await read_all(feed, reader) == [own]


async def test_warm_page_costs_one_round_trip_and_no_query(harness: ServiceHarness) -> None:
    reader, *authors = await harness.users(6)
    await follow(harness, reader, *authors)
    for number in range(2 * WINDOW):
        await harness.post(authors[number % 5])
    await read_all(harness.feed, reader)
    await harness.feed.page(reader, PageRequest(10))
    with count_queries(harness.database) as statements, count_round_trips(harness.pipelined_redis) as calls:
        assert len((await harness.feed.page(reader, PageRequest(10))).items) == 10
    assert (len(statements), len(calls)) == (0, 1)


async def test_page_new_to_process_costs_two_round_trips_and_no_query(
    harness: ServiceHarness,
) -> None:
    reader, author = await harness.users(2)
    await follow(harness, reader, author)
    posts = [await harness.post(author) for _ in range(15)]
    await read_all(harness.feed, reader)
    other_process = harness.feed_on(harness.pipelined_redis)
    with count_queries(harness.database) as statements, count_round_trips(harness.pipelined_redis) as calls:
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
        page = await harness.feed_on(harness.pipelined_redis).page(reader, PageRequest(5))
    assert len(page.items) == 5
    spans = sum("p.author_id IN" in sql for sql in statements)
    assert spans <= 5
    # The author set, followees, hashtags, likes and saves; posts, images, and which authors are followed.
    assert len(statements) - spans == 7


async def test_like_from_before_a_follow_shows_in_the_feed(harness: ServiceHarness) -> None:
    reader, author = await harness.users(2)
    old = await harness.post(author)
    await harness.post(reader)
    await read_all(harness.feed, reader)
    await harness.likes.like(reader, old)
    await follow(harness, reader, author)
    page = await harness.feed.page(reader, PageRequest())
    assert {post.id for post in page.items if post.liked} == {old}
