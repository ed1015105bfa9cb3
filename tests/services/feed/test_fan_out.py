"""Tests of the fan-out."""

import pytest

from server.paging import PageRequest
from server.services.jobs.claims import LeaseLost
from server.services.jobs.event_jobs import JobKind
from tests.services.feed.feeds import (
    FEED_JOBS,
    add_readers,
    cached_ids,
    count_queries,
    expected_feed,
    follow,
    has_post,
    read_all,
)
from tools.harness.services import CELEBRITY_THRESHOLD, FAN_OUT_BATCH, ServiceHarness


async def test_post_is_not_added_to_uncached_feeds(harness: ServiceHarness) -> None:
    reader, author = await harness.users(2)
    await follow(harness, reader, author)
    await harness.post(author)
    await harness.work_off(*FEED_JOBS)
    assert await harness.redis.keys("feed:*") == []


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
    # The process was killed after this statement.
    await harness.database.execute("UPDATE users SET fan_out_on_read = 0 WHERE id = ?", [author])
    await harness.expire_leases()
    await harness.jobs.reclaim()
    await harness.fan_out.publish(await harness.claim(JobKind.FAN_OUT))
    assert not await harness.redis.sismember("fan_out_on_read", str(author))
    for reader in readers[:2]:
        assert await read_all(harness.feed, reader) == await expected_feed(harness, reader)
