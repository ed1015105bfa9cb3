"""The feed: one list, whether a page comes from the window in Redis or from SQL."""

import random
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from server.gateways.timelines import Timelines
from server.ids import PostId, UserId
from server.paging import PageRequest, decode_cursor
from server.services.feed import Feed
from server.services.jobs import LeaseLost
from server.services.reactions import JobKind
from tests.house import FAN_OUT_BATCH, FEED_TTL_S, WINDOW, House

FEED_JOBS = (JobKind.FAN_OUT, JobKind.MERGE, JobKind.PURGE)


@pytest.fixture
async def away(house: House) -> AsyncIterator[Feed]:
    """The feed of a process whose Redis does not answer."""
    async with Redis.from_url("unix:///nowhere/redis.sock") as nowhere:
        yield house.feed_on(Timelines(nowhere, WINDOW, FEED_TTL_S))


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
    return await house.timelines.read(reader_id, PageRequest().before_id, 10_000)


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


async def test_a_new_post_is_pushed_on_top(house: House) -> None:
    reader, author = await house.users(2)
    await following(house, reader, author)
    old = await house.post(author)
    assert await read(house.feed, reader) == [old]
    new, own = await house.post(author), await house.post(reader)
    assert await window_of(house, reader) == [old]
    await house.work_off(*FEED_JOBS)
    assert await window_of(house, reader) == [own, new, old]
    assert await read(house.feed, reader) == [own, new, old]


async def test_a_post_is_pushed_to_nobody_who_does_not_read(house: House) -> None:
    reader, author = await house.users(2)
    await following(house, reader, author)
    await house.post(author)
    await house.work_off(*FEED_JOBS)
    assert await house.redis.keys("feed:*") == []


async def test_an_unfollow_hides_at_once_and_the_page_is_filled(house: House) -> None:
    reader, friend, other = await house.users(3)
    await following(house, reader, friend, other)
    theirs = [await house.post(random.choice([friend, other])) for _ in range(3 * WINDOW)]
    assert await read(house.feed, reader) == theirs[::-1]
    await house.follows.unfollow(reader, other)
    expected = await by_sql(house, reader)
    assert set(await window_of(house, reader) or []) - set(expected), "the window is stale"
    assert await read(house.feed, reader) == expected
    await house.work_off(*FEED_JOBS)
    assert not set(await window_of(house, reader) or []) - set(expected)
    assert await read(house.feed, reader) == expected


async def test_a_post_that_is_gone_is_not_shown(house: House) -> None:
    reader = await house.user()
    posts = [await house.post(reader) for _ in range(10)]
    await read(house.feed, reader)
    for post_id in posts[::2]:
        await house.database.execute("DELETE FROM posts WHERE id = ?", [post_id])
    page = await house.feed.page(reader, PageRequest(5))
    assert [post.id for post in page.items] == posts[1::2][::-1]


