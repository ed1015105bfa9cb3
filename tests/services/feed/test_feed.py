"""The feed: one list, whether a page comes from the window in Redis or from SQL."""

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
from server.gateways.feed_store.timelines import Counts
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
async def away(harness: ServiceHarness) -> AsyncIterator[Feed]:
    """The feed of a process whose Redis does not answer."""
    nowhere = PipelinedRedis("unix:///nowhere/redis.sock", timeout_s=1.0)
    yield harness.feed_on(nowhere)
    await nowhere.close()


async def read(feed: Feed, reader_id: UserId, limit: int = 0) -> list[PostId]:
    """The whole feed, page by page; `limit` 0 takes another one for each page."""
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


async def by_sql(harness: ServiceHarness, reader_id: UserId) -> list[PostId]:
    """What the feed is to be, in one statement."""
    rows = await harness.rows(
        "SELECT p.id FROM posts p WHERE p.author_id = ? OR EXISTS(SELECT 1 FROM follows f WHERE f.follower_id = ?"
        " AND f.followee_id = p.author_id) ORDER BY p.id DESC",
        reader_id,
        reader_id,
    )
    return [row["id"] for row in rows]


async def window_of(harness: ServiceHarness, reader_id: UserId) -> list[PostId] | None:
    """The ids in Redis, newest first, whatever they are worth; None without a feed that is built."""
    members = await harness.redis.zrange(f"feed:{reader_id}", 0, -1, desc=True)
    if not any(member.startswith(b"built:") for member in members):
        return None
    return [PostId(int(member)) for member in members if member.isdigit()]


async def following(harness: ServiceHarness, reader_id: UserId, *author_ids: UserId) -> None:
    for author_id in author_ids:
        await harness.follows.follow(reader_id, author_id)


async def test_pages_from_the_window_and_from_sql_make_one_list(harness: ServiceHarness) -> None:
    reader, *authors = await harness.users(5)
    await following(harness, reader, *authors[:3])
    for _ in range(3 * WINDOW):
        await harness.post(random.choice([reader, *authors]))
    expected = await by_sql(harness, reader)
    assert len(expected) > WINDOW
    for _ in range(3):
        assert await read(harness.feed, reader) == expected
    for limit in (1, WINDOW - 1, WINDOW, WINDOW + 1, 100):
        assert await read(harness.feed, reader, limit) == expected
    assert await window_of(harness, reader) == expected[:WINDOW]


async def test_a_post_is_pushed_to_nobody_who_does_not_read(harness: ServiceHarness) -> None:
    reader, author = await harness.users(2)
    await following(harness, reader, author)
    await harness.post(author)
    await harness.work_off(*FEED_JOBS)
    assert await harness.redis.keys("feed:*") == []


async def test_a_post_that_is_gone_is_not_shown(harness: ServiceHarness) -> None:
    reader = await harness.user()
    posts = [await harness.post(reader) for _ in range(10)]
    await read(harness.feed, reader)
    for post_id in posts[::2]:
        await harness.delete(post_id)
    page = await harness.feed.page(reader, PageRequest(5))
    assert [post.id for post in page.items] == posts[1::2][::-1]
    assert await window_of(harness, reader) == posts[::-1]
    await harness.work_off(*FEED_JOBS)
    assert await window_of(harness, reader) == posts[1::2][::-1]


async def test_a_post_that_went_unnoticed_is_found_out_once(harness: ServiceHarness) -> None:
    reader = await harness.user()
    posts = [await harness.post(reader) for _ in range(10)]
    await read(harness.feed, reader)
    for post_id in posts[::2]:
        await harness.database.execute("DELETE FROM posts WHERE id = ?", [post_id])
    await harness.redis.delete("counts")
    page = await harness.feed.page(reader, PageRequest(9))
    assert [post.id for post in page.items] == posts[1::2][::-1]
    assert await window_of(harness, reader) == posts[1::2][::-1]


