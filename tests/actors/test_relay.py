"""The relay between a real server, which is stopped, killed and started, and the hub."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from server.actors.relay import Relay
from server.errors import Throttled
from server.gateways.redis.client import redis_client
from server.ids import SessionId, UserId
from server.outages import Outage
from server.pubsub.hub import Hub
from server.pubsub.publisher import Publisher
from server.pubsub.subscription import CloseReason
from tests.support.backends import RedisServer, start_valkey
from tests.support.sse_reader import NotificationRows
from tests.support.waiting import DEADLINE_S, wait_until

ADA, BOB = UserId(1), UserId(2)
PHONE, LAPTOP = SessionId(11), SessionId(12)
NEVER_S = 3600.0


@pytest.fixture
def server(scratch: Path, request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    """A server of this test's own, to stop and to start."""
    server = start_valkey(scratch / f"relay-{request.node.name[:40]}")
    yield server
    server.stop()


@pytest.fixture
async def redis(server: RedisServer) -> AsyncIterator[Redis]:
    async with redis_client(server.url, timeout_s=1.0) as redis:
        yield redis


@pytest.fixture
def ledger() -> NotificationRows:
    return NotificationRows()


@pytest.fixture
def hub() -> Hub:
    return Hub(max_per_user=5, subscribe_timeout_s=DEADLINE_S)


@asynccontextmanager
async def relaying(relay: Relay, hub: Hub) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(relay.run())
    await wait_until(lambda: hub.connected)
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.fixture
async def relay(hub: Hub, redis: Redis, ledger: NotificationRows) -> AsyncIterator[Relay]:
    """A running relay that never sweeps of itself."""
    relay = Relay(hub, redis, ledger.list_last_sequences, sweep_s=NEVER_S, ping_s=1.0)
    async with relaying(relay, hub):
        yield relay


async def listeners(redis: Redis, *user_ids: UserId) -> list[int]:
    counts = await redis.pubsub_numsub(*(f"inbox:{user_id}" for user_id in user_ids))
    return [count for _, count in counts]


@pytest.mark.usefixtures("relay")
async def test_signal_published_after_opening_is_heard(hub: Hub, redis: Redis) -> None:
    async with hub.open(ADA, PHONE) as inbox:
        await redis.publish("inbox:1", "5")
        assert await inbox.wait(DEADLINE_S) == 5


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("decode_responses", [False, True])
async def test_every_dialect_of_redis_is_understood(
    hub: Hub, server: RedisServer, ledger: NotificationRows, protocol: int, decode_responses: bool
) -> None:
    async with (
        Redis.from_url(server.url, protocol=protocol, decode_responses=decode_responses) as redis,
        relaying(Relay(hub, redis, ledger.list_last_sequences, ping_s=0.02), hub),
    ):
        pings = await calls_of(redis, "ping")
        await wait_until(lambda: called(redis, "ping", pings + 3))
        async with hub.open(ADA, PHONE) as inbox:
            await wait_until(lambda: called(redis, "ping", pings + 6))
            await redis.publish("inbox:1", "5")
            assert await inbox.wait(DEADLINE_S) == 5
        await wait_until(lambda: unsubscribed(redis, ADA))


@pytest.mark.usefixtures("relay")
async def test_only_users_with_a_stream_are_listened_for(hub: Hub, redis: Redis) -> None:
    async with hub.open(ADA, PHONE):
        async with hub.open(BOB, PHONE), hub.open(BOB, PHONE):
            assert await listeners(redis, ADA, BOB) == [1, 1]
        await wait_until(lambda: unsubscribed(redis, BOB))
        assert await listeners(redis, ADA) == [1]
    await wait_until(lambda: unsubscribed(redis, ADA))


async def unsubscribed(redis: Redis, user_id: UserId) -> bool:
    return await listeners(redis, user_id) == [0]


