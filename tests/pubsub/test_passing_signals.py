"""Signals that streams pass on: the last of each kind, and new posts in the feed with a pause."""

import asyncio

from server.ids import PostId, SessionId, UserId
from server.pubsub.channels import FeedSignal, PassingSignal, ReadSignal, decode_passing, encode_passing
from server.pubsub.passing_signals import PassingSignals
from server.pubsub.subscription import Subscription


def feed(post_id: int) -> FeedSignal:
    return FeedSignal(PostId(post_id))


def test_messages_are_read_as_they_were_written() -> None:
    for signal in (feed(7), ReadSignal(0)):
        assert decode_passing(encode_passing(signal)) == signal
    for message in (b"17", b"", b"feed", b"read 1 2", b"ended-sessions 1"):
        assert decode_passing(message) is None


def test_feed_is_reported_once_per_pause() -> None:
    passing = PassingSignals(feed_pause_s=10.0)
    taken: list[tuple[float, PassingSignal]] = []
    for now_s in range(100, 140):
        if now_s < 125:
            passing.add(feed(now_s))
        if passing.due_in_s(now_s) == 0:
            taken += [(now_s, each) for each in passing.take(now_s)]
    assert taken == [(100, feed(100)), (110, feed(110)), (120, feed(120)), (130, feed(124))]
    assert passing.due_in_s(140) is None


def test_newest_post_and_last_count_are_kept() -> None:
    passing = PassingSignals(feed_pause_s=10.0)
    for signal in (feed(5), ReadSignal(3), feed(4), ReadSignal(1)):
        passing.add(signal)
    assert passing.take(1.0) == [ReadSignal(1), feed(5)]
    passing.add(feed(6))
    assert passing.due_in_s(4.0) == 7.0
    assert passing.take(4.0) == []


async def test_stream_is_woken_at_the_end_of_the_pause() -> None:
    subscription = Subscription(UserId(1), SessionId(1), feed_pause_s=0.05)
    subscription.pass_on(feed(1))
    assert await subscription.wait(60.0) is None
    assert subscription.take_passing() == [feed(1)]
    waiting = asyncio.create_task(subscription.wait(60.0))
    await asyncio.sleep(0)
    subscription.pass_on(feed(2))
    async with asyncio.timeout(5):
        assert await waiting is None
    assert subscription.take_passing() == [feed(2)]
    subscription.pass_on(feed(3))  # before the wait
    async with asyncio.timeout(5):
        await subscription.wait(60.0)
    assert subscription.take_passing() == [feed(3)]
