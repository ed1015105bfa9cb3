"""Announcements of new posts: to the live streams of those whose feeds have them."""

from collections.abc import AsyncIterator, Sequence

import pytest
from redis.asyncio.client import PubSub

from server.ids import PostId, UserId, min_id_at
from server.models.audience import Audience
from server.pubsub.channels import user_channel
from server.services.feed.announcements import NEW_FOR_MS
from server.services.jobs.event_jobs import JobKind
from tests.services.feed.feeds import FEED_JOBS, count_queries, follow, has_post, read_all
from tools.harness.services import CELEBRITY_THRESHOLD, FAN_OUT_BATCH, ServiceHarness


class Streams:
    """Stands for the open streams of users: listens to their channels."""

    def __init__(self, pubsub: PubSub) -> None:
        self.pubsub = pubsub

    async def open(self, user_ids: Sequence[UserId]) -> None:
        await self.pubsub.subscribe(*map(user_channel, user_ids))
        await self.heard()

    async def heard(self) -> list[tuple[str, bytes]]:
        """Return the messages so far."""
        messages: list[tuple[str, bytes]] = []
        while message := await self.pubsub.get_message(ignore_subscribe_messages=False, timeout=0.1):
            if message["type"] == "message":
                messages.append((message["channel"].decode(), message["data"]))
        return sorted(messages)


@pytest.fixture
async def streams(harness: ServiceHarness) -> AsyncIterator[Streams]:
    async with harness.redis.pubsub() as pubsub:
        yield Streams(pubsub)


def messages(user_ids: Sequence[UserId], post_id: PostId) -> list[tuple[str, bytes]]:
    return sorted((user_channel(user_id), b"feed %d" % post_id) for user_id in user_ids)


async def test_post_is_announced_to_followers_with_streams(harness: ServiceHarness, streams: Streams) -> None:
    author, muting, stranger, *readers = await harness.users(3 + 2 * FAN_OUT_BATCH)
    for reader in (muting, *readers):
        await follow(harness, reader, author)
        await read_all(harness.feed, reader)
    await harness.mutes.mute(muting, author)
    await streams.open([author, muting, stranger, *readers[1:]])
    post_id = await harness.post(author)
    await harness.work_off(*FEED_JOBS)
    assert await streams.heard() == messages(readers[1:], post_id)
    assert all(await has_post(harness, readers, post_id))


async def test_post_for_close_friends_is_announced_to_them(harness: ServiceHarness, streams: Streams) -> None:
    author, friend, follower = await harness.users(3)
    for reader in (friend, follower):
        await follow(harness, reader, author)
    await harness.close_friends.add(author, friend)
    await streams.open([friend, follower])
    post_id = await harness.post(author, audience=Audience.CLOSE_FRIENDS)
    await harness.work_off(*FEED_JOBS)
    assert await streams.heard() == messages([friend], post_id)


@pytest.mark.parametrize("audience", [Audience.PUBLIC, Audience.CLOSE_FRIENDS])
async def test_post_with_fan_out_on_read_goes_through_the_streams(
    harness: ServiceHarness, streams: Streams, audience: Audience
) -> None:
    author, muting, stranger, *readers = await harness.users(3 + CELEBRITY_THRESHOLD)
    for reader in (muting, *readers):
        await follow(harness, reader, author)
    await harness.close_friends.add(author, readers[1])
    await harness.mutes.mute(muting, author)
    await streams.open([author, muting, stranger, *readers[:3]])
    post_id = await harness.post(author, audience=audience)
    await harness.work_off(JobKind.INDEX_POST)
    with count_queries(harness.database) as queries:
        await harness.work_off(*FEED_JOBS)
    assert await streams.heard() == messages(
        readers[:3] if audience is Audience.PUBLIC else readers[1:2], post_id
    )
    assert len([each for each in queries if "FROM follows" in each]) == 1


async def test_restored_post_is_not_announced_as_new(harness: ServiceHarness, streams: Streams) -> None:
    author, reader = await harness.users(2)
    await follow(harness, reader, author)
    await streams.open([reader])
    old = PostId(min_id_at(harness.clock.now_ms() - 2 * NEW_FOR_MS))
    await harness.announcements.announce(old, [reader])
    await harness.announcements.announce_to_listeners(author, old, Audience.PUBLIC)
    assert await streams.heard() == []