@pytest.mark.usefixtures("relay")
async def test_thousands_of_streams_are_subscribed_at_once(hub: Hub, redis: Redis) -> None:
    async with AsyncExitStack() as streams:
        opening = [streams.enter_async_context(hub.open(UserId(number), PHONE)) for number in range(3000)]
        inboxes = await asyncio.gather(*opening)
        for inbox in inboxes:
            await redis.publish(f"inbox:{inbox.user_id}", "1")
        assert set(await asyncio.gather(*(inbox.wait(DEADLINE_S) for inbox in inboxes))) == {1}


@pytest.mark.usefixtures("relay")
async def test_subscriptions_follow_streams_that_come_and_go_quickly(hub: Hub, redis: Redis) -> None:
    users = [UserId(number) for number in range(30)]

    async def visit(dice: random.Random) -> None:
        for _ in range(40):
            with contextlib.suppress(Throttled):
                async with hub.open(dice.choice(users), PHONE) as inbox:
                    assert await listeners(redis, inbox.user_id) == [1], "open before it was subscribed"
                    await inbox.wait(dice.choice([0, 0, 0.001]))

    await asyncio.gather(*(visit(random.Random(seed)) for seed in range(20)))

    async def nobody_is_listened_for() -> bool:
        return not any(await listeners(redis, *users))

    await wait_until(nobody_is_listened_for)


@pytest.mark.usefixtures("relay")
async def test_the_end_of_a_session_is_heard(hub: Hub, redis: Redis) -> None:
    async with hub.open(ADA, PHONE) as phone, hub.open(ADA, LAPTOP) as laptop, hub.open(BOB, PHONE) as other:
        await Publisher(redis).publish_ended(ADA, [PHONE, SessionId(99)])
        assert await phone.wait(DEADLINE_S) is None
        assert phone.closed is CloseReason.SESSION_ENDED
        await redis.publish("inbox:1", "5")
        assert await laptop.wait(DEADLINE_S) == 5
        assert (laptop.closed, other.closed) == (None, None)


@pytest.mark.usefixtures("relay")
async def test_unreadable_messages_are_passed_over(hub: Hub, redis: Redis) -> None:
    async with hub.open(ADA, PHONE) as inbox:
        with capture_logs() as logs:
            for nonsense in ("", "x", "1.5", b"\xff", "ended ", "ended 1,x"):
                await redis.publish("inbox:1", nonsense)
            await redis.publish("inbox:1", "5")
            assert await inbox.wait(DEADLINE_S) == 5
        assert {entry["event"] for entry in logs} == {"signal_unreadable"}


@pytest.mark.usefixtures("relay")
async def test_what_was_lost_while_redis_was_away_is_caught_up_when_it_is_back(
    hub: Hub, server: RedisServer, redis: Redis, ledger: NotificationRows
) -> None:
    async with hub.open(ADA, PHONE) as inbox, hub.open(BOB, PHONE) as idle:
        with capture_logs() as logs:
            server.kill()
            await wait_until(lambda: not hub.connected)
            ledger.add(ADA)  # committed, and never signalled
            server.start()
            assert await inbox.wait(DEADLINE_S) == 1
            await redis.publish("inbox:2", "3")
            assert await idle.wait(DEADLINE_S) == 3, "the subscriptions are back"
            await wait_until(lambda: len(logs) == 2)
        assert [entry["event"] for entry in logs] == ["redis_unavailable", "redis_recovered"]


@pytest.mark.usefixtures("relay")
async def test_stream_opened_while_redis_is_away_is_caught_up_too(
    hub: Hub, server: RedisServer, ledger: NotificationRows
) -> None:
    server.kill()
    await wait_until(lambda: not hub.connected)
    async with hub.open(ADA, PHONE) as inbox:
        ledger.add(ADA)
        server.start()
        assert await inbox.wait(DEADLINE_S) == 1


@pytest.mark.usefixtures("relay")
async def test_cut_connection_is_made_again(hub: Hub, redis: Redis, ledger: NotificationRows) -> None:
    async with hub.open(ADA, PHONE) as inbox:
        for sequence in range(1, 6):
            await redis.client_kill_filter(_type="pubsub")
            ledger.add(ADA)
            assert await inbox.wait(DEADLINE_S) == sequence
            inbox.position = sequence


