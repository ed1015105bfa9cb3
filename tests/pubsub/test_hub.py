"""The hub alone: the tests make the calls that the relay makes."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from server.errors import Throttled, Unavailable
from server.ids import MediaId, SessionId, UserId
from server.pubsub.channels import MediaSignal
from server.pubsub.hub import Hub
from server.pubsub.passing_signals import MAX_MEDIA
from server.pubsub.subscription import CloseReason, Subscription
from tools.harness.waiting import DEADLINE_S, wait_until

ADA, BOB = UserId(1), UserId(2)
PHONE = SessionId(11)


@pytest.fixture
def hub() -> Hub:
    return Hub(max_per_user=5)


@pytest.fixture
async def subscription(hub: Hub) -> AsyncIterator[Subscription]:
    async with hub.subscribe(ADA, PHONE) as subscription:
        yield subscription


async def test_signal_wakes_waiting_stream(hub: Hub, subscription: Subscription) -> None:
    waiting = asyncio.create_task(subscription.wait(DEADLINE_S))
    await asyncio.sleep(0)
    hub.signal(ADA, 3)
    assert await waiting == 3


async def test_highest_signal_before_the_wait_is_kept(hub: Hub, subscription: Subscription) -> None:
    for sequence in (2, 4, 3):
        hub.signal(ADA, sequence)
    assert await subscription.wait(DEADLINE_S) == 4
    assert await subscription.wait(0) is None


async def test_signal_at_position_does_not_wake_stream(hub: Hub, subscription: Subscription) -> None:
    hub.signal(ADA, 4)
    subscription.position = 4
    hub.signal(ADA, 4)
    assert await subscription.wait(0) is None


async def test_absurdly_high_signal_does_not_block_later_ones(hub: Hub, subscription: Subscription) -> None:
    hub.signal(ADA, 10**15)
    await subscription.wait(0)
    hub.signal(ADA, 1)
    assert await subscription.wait(DEADLINE_S) == 1


async def test_signal_reaches_only_the_users_streams(hub: Hub) -> None:
    async with (
        hub.subscribe(ADA, PHONE) as first,
        hub.subscribe(ADA, PHONE) as second,
        hub.subscribe(BOB, PHONE) as other,
    ):
        hub.signal(ADA, 1)
        assert [await subscription.wait(0) for subscription in (first, second, other)] == [1, 1, None]


async def test_stream_limit_throttles_until_another_closes(hub: Hub) -> None:
    async with AsyncExitStack() as streams:
        for _ in range(4):
            await streams.enter_async_context(hub.subscribe(ADA, PHONE))
        async with hub.subscribe(ADA, PHONE), hub.subscribe(BOB, PHONE):
            with pytest.raises(Throttled) as refused:
                await streams.enter_async_context(hub.subscribe(ADA, PHONE))
            assert refused.value.retry_after_s
        await streams.enter_async_context(hub.subscribe(ADA, PHONE))
        assert hub.stream_count == 5
    assert hub.stream_count == 0
    assert hub.list_users() == []


async def test_close_all_wakes_streams_and_refuses_new_ones(hub: Hub) -> None:
    async with hub.subscribe(ADA, PHONE) as first, hub.subscribe(BOB, PHONE) as second:
        calls: list[str] = []
        second.on_close = lambda: calls.append("closed")
        waiting = [asyncio.create_task(subscription.wait(DEADLINE_S)) for subscription in (first, second)]
        await asyncio.sleep(0)
        hub.close_all(CloseReason.SHUTDOWN)
        assert await asyncio.gather(*waiting) == [None, None]
        assert first.closed is second.closed is CloseReason.SHUTDOWN
        assert calls == ["closed"]
    with pytest.raises(Unavailable):
        async with hub.subscribe(ADA, PHONE):
            pass


async def test_first_close_reason_is_kept(subscription: Subscription) -> None:
    subscription.close(CloseReason.CLIENT_GONE)
    subscription.close(CloseReason.SHUTDOWN)
    assert subscription.closed is CloseReason.CLIENT_GONE


async def test_subscribe_waits_for_the_users_channel(hub: Hub) -> None:
    hub.start_connection()
    opening = hub.subscribe(ADA, PHONE)
    entering = asyncio.create_task(opening.__aenter__())
    assert await hub.wait_for_changes(DEADLINE_S) == {ADA}
    assert not entering.done()
    assert hub.mark_subscribed(ADA) is False, "no stream had started without the subscription"
    await entering
    async with hub.subscribe(ADA, PHONE):
        assert await hub.wait_for_changes(0) == set(), "the second stream needs no second subscription"
    await opening.__aexit__(None, None, None)


async def test_subscribe_continues_after_timeout() -> None:
    hub = Hub(max_per_user=5, subscribe_timeout_s=0.01)
    hub.start_connection()
    async with hub.subscribe(ADA, PHONE):
        assert hub.mark_subscribed(ADA) is True, "a stream had started without the subscription"


async def test_subscribe_does_not_wait_while_redis_is_unavailable(hub: Hub) -> None:
    hub.start_connection()
    opening = hub.subscribe(ADA, PHONE)
    entering = asyncio.create_task(opening.__aenter__())
    await hub.wait_for_changes(DEADLINE_S)
    hub.end_connection()
    await entering
    async with hub.subscribe(BOB, PHONE):
        assert set(hub.start_connection()) == {ADA, BOB}
    await opening.__aexit__(None, None, None)


async def test_ended_session_closes_only_its_streams(hub: Hub) -> None:
    laptop = SessionId(12)
    async with (
        hub.subscribe(ADA, PHONE) as first,
        hub.subscribe(ADA, PHONE) as second,
        hub.subscribe(ADA, laptop) as other,
        hub.subscribe(BOB, PHONE) as stranger,
    ):
        waiting = asyncio.create_task(first.wait(DEADLINE_S))
        await asyncio.sleep(0)
        hub.end_sessions({PHONE}, ADA)
        hub.end_sessions({PHONE}, UserId(99))
        assert await waiting is None
        assert [subscription.closed for subscription in (first, second, other, stranger)] == [
            CloseReason.SESSION_ENDED,
            CloseReason.SESSION_ENDED,
            None,
            None,
        ]
        hub.end_sessions({laptop})
        assert other.closed is CloseReason.SESSION_ENDED
        async with hub.subscribe(ADA, SessionId(13)) as newer:
            assert newer.closed is None


async def test_cancelled_subscribe_leaves_no_stream(hub: Hub) -> None:
    hub.start_connection()
    entering = asyncio.create_task(hub.subscribe(ADA, PHONE).__aenter__())
    await wait_until(lambda: hub.has_subscribers(ADA))
    entering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await entering
    assert hub.stream_count == 0
    assert await hub.wait_for_changes(0) == set(), "the relay has not seen the change, so it need not undo it"


async def test_quick_return_keeps_the_channel_subscribed(hub: Hub) -> None:
    async with hub.subscribe(ADA, PHONE):
        hub.start_connection()
        hub.mark_subscribed(ADA)
    async with hub.subscribe(ADA, PHONE):
        assert await hub.wait_for_changes(0) == set()


async def test_changes_reproduce_the_users_with_streams(hub: Hub) -> None:
    hub.start_connection()
    subscribed: set[UserId] = set()
    streams: dict[int, AsyncExitStack] = {}
    dice = random.Random(4)
    for step in range(2000):
        if streams and dice.random() < 0.5:
            await streams.pop(dice.choice(list(streams))).aclose()
        else:
            hub.end_connection()  # so that subscribers do not wait
            streams[step] = AsyncExitStack()
            try:
                await streams[step].enter_async_context(hub.subscribe(UserId(dice.randrange(20)), PHONE))
            except Throttled:
                del streams[step]
        if dice.random() < 0.2:
            for user_id in await hub.wait_for_changes(0):
                (subscribed.add if hub.has_subscribers(user_id) else subscribed.discard)(user_id)
            assert subscribed == set(hub.list_users())
    for stream in streams.values():
        await stream.aclose()


async def test_progress_of_an_image_wakes_only_its_owner(hub: Hub, subscription: Subscription) -> None:
    async with hub.subscribe(BOB, PHONE) as other:
        waiting = asyncio.create_task(subscription.wait(DEADLINE_S))
        await asyncio.sleep(0)
        hub.pass_on(ADA, MediaSignal(MediaId(5), "processing"))
        assert await waiting is None
        assert subscription.take_passing() == [MediaSignal(MediaId(5), "processing")]
        assert subscription.take_passing() == other.take_passing() == []


async def test_progress_and_sequence_do_not_hide_each_other(hub: Hub, subscription: Subscription) -> None:
    hub.pass_on(ADA, MediaSignal(MediaId(5), "ready"))
    hub.signal(ADA, 3)
    assert await subscription.wait(DEADLINE_S) == 3
    assert len(subscription.take_passing()) == 1
    assert await subscription.wait(0) is None


async def test_earlier_step_of_an_image_is_dropped(hub: Hub, subscription: Subscription) -> None:
    def signalled(*statuses: str) -> list[str]:
        for status in statuses:
            hub.pass_on(ADA, MediaSignal(MediaId(5), status))
        return [signal.status for signal in subscription.take_passing()]

    assert signalled("processing", "queued") == ["processing"]
    assert signalled("processing") == []
    assert signalled("ready", "processing") == ["ready"]
    assert signalled("failed", "queued", "unknown") == []


async def test_progress_of_many_images_is_bounded(hub: Hub, subscription: Subscription) -> None:
    for number in range(3 * MAX_MEDIA):
        hub.pass_on(ADA, MediaSignal(MediaId(number), "ready"))
    taken = [signal.media_id for signal in subscription.take_passing()]
    assert taken == list(range(2 * MAX_MEDIA, 3 * MAX_MEDIA))
