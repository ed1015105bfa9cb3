"""The feed: one list, whether a page comes from the window in Redis or from SQL."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from server.errors import Unavailable
from server.gateways.card_shelf import CardShelf
from server.gateways.redis_wire import RedisWire
from server.gateways.timelines import Counts
from server.gateways.touches import Subject, Touches
from server.ids import PostId, UserId
from server.models.database import Database
from server.paging import PageRequest, decode_cursor
from server.services.feed.freshness import Freshness
from server.services.feed.pages import Feed
from server.services.jobs import LeaseLost
from server.services.likes import Likes
from server.services.reactions import JobKind
from server.services.unit_of_work import UnitOfWork
from tests.house import CELEBRITY_THRESHOLD, FAN_OUT_BATCH, FEED_TTL_S, WINDOW, House

FEED_JOBS = (JobKind.FAN_OUT, JobKind.WITHDRAW)


@pytest.fixture
async def away(house: House) -> AsyncIterator[Feed]:
    """The feed of a process whose Redis does not answer."""
    nowhere = RedisWire("unix:///nowhere/redis.sock", timeout_s=1.0)
    yield house.feed_on(nowhere)
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


async def by_sql(house: House, reader_id: UserId) -> list[PostId]:
    """What the feed is to be, in one statement."""
    rows = await house.rows(
        "SELECT p.id FROM posts p WHERE p.author_id = ? OR EXISTS(SELECT 1 FROM follows f WHERE f.follower_id = ?"
        " AND f.followee_id = p.author_id) ORDER BY p.id DESC",
        reader_id,
        reader_id,
    )
    return [row["id"] for row in rows]


async def window_of(house: House, reader_id: UserId) -> list[PostId] | None:
    """The ids in Redis, newest first, whatever they are worth; None without a feed that is built."""
    members = await house.redis.zrange(f"feed:{reader_id}", 0, -1, desc=True)
    if not any(member.startswith(b"built:") for member in members):
        return None
    return [PostId(int(member)) for member in members if member.isdigit()]


async def following(house: House, reader_id: UserId, *author_ids: UserId) -> None:
    for author_id in author_ids:
        await house.follows.follow(reader_id, author_id)


async def test_pages_from_the_window_and_from_sql_make_one_list(house: House) -> None:
    reader, *authors = await house.users(5)
    await following(house, reader, *authors[:3])
    for _ in range(3 * WINDOW):
        await house.post(random.choice([reader, *authors]))
    expected = await by_sql(house, reader)
    assert len(expected) > WINDOW
    for _ in range(3):
        assert await read(house.feed, reader) == expected
    for limit in (1, WINDOW - 1, WINDOW, WINDOW + 1, 100):
        assert await read(house.feed, reader, limit) == expected
    assert await window_of(house, reader) == expected[:WINDOW]


async def test_a_post_is_pushed_to_nobody_who_does_not_read(house: House) -> None:
    reader, author = await house.users(2)
    await following(house, reader, author)
    await house.post(author)
    await house.work_off(*FEED_JOBS)
    assert await house.redis.keys("feed:*") == []


async def test_a_post_that_is_gone_is_not_shown(house: House) -> None:
    reader = await house.user()
    posts = [await house.post(reader) for _ in range(10)]
    await read(house.feed, reader)
    for post_id in posts[::2]:
        await house.delete(post_id)
    page = await house.feed.page(reader, PageRequest(5))
    assert [post.id for post in page.items] == posts[1::2][::-1]
    assert await window_of(house, reader) == posts[::-1]
    await house.work_off(*FEED_JOBS)
    assert await window_of(house, reader) == posts[1::2][::-1]


async def test_a_post_that_went_unnoticed_is_found_out_once(house: House) -> None:
    reader = await house.user()
    posts = [await house.post(reader) for _ in range(10)]
    await read(house.feed, reader)
    for post_id in posts[::2]:
        await house.database.execute("DELETE FROM posts WHERE id = ?", [post_id])
    await house.redis.delete("counts")
    page = await house.feed.page(reader, PageRequest(9))
    assert [post.id for post in page.items] == posts[1::2][::-1]
    assert await window_of(house, reader) == posts[1::2][::-1]


async def test_a_stranger_s_post_in_the_window_is_not_shown(house: House) -> None:
    reader, stranger = await house.users(2)
    own = await house.post(reader)
    await read(house.feed, reader)
    for _ in range(WINDOW // 2):
        await house.timelines.push([reader], await house.post(stranger))
    assert await read(house.feed, reader, 1) == [own]


async def test_a_feed_that_was_dropped_is_built_again(house: House) -> None:
    reader, author = await house.users(2)
    await following(house, reader, author)
    posts = [await house.post(author) for _ in range(5)]
    assert await window_of(house, reader) is None
    assert await read(house.feed, reader) == posts[::-1]
    await house.redis.delete(f"feed:{reader}")
    assert await read(house.feed, reader) == posts[::-1]
    assert await window_of(house, reader) == posts[::-1]
    assert 0 < await house.redis.ttl(f"feed:{reader}") <= FEED_TTL_S


async def test_without_redis_sql_answers(house: House, away: Feed) -> None:
    reader, author = await house.users(2)
    await following(house, reader, author)
    for _ in range(30):
        await house.post(random.choice([reader, author]))
    assert await read(away, reader) == await by_sql(house, reader)


async def test_an_empty_feed_is_empty(house: House) -> None:
    reader, stranger = await house.users(2)
    await house.post(stranger)
    for _ in range(2):
        assert await read(house.feed, reader) == []


async def test_a_page_shows_what_the_reader_likes(house: House) -> None:
    reader, author = await house.users(2)
    await following(house, reader, author)
    liked, other = await house.post(author), await house.post(author)
    await house.likes.like(reader, liked)
    page = await house.feed.page(reader, PageRequest())
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
def counted_calls(wire: RedisWire) -> Iterator[list[str]]:
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


async def pushed_to(house: House, readers: list[UserId], post_id: PostId) -> list[bool]:
    return [post_id in (await window_of(house, reader) or []) for reader in readers]


async def test_fan_out_goes_on_where_it_stopped(house: House) -> None:
    author, *readers = await house.users(1 + 3 * FAN_OUT_BATCH)
    for reader in readers:
        await following(house, reader, author)
        await read(house.feed, reader)
    post_id = await house.post(author)
    claim = await house.claim(JobKind.FAN_OUT)
    await house.jobs.save_progress(claim, {"after": readers[FAN_OUT_BATCH - 1]})
    await house.expire_leases()
    await house.jobs.reclaim()
    await house.fan_out.publish(await house.claim(JobKind.FAN_OUT))
    done = [False] * FAN_OUT_BATCH + [True] * 2 * FAN_OUT_BATCH
    assert await pushed_to(house, readers, post_id) == done


async def test_fan_out_reaches_every_follower(house: House) -> None:
    author, *readers = await house.users(2 + 2 * FAN_OUT_BATCH)
    for reader in readers:
        await following(house, reader, author)
        await read(house.feed, reader)
    post_id = await house.post(author)
    await house.work_off(JobKind.FAN_OUT)
    assert all(await pushed_to(house, readers, post_id))


async def test_fan_out_twice_is_once(house: House) -> None:
    author, *readers = await house.users(2 + FAN_OUT_BATCH)
    for reader in readers:
        await following(house, reader, author)
        await read(house.feed, reader)
    post_id = await house.post(author)
    slow = await house.claim(JobKind.FAN_OUT)
    await house.expire_leases()
    await house.jobs.reclaim()
    await house.fan_out.publish(await house.claim(JobKind.FAN_OUT))
    with pytest.raises(LeaseLost):
        await house.fan_out.publish(slow)
    for reader in readers:
        assert await window_of(house, reader) == [post_id]


async def test_fan_out_of_a_post_that_is_gone_pushes_nothing(house: House) -> None:
    author, reader = await house.users(2)
    await following(house, reader, author)
    await read(house.feed, reader)
    post_id = await house.post(author)
    await house.delete(post_id)
    await house.work_off(JobKind.FAN_OUT)
    assert await window_of(house, reader) == []
    assert await house.due(JobKind.FAN_OUT) == []


async def test_a_new_post_is_pushed_on_top(house: House) -> None:
    reader, author = await house.users(2)
    await following(house, reader, author)
    old = await house.post(author)
    assert await read(house.feed, reader) == [old]
    new = await house.post(author)
    assert await window_of(house, reader) == [old]
    await house.work_off(*FEED_JOBS)
    assert await window_of(house, reader) == [new, old]
    assert await read(house.feed, reader) == [new, old]


async def test_one_s_own_post_is_in_one_s_feed_at_once(house: House) -> None:
    author = await house.user()
    assert await read(house.feed, author) == []
    own = await house.post(author)
    assert await read(house.feed, author) == [own]


async def test_a_follow_brings_the_followee_s_posts_at_once(house: House) -> None:
    reader, author = await house.users(2)
    posts = [await house.post(random.choice([reader, author])) for _ in range(2 * WINDOW)]
    await read(house.feed, reader)
    await following(house, reader, author)
    assert await read(house.feed, reader) == posts[::-1]
    assert await window_of(house, reader) == posts[::-1][:WINDOW]


async def test_an_unfollow_takes_the_posts_out_at_once_and_the_page_is_filled(house: House) -> None:
    reader, friend, other = await house.users(3)
    await following(house, reader, friend, other)
    theirs = [await house.post(random.choice([friend, other])) for _ in range(3 * WINDOW)]
    assert await read(house.feed, reader) == theirs[::-1]
    await house.follows.unfollow(reader, other)
    assert await read(house.feed, reader) == await by_sql(house, reader)


async def test_a_post_pushed_after_an_unfollow_is_not_shown(house: House) -> None:
    """The fan-out had read the followers before."""
    reader, author = await house.users(2)
    await following(house, reader, author)
    await house.follows.unfollow(reader, author)
    own = await house.post(reader)
    assert await read(house.feed, reader) == [own]
    await house.timelines.push([reader], await house.post(author))
    for feed in (house.feed, house.feed_on(house.wire)):
        assert await read(feed, reader) == [own]


async def test_while_a_feed_is_built_by_another_process_sql_answers(house: House) -> None:
    reader = await house.user()
    posts = [await house.post(reader) for _ in range(30)]
    token = await house.timelines.open_feed(reader)
    assert token is not None
    assert await read(house.feed, reader) == posts[::-1]
    late = await house.post(reader)
    await house.timelines.fill_feed(reader, token, posts[::-1][:WINDOW], [], (0, []))
    assert await read(house.feed, reader) == [late, *posts[::-1]]


async def test_a_feed_that_was_reset_while_it_was_built_is_built_again(house: House) -> None:
    reader, author = await house.users(2)
    theirs = await house.post(author)
    token = await house.timelines.open_feed(reader)
    assert token is not None
    await following(house, reader, author)
    assert not await house.timelines.fill_feed(reader, token, [], [], (0, []))
    assert await read(house.feed, reader) == [theirs]


async def test_a_hundred_readers_of_a_missing_feed_build_it_once(house: House) -> None:
    reader, author = await house.users(2)
    await following(house, reader, author)
    posts = [await house.post(author) for _ in range(5)]
    with counted(house.database) as statements:
        pages = await asyncio.gather(*(house.feed.page(reader, PageRequest()) for _ in range(100)))
    assert all([post.id for post in page.items] == posts[::-1] for page in pages)
    assert sum("FROM follows WHERE follower_id = ?" in sql and "IN" not in sql for sql in statements) == 1


async def test_a_warm_page_is_one_round_trip_and_no_query(house: House) -> None:
    reader, *authors = await house.users(6)
    await following(house, reader, *authors)
    for number in range(2 * WINDOW):
        await house.post(authors[number % 5])
    await read(house.feed, reader)
    await house.feed.page(reader, PageRequest(10))
    with counted(house.database) as statements, counted_calls(house.wire) as calls:
        assert len((await house.feed.page(reader, PageRequest(10))).items) == 10
    assert (len(statements), len(calls)) == (0, 1)


async def test_a_page_that_this_process_has_not_shown_costs_two_round_trips_and_no_query(
    house: House,
) -> None:
    reader, author = await house.users(2)
    await following(house, reader, author)
    posts = [await house.post(author) for _ in range(15)]
    await read(house.feed, reader)
    other_process = house.feed_on(house.wire)
    with counted(house.database) as statements, counted_calls(house.wire) as calls:
        page = await other_process.page(reader, PageRequest(10))
    assert [post.id for post in page.items] == posts[::-1][:10]
    assert (len(statements), len(calls)) == (0, 2)


@pytest.mark.parametrize("posts", [5, 2 * WINDOW])
async def test_a_cold_page_is_a_fixed_number_of_queries(house: House, posts: int) -> None:
    reader, *authors = await house.users(12)
    await following(house, reader, *authors)
    for number in range(posts):
        await house.post(authors[number % len(authors)])
    await house.redis.flushall()
    with counted(house.database) as statements:
        page = await house.feed_on(house.wire).page(reader, PageRequest(5))
    assert len(page.items) == 5
    spans = sum("p.author_id IN" in sql for sql in statements)
    assert spans <= 5
    # Who is pulled, who is followed, what is liked; the posts, their pictures, whose of them belong here.
    assert len(statements) - spans == 6


async def test_a_like_shows_at_once_in_every_process(house: House) -> None:
    reader, author = await house.users(2)
    await following(house, reader, author)
    post_id = await house.post(author)
    feeds = [house.feed, house.feed_on(house.wire)]

    async def shown() -> set[tuple[bool, int]]:
        pages = [await feed.page(reader, PageRequest()) for feed in feeds]
        return {(post.liked, post.likes_count) for page in pages for post in page.items}

    assert await shown() == {(False, 0)}
    for _ in range(2):
        await house.likes.like(reader, post_id)
        with counted(house.database) as statements:
            assert await shown() == {(True, 1)}
        await house.likes.unlike(reader, post_id)
        with counted(house.database) as statements:
            assert await shown() == {(False, 0)}
        assert statements == []


async def test_a_comment_shows_at_once(house: House) -> None:
    author = await house.user()
    post_id = await house.post(author)
    await read(house.feed, author)
    await house.comments.add(author, post_id, "here", None)
    (post,) = (await house.feed.page(author, PageRequest())).items
    assert post.comments_count == 1


async def test_a_new_name_shows_at_once(house: House) -> None:
    reader, author = await house.users(2)
    await following(house, reader, author)
    await house.post(author)
    feeds = [house.feed, house.feed_on(house.wire)]
    for feed in feeds:
        await read(feed, reader)
    await house.profiles.edit(author, {"full_name": "Ana the Second"})
    for feed in feeds:
        (post,) = (await feed.page(reader, PageRequest())).items
        assert post.author.full_name == "Ana the Second"


async def test_what_was_liked_before_a_follow_is_liked_in_the_feed(house: House) -> None:
    reader, author = await house.users(2)
    old = await house.post(author)
    await house.post(reader)
    await read(house.feed, reader)
    await house.likes.like(reader, old)
    await following(house, reader, author)
    page = await house.feed.page(reader, PageRequest())
    assert {post.id for post in page.items if post.liked} == {old}


async def test_likes_that_redis_forgot_are_looked_up(house: House) -> None:
    reader = await house.user()
    post_id = await house.post(reader)
    await house.likes.like(reader, post_id)
    await read(house.feed, reader)
    await house.redis.delete(f"liked:{reader}")
    for _ in range(2):
        (post,) = (await house.feed.page(reader, PageRequest())).items
        assert post.liked


async def test_a_process_that_dies_after_its_commit_leaves_nothing_stale_for_long(house: House) -> None:
    reader, author = await house.users(2)
    await following(house, reader, author)
    post_id = await house.post(author)
    await read(house.feed, reader)
    dead = Touches(house.wire)
    subjects = (
        Subject("post", post_id),
        Subject("likes", reader),
        Subject("feed", reader),
        Subject("person", author),
    )
    await dead.announce(subjects)
    # It commits, and does not live to tell.
    await house.database.execute("UPDATE posts SET likes_count = 7, revision = 9 WHERE id = ?", [post_id])
    await house.database.execute("UPDATE users SET full_name = 'New', revision = 9 WHERE id = ?", [author])
    (stale,) = (await house.feed.page(reader, PageRequest())).items
    assert stale.likes_count == 0
    assert await Touches(house.wire).sweep() == 0, "a change under way is not swept"
    for member in await house.redis.zrange("touched", 0, -1):
        await house.redis.zadd("touched", {member: 1})
    assert await Touches(house.wire).sweep() == len(subjects)
    (post,) = (await house.feed.page(reader, PageRequest())).items
    assert (post.likes_count, post.author.full_name) == (7, "New")
    assert await house.redis.zcard("touched") == 0


async def test_what_redis_could_not_be_told_is_dropped_when_it_is_back(house: House, away: Feed) -> None:
    author = await house.user()
    post_id = await house.post(author)
    await read(house.feed, author)
    nowhere = RedisWire("unix:///nowhere/redis.sock", timeout_s=1.0)
    touches = Touches(nowhere)
    likes = Likes(
        house.database,
        UnitOfWork(
            house.database, house.ids, house.clock, house.jobs, house.rings,
            Freshness(house.timelines_on(nowhere), touches),
        ),
        house.cards,
        house.visibility,
    )  # fmt: skip
    assert (await likes.like(author, post_id)).likes_count == 1
    with pytest.raises(Unavailable):
        await touches.sweep()
    await nowhere.close()
    touches._wire = house.wire  # it is back
    assert await touches.sweep() == 2
    (post,) = (await house.feed.page(author, PageRequest())).items
    assert (post.likes_count, post.liked) == (1, True)


async def crowd(house: House, author: UserId, count: int) -> list[UserId]:
    readers = await house.users(count)
    for reader in readers:
        await following(house, reader, author)
        await read(house.feed, reader)
    return readers


async def test_a_post_of_somebody_with_a_crowd_is_pulled(house: House) -> None:
    author = await house.user()
    readers = await crowd(house, author, CELEBRITY_THRESHOLD)
    before = await house.post(author)
    await house.work_off(*FEED_JOBS)
    assert await pushed_to(house, readers, before) == [False] * len(readers)
    for reader in readers:
        own = await house.post(reader)
        assert await read(house.feed, reader, 1) == [own, before]
    after = await house.post(author)
    await house.work_off(*FEED_JOBS)
    assert await read(house.feed, readers[0]) == await by_sql(house, readers[0])
    with counted(house.database) as statements:
        assert (await house.feed.page(readers[0], PageRequest(1))).items[0].id == after
    assert statements == []


async def test_a_celebrity_s_posts_are_pulled_by_however_few(house: House) -> None:
    author = await house.user()
    readers = await crowd(house, author, 2)
    await house.database.execute("UPDATE users SET role = 'celebrity' WHERE id = ?", [author])
    post_id = await house.post(author)
    await house.work_off(*FEED_JOBS)
    assert await pushed_to(house, readers, post_id) == [False, False]
    assert await read(house.feed, readers[0]) == [post_id]


async def test_who_has_lost_the_crowd_is_pushed_again_without_a_gap(house: House) -> None:
    author = await house.user()
    readers = await crowd(house, author, CELEBRITY_THRESHOLD)
    for _ in range(3):
        await house.post(author)
    await house.work_off(*FEED_JOBS)
    for reader in readers[2:]:
        await house.follows.unfollow(reader, author)
    last = await house.post(author)
    assert await read(house.feed, readers[0]) == await by_sql(house, readers[0])
    await house.work_off(*FEED_JOBS)
    assert await house.value("SELECT pulled FROM users WHERE id = ?", author) == 0
    assert not await house.redis.sismember("pulled", str(author))
    for reader in readers:
        assert await read(house.feed, reader) == await by_sql(house, reader)
    new = await house.post(author)
    await house.work_off(*FEED_JOBS)
    assert await pushed_to(house, readers[:2], new) == [True, True]
    assert last in (await window_of(house, readers[0]) or [])


async def test_thousands_of_pulled_authors_are_no_trouble(house: House) -> None:
    reader = await house.user()
    own = await house.post(reader)
    await house.timelines.fill_pulled([UserId(10**9 + number) for number in range(9000)])
    assert await read(house.feed, reader) == [own]


async def test_a_reader_of_many_pulled_authors_sees_all_of_them(house: House) -> None:
    reader, *authors = await house.users(41)
    await following(house, reader, *authors)
    for number in range(3 * len(authors)):
        await house.post(authors[number % len(authors)])
    for author in authors:
        await house.database.execute("UPDATE users SET pulled = 1 WHERE id = ?", [author])
    expected = await by_sql(house, reader)
    for _ in range(4):  # their lists are built some at a time, and SQL answers meanwhile
        assert await read(house.feed, reader) == expected
    with counted(house.database) as statements:
        page = await house.feed.page(reader, PageRequest(5))
    assert [post.id for post in page.items] == expected[:5]
    assert statements == []


async def test_a_shelf_that_shrank_gets_by(house: House) -> None:
    large, small = CardShelf(house.wire, 5000), CardShelf(house.wire, 10)
    await large.put(dict.fromkeys(range(3000), b"[]"), {})
    await small.put({1: b"[]"}, {})
    assert await house.redis.hlen("cards:posts") < 3000


async def test_what_was_told_too_late_is_dropped(house: House) -> None:
    """Somebody else told newer things meanwhile, and those were swept with the announcement."""
    author = await house.user()
    post_id = await house.post(author)
    await read(house.feed, author)
    touches = Touches(house.wire)
    subjects = (Subject("post", post_id),)
    members = await touches.announce(subjects)
    await house.likes.like(author, post_id)
    for member in await house.redis.zrange("touched", 0, -1):
        await house.redis.zadd("touched", {member: 1})
    await Touches(house.wire).sweep()
    old = house.timelines.counts_call({post_id: Counts(0, author, 0, 0, None).packed()})
    await touches.settle(members, subjects, [old])
    await touches.sweep()
    (post,) = (await house.feed.page(author, PageRequest())).items
    assert post.likes_count == 1


async def test_more_than_can_be_kept_account_of_drops_everything(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.gateways.touches.MOST_OWED", 3)
    reader = await house.user()
    await house.post(reader)
    await read(house.feed, reader)
    touches = Touches(house.wire)
    touches.owe([Subject("post", number) for number in range(5)])
    await touches.sweep()
    assert await house.redis.keys("feed:*") == []
    assert not await house.redis.exists("counts")


async def test_pushing_again_is_done_to_its_end_whatever_interrupts_it(house: House) -> None:
    author = await house.user()
    readers = await crowd(house, author, CELEBRITY_THRESHOLD)
    await house.post(author)
    await house.work_off(*FEED_JOBS)
    for reader in readers[2:]:
        await house.follows.unfollow(reader, author)
    await house.post(author)
    claim = await house.claim(JobKind.FAN_OUT)
    await house.jobs.save_progress(claim, {"again": True})
    await house.database.execute(
        "UPDATE users SET pulled = 0 WHERE id = ?", [author]
    )  # and there it was killed
    await house.expire_leases()
    await house.jobs.reclaim()
    await house.fan_out.publish(await house.claim(JobKind.FAN_OUT))
    assert not await house.redis.sismember("pulled", str(author))
    for reader in readers[:2]:
        assert await read(house.feed, reader) == await by_sql(house, reader)