async def test_server_that_falls_silent_is_left(
    hub: Hub, server: RedisServer, redis: Redis, ledger: NotificationRows
) -> None:
    async with (
        relaying(Relay(hub, redis, ledger.list_last_sequences, sweep_s=NEVER_S, ping_s=0.1), hub),
        hub.open(ADA, PHONE) as inbox,
    ):
        server.pause()
        try:
            await wait_until(lambda: not hub.connected)
            ledger.add(ADA)
        finally:
            server.resume()
        assert await inbox.wait(DEADLINE_S) == 1


async def test_idle_connection_outlives_many_pings(hub: Hub, redis: Redis, ledger: NotificationRows) -> None:
    async with relaying(Relay(hub, redis, ledger.list_last_sequences, sweep_s=NEVER_S, ping_s=0.02), hub):
        pings = await calls_of(redis, "ping")
        with capture_logs() as logs:
            await wait_until(lambda: called(redis, "ping", pings + 20))
            async with hub.open(ADA, PHONE) as inbox:
                await wait_until(lambda: called(redis, "ping", pings + 40))
                await redis.publish("inbox:1", "5")
                assert await inbox.wait(DEADLINE_S) == 5
        assert logs == []


async def called(redis: Redis, command: str, times: int) -> bool:
    return await calls_of(redis, command) >= times


async def calls_of(redis: Redis, command: str) -> int:
    return (await redis.info("commandstats")).get(f"cmdstat_{command}", {"calls": 0})["calls"]


async def test_sweep_finds_what_nobody_signalled(hub: Hub, redis: Redis, ledger: NotificationRows) -> None:
    async with (
        relaying(Relay(hub, redis, ledger.list_last_sequences, sweep_s=0.02), hub),
        hub.open(ADA, PHONE) as inbox,
    ):
        for sequence in (1, 2):
            ledger.add(ADA)
            assert await inbox.wait(DEADLINE_S) == sequence
            inbox.position = sequence


async def test_sweep_goes_on_after_the_database_was_away(
    hub: Hub, redis: Redis, ledger: NotificationRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.actors.relay.ASK_AGAIN_S", 0.01)
    outage = Outage("database", settled_after_s=0.0)
    relay = Relay(hub, redis, ledger.list_last_sequences, sweep_s=0.02, database_outage=outage)
    async with relaying(relay, hub), hub.open(ADA, PHONE) as inbox:
        with capture_logs() as logs:
            ledger.unavailable = True
            queries = ledger.queries
            await wait_until(lambda: ledger.queries > queries + 5)
            ledger.add(ADA)
            ledger.unavailable = False
            assert await inbox.wait(DEADLINE_S) == 1
        assert [entry["event"] for entry in logs] == ["database_unavailable", "database_recovered"]


async def test_crash_of_a_part_ends_the_relay_which_may_run_again(hub: Hub, redis: Redis) -> None:
    async def fail(_: object) -> dict[UserId, int]:
        raise ZeroDivisionError

    relay = Relay(hub, redis, fail, sweep_s=0.01)
    async with hub.open(ADA, PHONE):
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                await relay.run()
            assert not hub.connected
            assert len(await redis.client_list(_type="pubsub")) == 0


async def test_cancelled_at_any_moment_it_leaves_no_connection(
    hub: Hub, server: RedisServer, redis: Redis, ledger: NotificationRows
) -> None:
    dice = random.Random(11)
    async with hub.open(ADA, PHONE):
        for _ in range(100):
            task = asyncio.create_task(Relay(hub, redis, ledger.list_last_sequences).run())
            for _ in range(dice.randrange(40)):
                await asyncio.sleep(0)
            if dice.random() < 0.2:
                await redis.client_kill_filter(_type="pubsub")
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert not hub.connected
    await redis.aclose()
    await wait_until(lambda: server.connections() == 0)
