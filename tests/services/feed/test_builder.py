"""Tests of building feeds, likes, and author lists."""

import asyncio

from server.gateways.feed_store.followed_authors import FollowedAuthors
from server.gateways.feed_store.reader_marks import ReaderMarks
from server.ids import UserId
from server.paging import PageRequest
from tests.services.feed.feeds import cached_ids, count_queries, expected_feed, follow, read_all
from tools.harness.services import FEED_TTL_S, WINDOW, ServiceHarness

NO_USER = FollowedAuthors(frozenset(), frozenset())


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


async def test_sql_answers_while_another_process_builds_the_feed(harness: ServiceHarness) -> None:
    reader = await harness.user()
    posts = [await harness.post(reader) for _ in range(30)]
    token = await harness.timelines.begin_feed(reader)
    assert token is not None
    assert await read_all(harness.feed, reader) == posts[::-1]
    late = await harness.post(reader)
    await harness.timelines.complete_feed(reader, token, posts[::-1][:WINDOW], NO_USER, ReaderMarks(0))
    assert await read_all(harness.feed, reader) == [late, *posts[::-1]]


async def test_feed_dropped_during_its_build_is_rebuilt(harness: ServiceHarness) -> None:
    reader, author = await harness.users(2)
    theirs = await harness.post(author)
    token = await harness.timelines.begin_feed(reader)
    assert token is not None
    await follow(harness, reader, author)
    assert not await harness.timelines.complete_feed(reader, token, [], NO_USER, ReaderMarks(0))
    assert await read_all(harness.feed, reader) == [theirs]


async def test_concurrent_reads_build_a_missing_feed_once(harness: ServiceHarness) -> None:
    reader, author = await harness.users(2)
    await follow(harness, reader, author)
    posts = [await harness.post(author) for _ in range(5)]
    with count_queries(harness.database) as statements:
        pages = await asyncio.gather(*(harness.feed.page(reader, PageRequest()) for _ in range(100)))
    assert all([post.id for post in page.items] == posts[::-1] for page in pages)
    assert sum("FROM follows WHERE follower_id = ?" in sql and "IN" not in sql for sql in statements) == 1


async def test_likes_lost_by_redis_are_read_again(harness: ServiceHarness) -> None:
    reader = await harness.user()
    post_id = await harness.post(reader)
    await harness.likes.like(reader, post_id)
    await read_all(harness.feed, reader)
    await harness.redis.delete(f"liked:{reader}")
    for _ in range(2):
        (post,) = (await harness.feed.page(reader, PageRequest())).items
        assert post.liked


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
