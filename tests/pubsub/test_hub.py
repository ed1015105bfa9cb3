"""The hub, without the relay: what the relay does is played by its calls."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from server.errors import Throttled, Unavailable
from server.ids import SessionId, UserId
from server.pubsub.hub import Hub
from server.pubsub.subscription import CloseReason, Subscription
from tests.support.waiting import DEADLINE_S, wait_until

ADA, BOB = UserId(1), UserId(2)
PHONE = SessionId(11)


@pytest.fixture
def hub() -> Hub:
    return Hub(max_per_user=5)


@pytest.fixture
async def inbox(hub: Hub) -> AsyncIterator[Subscription]:
    async with hub.open(ADA, PHONE) as inbox:
        yield inbox


async def test_signal_wakes_a_waiting_stream_with_its_sequence(hub: Hub, inbox: Subscription) -> None:
    waiting = asyncio.create_task(inbox.wait(DEADLINE_S))
    await asyncio.sleep(0)
    hub.signal(ADA, 3)
    assert await waiting == 3


async def test_signals_before_the_wait_are_kept_as_their_highest(hub: Hub, inbox: Subscription) -> None:
    for sequence in (2, 4, 3):
        hub.signal(ADA, sequence)
    assert await inbox.wait(DEADLINE_S) == 4
    assert await inbox.wait(0) is None


async def test_what_a_stream_has_already_does_not_wake_it(hub: Hub, inbox: Subscription) -> None:
    hub.signal(ADA, 4)
    inbox.position = 4
    hub.signal(ADA, 4)
    assert await inbox.wait(0) is None


async def test_nonsense_signal_does_not_deafen_a_stream(hub: Hub, inbox: Subscription) -> None:
    hub.signal(ADA, 10**15)
    await inbox.wait(0)
    hub.signal(ADA, 1)
    assert await inbox.wait(DEADLINE_S) == 1


async def test_signal_reaches_every_stream_of_its_user_and_nobody_else(hub: Hub) -> None:
    async with hub.open(ADA, PHONE) as first, hub.open(ADA, PHONE) as second, hub.open(BOB, PHONE) as other:
        hub.signal(ADA, 1)
        assert [await inbox.wait(0) for inbox in (first, second, other)] == [1, 1, None]


async def test_one_stream_too_many_is_throttled_until_another_closes(hub: Hub) -> None:
    async with AsyncExitStack() as streams:
        for _ in range(4):
            await streams.enter_async_context(hub.open(ADA, PHONE))
        async with hub.open(ADA, PHONE), hub.open(BOB, PHONE):
            with pytest.raises(Throttled) as refused:
                await streams.enter_async_context(hub.open(ADA, PHONE))
            assert refused.value.retry_after_s
        await streams.enter_async_context(hub.open(ADA, PHONE))
        assert hub.streams == 5
    assert hub.streams == 0
    assert hub.users() == []


async def test_closing_all_wakes_every_stream_and_refuses_new_ones(hub: Hub) -> None:
    async with hub.open(ADA, PHONE) as first, hub.open(BOB, PHONE) as second:
        told: list[str] = []
        second.on_close = lambda: told.append("closed")
        waiting = [asyncio.create_task(inbox.wait(DEADLINE_S)) for inbox in (first, second)]
        await asyncio.sleep(0)
        hub.close_all(CloseReason.SHUTDOWN)
        assert await asyncio.gather(*waiting) == [None, None]
        assert first.closed is second.closed is CloseReason.SHUTDOWN
        assert told == ["closed"]
    with pytest.raises(Unavailable):
        async with hub.open(ADA, PHONE):
            pass


async def test_first_reason_for_closing_stands(inbox: Subscription) -> None:
    inbox.close(CloseReason.CLIENT_GONE)
    inbox.close(CloseReason.SHUTDOWN)
    assert inbox.closed is CloseReason.CLIENT_GONE


async def test_opening_waits_until_the_subscription_is_confirmed(hub: Hub) -> None:
    hub.start_connection()
    opening = hub.open(ADA, PHONE)
    entering = asyncio.create_task(opening.__aenter__())
    assert await hub.changes(DEADLINE_S) == {ADA}
    assert not entering.done()
    assert hub.confirm(ADA) is False, "nobody was reading without the subscription"
    await entering
    async with hub.open(ADA, PHONE):
        assert await hub.changes(0) == set(), "the second stream needs no second subscription"
    await opening.__aexit__(None, None, None)


async def test_opening_goes_on_without_a_confirmation_that_does_not_come() -> None:
    hub = Hub(max_per_user=5, subscribe_timeout_s=0.01)
    hub.start_connection()
    async with hub.open(ADA, PHONE):
        assert hub.confirm(ADA) is True, "a stream was reading without the subscription"


async def test_opening_does_not_wait_while_redis_is_away(hub: Hub) -> None:
    hub.start_connection()
    opening = hub.open(ADA, PHONE)
    entering = asyncio.create_task(opening.__aenter__())
    await hub.changes(DEADLINE_S)
    hub.end_connection()
    await entering
    async with hub.open(BOB, PHONE):
        assert set(hub.start_connection()) == {ADA, BOB}
    await opening.__aexit__(None, None, None)


async def test_only_the_streams_of_a_session_end_with_it(hub: Hub) -> None:
    laptop = SessionId(12)
    async with (
        hub.open(ADA, PHONE) as first,
        hub.open(ADA, PHONE) as second,
        hub.open(ADA, laptop) as other,
        hub.open(BOB, PHONE) as stranger,
    ):
        waiting = asyncio.create_task(first.wait(DEADLINE_S))
        await asyncio.sleep(0)
        hub.end_sessions({PHONE}, ADA)
        hub.end_sessions({PHONE}, UserId(99))
        assert await waiting is None
        assert [inbox.closed for inbox in (first, second, other, stranger)] == [
            CloseReason.SESSION_ENDED,
            CloseReason.SESSION_ENDED,
            None,
            None,
        ]
        hub.end_sessions({laptop})
        assert other.closed is CloseReason.SESSION_ENDED
        async with hub.open(ADA, SessionId(13)) as newer:
            assert newer.closed is None


async def test_cancelled_opening_leaves_nothing(hub: Hub) -> None:
    hub.start_connection()
    entering = asyncio.create_task(hub.open(ADA, PHONE).__aenter__())
    await wait_until(lambda: hub.wants(ADA))
    entering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await entering
    assert hub.streams == 0
    assert await hub.changes(0) == set(), "what the relay never heard of, it need not undo"


async def test_user_who_comes_back_before_the_relay_looked_keeps_the_subscription(hub: Hub) -> None:
    async with hub.open(ADA, PHONE):
        hub.start_connection()
        hub.confirm(ADA)
    async with hub.open(ADA, PHONE):
        assert await hub.changes(0) == set()


async def test_changes_lead_a_relay_to_exactly_who_is_wanted(hub: Hub) -> None:
    hub.start_connection()
    subscribed: set[UserId] = set()
    streams: dict[int, AsyncExitStack] = {}
    dice = random.Random(4)
    for step in range(2000):
        if streams and dice.random() < 0.5:
            await streams.pop(dice.choice(list(streams))).aclose()
        else:
            hub.end_connection()  # nothing waits for confirmations in this test
            streams[step] = AsyncExitStack()
            try:
                await streams[step].enter_async_context(hub.open(UserId(dice.randrange(20)), PHONE))
            except Throttled:
                del streams[step]
        if dice.random() < 0.2:
            for user_id in await hub.changes(0):
                (subscribed.add if hub.wants(user_id) else subscribed.discard)(user_id)
            assert subscribed == set(hub.users())
    for stream in streams.values():
        await stream.aclose()