async def test_a_stranger_s_post_in_the_window_is_not_shown(harness: ServiceHarness) -> None:
    reader, stranger = await harness.users(2)
    own = await harness.post(reader)
    await read(harness.feed, reader)
    for _ in range(WINDOW // 2):
        await harness.timelines.push([reader], await harness.post(stranger))
    assert await read(harness.feed, reader, 1) == [own]


async def test_a_feed_that_was_dropped_is_built_again(harness: ServiceHarness) -> None:
    reader, author = await harness.users(2)
    await following(harness, reader, author)
    posts = [await harness.post(author) for _ in range(5)]
    assert await window_of(harness, reader) is None
    assert await read(harness.feed, reader) == posts[::-1]
    await harness.redis.delete(f"feed:{reader}")
    assert await read(harness.feed, reader) == posts[::-1]
    assert await window_of(harness, reader) == posts[::-1]
    assert 0 < await harness.redis.ttl(f"feed:{reader}") <= FEED_TTL_S


async def test_without_redis_sql_answers(harness: ServiceHarness, away: Feed) -> None:
    reader, author = await harness.users(2)
    await following(harness, reader, author)
    for _ in range(30):
        await harness.post(random.choice([reader, author]))
    assert await read(away, reader) == await by_sql(harness, reader)


async def test_an_empty_feed_is_empty(harness: ServiceHarness) -> None:
    reader, stranger = await harness.users(2)
    await harness.post(stranger)
    for _ in range(2):
        assert await read(harness.feed, reader) == []


async def test_a_page_shows_what_the_reader_likes(harness: ServiceHarness) -> None:
    reader, author = await harness.users(2)
    await following(harness, reader, author)
    liked, other = await harness.post(author), await harness.post(author)
    await harness.likes.like(reader, liked)
    page = await harness.feed.page(reader, PageRequest())
    assert {post.id: (post.liked, post.likes_count) for post in page.items} == {
        liked: (True, 1),
        other: (False, 0),
    }


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    """The statements that are sent to the database meanwhile."""
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
def counted_calls(wire: PipelinedRedis) -> Iterator[list[str]]:
    """The round trips to Redis meanwhile."""
    calls: list[str] = []
    names = ("command", "commands", "run", "batch")

    def counted(name: str) -> Callable[..., Any]:
        original = getattr(wire, name)

        async def call(*arguments: Any, **options: Any) -> Any:
            calls.append(name)
            return await original(*arguments, **options)

        return call

    for name in names:
        setattr(wire, name, counted(name))
    try:
        yield calls
    finally:
        for name in names:
            delattr(wire, name)


async def pushed_to(harness: ServiceHarness, readers: list[UserId], post_id: PostId) -> list[bool]:
    return [post_id in (await window_of(harness, reader) or []) for reader in readers]


async def test_fan_out_goes_on_where_it_stopped(harness: ServiceHarness) -> None:
    author, *readers = await harness.users(1 + 3 * FAN_OUT_BATCH)
    for reader in readers:
        await following(harness, reader, author)
        await read(harness.feed, reader)
    post_id = await harness.post(author)
    claim = await harness.claim(JobKind.FAN_OUT)
    await harness.jobs.save_progress(claim, {"after": readers[FAN_OUT_BATCH - 1]})
    await harness.expire_leases()
    await harness.jobs.reclaim()
    await harness.fan_out.publish(await harness.claim(JobKind.FAN_OUT))
    done = [False] * FAN_OUT_BATCH + [True] * 2 * FAN_OUT_BATCH
    assert await pushed_to(harness, readers, post_id) == done


async def test_fan_out_reaches_every_follower(harness: ServiceHarness) -> None:
    author, *readers = await harness.users(2 + 2 * FAN_OUT_BATCH)
    for reader in readers:
        await following(harness, reader, author)
        await read(harness.feed, reader)
    post_id = await harness.post(author)
    await harness.work_off(JobKind.FAN_OUT)
    assert all(await pushed_to(harness, readers, post_id))


async def test_fan_out_twice_is_once(harness: ServiceHarness) -> None:
    author, *readers = await harness.users(2 + FAN_OUT_BATCH)
    for reader in readers:
        await following(harness, reader, author)
        await read(harness.feed, reader)
    post_id = await harness.post(author)
    slow = await harness.claim(JobKind.FAN_OUT)
    await harness.expire_leases()
    await harness.jobs.reclaim()
    await harness.fan_out.publish(await harness.claim(JobKind.FAN_OUT))
    with pytest.raises(LeaseLost):
        await harness.fan_out.publish(slow)
    for reader in readers:
        assert await window_of(harness, reader) == [post_id]


async def test_fan_out_of_a_post_that_is_gone_pushes_nothing(harness: ServiceHarness) -> None:
    author, reader = await harness.users(2)
    await following(harness, reader, author)
    await read(harness.feed, reader)
    post_id = await harness.post(author)
    await harness.delete(post_id)
    await harness.work_off(JobKind.FAN_OUT)
    assert await window_of(harness, reader) == []
    assert await harness.due(JobKind.FAN_OUT) == []


async def test_a_new_post_is_pushed_on_top(harness: ServiceHarness) -> None:
    reader, author = await harness.users(2)
    await following(harness, reader, author)
    old = await harness.post(author)
    assert await read(harness.feed, reader) == [old]
    new = await harness.post(author)
    assert await window_of(harness, reader) == [old]
    await harness.work_off(*FEED_JOBS)
    assert await window_of(harness, reader) == [new, old]
    assert await read(harness.feed, reader) == [new, old]


async def test_one_s_own_post_is_in_one_s_feed_at_once(harness: ServiceHarness) -> None:
    author = await harness.user()
    assert await read(harness.feed, author) == []
    own = await harness.post(author)
    assert await read(harness.feed, author) == [own]


async def test_a_follow_brings_the_followee_s_posts_at_once(harness: ServiceHarness) -> None:
    reader, author = await harness.users(2)
    posts = [await harness.post(random.choice([reader, author])) for _ in range(2 * WINDOW)]
    await read(harness.feed, reader)
    await following(harness, reader, author)
    assert await read(harness.feed, reader) == posts[::-1]
    assert await window_of(harness, reader) == posts[::-1][:WINDOW]


async def test_an_unfollow_takes_the_posts_out_at_once_and_the_page_is_filled(
    harness: ServiceHarness,
) -> None:
    reader, friend, other = await harness.users(3)
    await following(harness, reader, friend, other)
    theirs = [await harness.post(random.choice([friend, other])) for _ in range(3 * WINDOW)]
    assert await read(harness.feed, reader) == theirs[::-1]
    await harness.follows.unfollow(reader, other)
    assert await read(harness.feed, reader) == await by_sql(harness, reader)


async def test_a_post_pushed_after_an_unfollow_is_not_shown(harness: ServiceHarness) -> None:
    """The fan-out had read the followers before."""
    reader, author = await harness.users(2)
    await following(harness, reader, author)
    await harness.follows.unfollow(reader, author)
    own = await harness.post(reader)
    assert await read(harness.feed, reader) == [own]
    await harness.timelines.push([reader], await harness.post(author))
    for feed in (harness.feed, harness.feed_on(harness.wire)):
        assert await read(feed, reader) == [own]


async def test_while_a_feed_is_built_by_another_process_sql_answers(harness: ServiceHarness) -> None:
    reader = await harness.user()
    posts = [await harness.post(reader) for _ in range(30)]
    token = await harness.timelines.open_feed(reader)
    assert token is not None
    assert await read(harness.feed, reader) == posts[::-1]
    late = await harness.post(reader)
    await harness.timelines.fill_feed(reader, token, posts[::-1][:WINDOW], [], (0, []))
    assert await read(harness.feed, reader) == [late, *posts[::-1]]


async def test_a_feed_that_was_reset_while_it_was_built_is_built_again(harness: ServiceHarness) -> None:
    reader, author = await harness.users(2)
    theirs = await harness.post(author)
    token = await harness.timelines.open_feed(reader)
    assert token is not None
    await following(harness, reader, author)
    assert not await harness.timelines.fill_feed(reader, token, [], [], (0, []))
    assert await read(harness.feed, reader) == [theirs]


async def test_a_hundred_readers_of_a_missing_feed_build_it_once(harness: ServiceHarness) -> None:
    reader, author = await harness.users(2)
    await following(harness, reader, author)
    posts = [await harness.post(author) for _ in range(5)]
    with counted(harness.database) as statements:
        pages = await asyncio.gather(*(harness.feed.page(reader, PageRequest()) for _ in range(100)))
    assert all([post.id for post in page.items] == posts[::-1] for page in pages)
    assert sum("FROM follows WHERE follower_id = ?" in sql and "IN" not in sql for sql in statements) == 1


async def test_a_warm_page_is_one_round_trip_and_no_query(harness: ServiceHarness) -> None:
    reader, *authors = await harness.users(6)
    await following(harness, reader, *authors)
    for number in range(2 * WINDOW):
        await harness.post(authors[number % 5])
    await read(harness.feed, reader)
    await harness.feed.page(reader, PageRequest(10))
    with counted(harness.database) as statements, counted_calls(harness.wire) as calls:
        assert len((await harness.feed.page(reader, PageRequest(10))).items) == 10
    assert (len(statements), len(calls)) == (0, 1)


async def test_a_page_that_this_process_has_not_shown_costs_two_round_trips_and_no_query(
    harness: ServiceHarness,
) -> None:
    reader, author = await harness.users(2)
    await following(harness, reader, author)
    posts = [await harness.post(author) for _ in range(15)]
    await read(harness.feed, reader)
    other_process = harness.feed_on(harness.wire)
    with counted(harness.database) as statements, counted_calls(harness.wire) as calls:
        page = await other_process.page(reader, PageRequest(10))
    assert [post.id for post in page.items] == posts[::-1][:10]
    assert (len(statements), len(calls)) == (0, 2)


@pytest.mark.parametrize("posts", [5, 2 * WINDOW])
async def test_a_cold_page_is_a_fixed_number_of_queries(harness: ServiceHarness, posts: int) -> None:
    reader, *authors = await harness.users(12)
    await following(harness, reader, *authors)
    for number in range(posts):
        await harness.post(authors[number % len(authors)])
    await harness.redis.flushall()
    with counted(harness.database) as statements:
        page = await harness.feed_on(harness.wire).page(reader, PageRequest(5))
    assert len(page.items) == 5
    spans = sum("p.author_id IN" in sql for sql in statements)
    assert spans <= 5
    # Who is pulled, who is followed, what is liked; the posts, their pictures, whose of them belong here.
    assert len(statements) - spans == 6


async def test_a_like_shows_at_once_in_every_process(harness: ServiceHarness) -> None:
    reader, author = await harness.users(2)
    await following(harness, reader, author)
    post_id = await harness.post(author)
    feeds = [harness.feed, harness.feed_on(harness.wire)]

    async def shown() -> set[tuple[bool, int]]:
        pages = [await feed.page(reader, PageRequest()) for feed in feeds]
        return {(post.liked, post.likes_count) for page in pages for post in page.items}

    assert await shown() == {(False, 0)}
    for _ in range(2):
        await harness.likes.like(reader, post_id)
        with counted(harness.database) as statements:
            assert await shown() == {(True, 1)}
        await harness.likes.unlike(reader, post_id)
        with counted(harness.database) as statements:
            assert await shown() == {(False, 0)}
        assert statements == []


async def test_a_comment_shows_at_once(harness: ServiceHarness) -> None:
    author = await harness.user()
    post_id = await harness.post(author)
    await read(harness.feed, author)
    await harness.comments.add(author, post_id, "here", None)
    (post,) = (await harness.feed.page(author, PageRequest())).items
    assert post.comments_count == 1


async def test_a_new_name_shows_at_once(harness: ServiceHarness) -> None:
    reader, author = await harness.users(2)
    await following(harness, reader, author)
    await harness.post(author)
    feeds = [harness.feed, harness.feed_on(harness.wire)]
    for feed in feeds:
        await read(feed, reader)
    await harness.profiles.edit(author, {"full_name": "Ana the Second"})
    for feed in feeds:
        (post,) = (await feed.page(reader, PageRequest())).items
        assert post.author.full_name == "Ana the Second"


async def test_what_was_liked_before_a_follow_is_liked_in_the_feed(harness: ServiceHarness) -> None:
    reader, author = await harness.users(2)
    old = await harness.post(author)
    await harness.post(reader)
    await read(harness.feed, reader)
    await harness.likes.like(reader, old)
    await following(harness, reader, author)
    page = await harness.feed.page(reader, PageRequest())
    assert {post.id for post in page.items if post.liked} == {old}


async def test_likes_that_redis_forgot_are_looked_up(harness: ServiceHarness) -> None:
    reader = await harness.user()
    post_id = await harness.post(reader)
    await harness.likes.like(reader, post_id)
    await read(harness.feed, reader)
    await harness.redis.delete(f"liked:{reader}")
    for _ in range(2):
        (post,) = (await harness.feed.page(reader, PageRequest())).items
        assert post.liked


async def test_a_process_that_dies_after_its_commit_leaves_nothing_stale_for_long(
    harness: ServiceHarness,
) -> None:
    reader, author = await harness.users(2)
    await following(harness, reader, author)
    post_id = await harness.post(author)
    await read(harness.feed, reader)
    dead = InvalidationLog(harness.wire)
    subjects = (
        CacheKey("post", post_id),
        CacheKey("likes", reader),
        CacheKey("feed", reader),
        CacheKey("person", author),
    )
    await dead.announce(subjects)
    # It commits, and does not live to tell.
    await harness.database.execute("UPDATE posts SET likes_count = 7, revision = 9 WHERE id = ?", [post_id])
    await harness.database.execute("UPDATE users SET full_name = 'New', revision = 9 WHERE id = ?", [author])
    (stale,) = (await harness.feed.page(reader, PageRequest())).items
    assert stale.likes_count == 0
    assert await InvalidationLog(harness.wire).sweep() == 0, "a change under way is not swept"
    for member in await harness.redis.zrange("touched", 0, -1):
        await harness.redis.zadd("touched", {member: 1})
    assert await InvalidationLog(harness.wire).sweep() == len(subjects)
    (post,) = (await harness.feed.page(reader, PageRequest())).items
    assert (post.likes_count, post.author.full_name) == (7, "New")
    assert await harness.redis.zcard("touched") == 0


async def test_what_redis_could_not_be_told_is_dropped_when_it_is_back(
    harness: ServiceHarness, away: Feed
) -> None:
    author = await harness.user()
    post_id = await harness.post(author)
    await read(harness.feed, author)
    nowhere = PipelinedRedis("unix:///nowhere/redis.sock", timeout_s=1.0)
    touches = InvalidationLog(nowhere)
    likes = Likes(
        harness.database,
        UnitOfWork(
            harness.database, harness.ids, harness.clock, harness.jobs, harness.rings,
            CacheInvalidation(harness.timelines_on(nowhere), touches),
        ),
        harness.cards,
        harness.visibility,
    )  # fmt: skip
    assert (await likes.like(author, post_id)).likes_count == 1
    with pytest.raises(Unavailable):
        await touches.sweep()
    await nowhere.close()
    touches._wire = harness.wire  # it is back
    assert await touches.sweep() == 2
    (post,) = (await harness.feed.page(author, PageRequest())).items
    assert (post.likes_count, post.liked) == (1, True)


async def crowd(harness: ServiceHarness, author: UserId, count: int) -> list[UserId]:
    readers = await harness.users(count)
    for reader in readers:
        await following(harness, reader, author)
        await read(harness.feed, reader)
    return readers


async def test_a_post_of_somebody_with_a_crowd_is_pulled(harness: ServiceHarness) -> None:
    author = await harness.user()
    readers = await crowd(harness, author, CELEBRITY_THRESHOLD)
    before = await harness.post(author)
    await harness.work_off(*FEED_JOBS)
    assert await pushed_to(harness, readers, before) == [False] * len(readers)
    for reader in readers:
        own = await harness.post(reader)
        assert await read(harness.feed, reader, 1) == [own, before]
    after = await harness.post(author)
    await harness.work_off(*FEED_JOBS)
    assert await read(harness.feed, readers[0]) == await by_sql(harness, readers[0])
    with counted(harness.database) as statements:
        assert (await harness.feed.page(readers[0], PageRequest(1))).items[0].id == after
    assert statements == []


async def test_a_celebrity_s_posts_are_pulled_by_however_few(harness: ServiceHarness) -> None:
    author = await harness.user()
    readers = await crowd(harness, author, 2)
    await harness.database.execute("UPDATE users SET role = 'celebrity' WHERE id = ?", [author])
    post_id = await harness.post(author)
    await harness.work_off(*FEED_JOBS)
    assert await pushed_to(harness, readers, post_id) == [False, False]
    assert await read(harness.feed, readers[0]) == [post_id]


async def test_who_has_lost_the_crowd_is_pushed_again_without_a_gap(harness: ServiceHarness) -> None:
    author = await harness.user()
    readers = await crowd(harness, author, CELEBRITY_THRESHOLD)
    for _ in range(3):
        await harness.post(author)
    await harness.work_off(*FEED_JOBS)
    for reader in readers[2:]:
        await harness.follows.unfollow(reader, author)
    last = await harness.post(author)
    assert await read(harness.feed, readers[0]) == await by_sql(harness, readers[0])
    await harness.work_off(*FEED_JOBS)
    assert await harness.value("SELECT fan_out_on_read FROM users WHERE id = ?", author) == 0
    assert not await harness.redis.sismember("pulled", str(author))
    for reader in readers:
        assert await read(harness.feed, reader) == await by_sql(harness, reader)
    new = await harness.post(author)
    await harness.work_off(*FEED_JOBS)
    assert await pushed_to(harness, readers[:2], new) == [True, True]
    assert last in (await window_of(harness, readers[0]) or [])


async def test_thousands_of_pulled_authors_are_no_trouble(harness: ServiceHarness) -> None:
    reader = await harness.user()
    own = await harness.post(reader)
    await harness.timelines.fill_pulled([UserId(10**9 + number) for number in range(9000)])
    assert await read(harness.feed, reader) == [own]


async def test_a_reader_of_many_pulled_authors_sees_all_of_them(harness: ServiceHarness) -> None:
    reader, *authors = await harness.users(41)
    await following(harness, reader, *authors)
    for number in range(3 * len(authors)):
        await harness.post(authors[number % len(authors)])
    for author in authors:
        await harness.database.execute("UPDATE users SET fan_out_on_read = 1 WHERE id = ?", [author])
    expected = await by_sql(harness, reader)
    for _ in range(4):  # their lists are built some at a time, and SQL answers meanwhile
        assert await read(harness.feed, reader) == expected
    with counted(harness.database) as statements:
        page = await harness.feed.page(reader, PageRequest(5))
    assert [post.id for post in page.items] == expected[:5]
    assert statements == []


async def test_a_shelf_that_shrank_gets_by(harness: ServiceHarness) -> None:
    large, small = RedisCardCache(harness.wire, 5000), RedisCardCache(harness.wire, 10)
    await large.put(dict.fromkeys(range(3000), b"[]"), {})
    await small.put({1: b"[]"}, {})
    assert await harness.redis.hlen("cards:posts") < 3000


async def test_what_was_told_too_late_is_dropped(harness: ServiceHarness) -> None:
    """Somebody else told newer things meanwhile, and those were swept with the announcement."""
    author = await harness.user()
    post_id = await harness.post(author)
    await read(harness.feed, author)
    touches = InvalidationLog(harness.wire)
    subjects = (CacheKey("post", post_id),)
    members = await touches.announce(subjects)
    await harness.likes.like(author, post_id)
    for member in await harness.redis.zrange("touched", 0, -1):
        await harness.redis.zadd("touched", {member: 1})
    await InvalidationLog(harness.wire).sweep()
    old = harness.timelines.counts_call({post_id: Counts(0, author, 0, 0, None).packed()})
    await touches.settle(members, subjects, [old])
    await touches.sweep()
    (post,) = (await harness.feed.page(author, PageRequest())).items
    assert post.likes_count == 1


async def test_more_than_can_be_kept_account_of_drops_everything(
    harness: ServiceHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.gateways.feed_store.cache_invalidations.MAX_OWED", 3)
    reader = await harness.user()
    await harness.post(reader)
    await read(harness.feed, reader)
    touches = InvalidationLog(harness.wire)
    touches.owe([CacheKey("post", number) for number in range(5)])
    await touches.sweep()
    assert await harness.redis.keys("feed:*") == []
    assert not await harness.redis.exists("counts")


async def test_pushing_again_is_done_to_its_end_whatever_interrupts_it(harness: ServiceHarness) -> None:
    author = await harness.user()
    readers = await crowd(harness, author, CELEBRITY_THRESHOLD)
    await harness.post(author)
    await harness.work_off(*FEED_JOBS)
    for reader in readers[2:]:
        await harness.follows.unfollow(reader, author)
    await harness.post(author)
    claim = await harness.claim(JobKind.FAN_OUT)
    await harness.jobs.save_progress(claim, {"again": True})
    await harness.database.execute(
        "UPDATE users SET fan_out_on_read = 0 WHERE id = ?", [author]
    )  # and there it was killed
    await harness.expire_leases()
    await harness.jobs.reclaim()
    await harness.fan_out.publish(await harness.claim(JobKind.FAN_OUT))
    assert not await harness.redis.sismember("pulled", str(author))
    for reader in readers[:2]:
        assert await read(harness.feed, reader) == await by_sql(harness, reader)