async def test_a_stranger_s_post_in_the_window_is_not_shown(house: House) -> None:
    reader, stranger = await house.users(2)
    own = await house.post(reader)
    await read(house.feed, reader)
    for _ in range(WINDOW // 2):
        await house.timelines.push([reader], await house.post(stranger))
    assert await read(house.feed, reader, 1) == [own]


async def test_a_follow_brings_the_followee_s_posts(house: House) -> None:
    reader, author = await house.users(2)
    posts = [await house.post(random.choice([reader, author])) for _ in range(2 * WINDOW)]
    await read(house.feed, reader)
    await following(house, reader, author)
    await house.work_off(*FEED_JOBS)
    assert await read(house.feed, reader) == posts[::-1]
    assert await window_of(house, reader) == posts[::-1][:WINDOW]


async def test_a_follow_after_an_unfollow_leaves_no_gap(house: House) -> None:
    """The window has lost its oldest posts to the unfollowed, and gets older ones of the followed."""
    reader, kept, dropped, new = await house.users(4)
    await following(house, reader, kept, dropped)
    for _ in range(WINDOW):
        await house.post(new)
        await house.post(kept)
    for _ in range(WINDOW - 5):
        await house.post(dropped)
    await house.work_off(*FEED_JOBS)
    await read(house.feed, reader)
    await house.follows.unfollow(reader, dropped)
    await house.work_off(*FEED_JOBS)
    await following(house, reader, new)
    await house.work_off(*FEED_JOBS)
    assert await read(house.feed, reader) == await by_sql(house, reader)


async def test_a_follow_after_deleted_posts_leaves_no_gap(house: House) -> None:
    reader, author, new = await house.users(3)
    for _ in range(WINDOW):
        await house.post(new)
        await house.post(author)
    await following(house, reader, author)
    newest = [await house.post(author) for _ in range(WINDOW - 5)]
    await house.work_off(*FEED_JOBS)
    await read(house.feed, reader)
    for post_id in newest:
        await house.database.execute("DELETE FROM posts WHERE id = ?", [post_id])
    await house.timelines.remove(reader, newest)
    await following(house, reader, new)
    await house.work_off(*FEED_JOBS)
    assert await read(house.feed, reader) == await by_sql(house, reader)


async def test_whatever_happens_the_feed_is_what_sql_says(house: House) -> None:
    """A long story of random acts, with jobs late or early, and the feed read whole after each."""
    reader, *authors = await house.users(5)

    async def act() -> None:
        author = random.choice(authors)
        match random.randint(0, 9):
            case 0 | 1 | 2 | 3 | 4:
                await house.post(random.choice([reader, *authors]))
            case 5 | 6:
                await house.follows.follow(reader, author)
            case 7:
                await house.follows.unfollow(reader, author)
            case 8:
                await house.redis.delete(f"feed:{reader}")
            case _:
                await house.work_off(*FEED_JOBS)

    for author in authors:
        for _ in range(15):
            await house.post(author)
    for _ in range(40):
        await act()
        expected = await by_sql(house, reader)
        settled = not await house.due(*FEED_JOBS)
        seen = await read(house.feed, reader, 13)
        # A post or a follow may be late by its job; but never is anything shown that does not belong, or twice.
        assert seen == (expected if settled else [post_id for post_id in expected if post_id in set(seen)])
    await house.work_off(*FEED_JOBS)
    assert await read(house.feed, reader) == await by_sql(house, reader)


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


async def test_while_a_feed_is_built_by_another_sql_answers(house: House) -> None:
    reader = await house.user()
    posts = [await house.post(reader) for _ in range(30)]
    assert await house.timelines.open(reader)
    assert await read(house.feed, reader) == posts[::-1]
    late = await house.post(reader)
    await house.work_off(*FEED_JOBS)
    await house.timelines.fill(reader, posts[::-1][:WINDOW])
    assert await read(house.feed, reader) == [late, *posts[::-1]]


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
    await house.feed.fan_out(await house.claim(JobKind.FAN_OUT))
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
    await house.feed.fan_out(await house.claim(JobKind.FAN_OUT))
    with pytest.raises(LeaseLost):
        await house.feed.fan_out(slow)
    for reader in readers:
        assert await window_of(house, reader) == [post_id]


async def test_fan_out_of_a_post_that_is_gone_pushes_nothing(house: House) -> None:
    author, reader = await house.users(2)
    await following(house, reader, author)
    await read(house.feed, reader)
    post_id = await house.post(author)
    await house.database.execute("DELETE FROM posts WHERE id = ?", [post_id])
    await house.work_off(JobKind.FAN_OUT)
    assert await window_of(house, reader) == []
    assert await house.due(JobKind.FAN_OUT) == []


async def test_jobs_of_a_follow_that_ended_and_began_again_obey_what_stands(house: House) -> None:
    reader, author = await house.users(2)
    post_id = await house.post(author)
    await read(house.feed, reader)
    await house.follows.follow(reader, author)
    await house.follows.unfollow(reader, author)
    await house.follows.follow(reader, author)
    for job_id in (await house.due(JobKind.MERGE, JobKind.PURGE))[::-1]:
        claim = await house.jobs.claim(job_id)
        assert claim is not None
        await house.handlers()[claim.kind](claim)
    assert await read(house.feed, reader) == [post_id]
