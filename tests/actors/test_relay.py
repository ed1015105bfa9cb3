"""The relay with a real Redis server that is stopped, killed and restarted."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

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
from tests.support.sse_reader import NotificationRows
from tools.harness.backends import RedisServer
from tools.harness.waiting import DEADLINE_S, wait_until

ADA, BOB = UserId(1), UserId(2)
PHONE, LAPTOP = SessionId(11), SessionId(12)
NEVER_S = 3600.0


@pytest.fixture
async def redis(own_server: RedisServer) -> AsyncIterator[Redis]:
    async with redis_client(own_server.url, timeout_s=1.0) as redis:
        yield redis


@pytest.fixture
def rows() -> NotificationRows:
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
async def relay(hub: Hub, redis: Redis, rows: NotificationRows) -> AsyncIterator[Relay]:
    """A running relay that does not sweep."""
    relay = Relay(hub, redis, rows.list_last_sequences, sweep_s=NEVER_S, ping_s=1.0)
    async with relaying(relay, hub):
        yield relay


async def subscriber_counts(redis: Redis, *user_ids: UserId) -> list[int]:
    counts = await redis.pubsub_numsub(*(f"user-signals:{user_id}" for user_id in user_ids))
    return [count for _, count in counts]


@pytest.mark.usefixtures("relay")
async def test_signal_after_subscribing_is_received(hub: Hub, redis: Redis) -> None:
    async with hub.subscribe(ADA, PHONE) as subscription:
        await redis.publish("user-signals:1", "5")
        assert await subscription.wait(DEADLINE_S) == 5


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("decode_responses", [False, True])
async def test_every_redis_protocol_is_understood(
    hub: Hub, own_server: RedisServer, rows: NotificationRows, protocol: int, decode_responses: bool
) -> None:
    async with (
        Redis.from_url(own_server.url, protocol=protocol, decode_responses=decode_responses) as redis,
        relaying(Relay(hub, redis, rows.list_last_sequences, ping_s=0.02), hub),
    ):
        pings = await calls_of(redis, "ping")
        await wait_until(lambda: called(redis, "ping", pings + 3))
        async with hub.subscribe(ADA, PHONE) as subscription:
            await wait_until(lambda: called(redis, "ping", pings + 6))
            await redis.publish("user-signals:1", "5")
            assert await subscription.wait(DEADLINE_S) == 5
        await wait_until(lambda: unsubscribed(redis, ADA))


@pytest.mark.usefixtures("relay")
async def test_only_users_with_streams_are_subscribed(hub: Hub, redis: Redis) -> None:
    async with hub.subscribe(ADA, PHONE):
        async with hub.subscribe(BOB, PHONE), hub.subscribe(BOB, PHONE):
            assert await subscriber_counts(redis, ADA, BOB) == [1, 1]
        await wait_until(lambda: unsubscribed(redis, BOB))
        assert await subscriber_counts(redis, ADA) == [1]
    await wait_until(lambda: unsubscribed(redis, ADA))


async def unsubscribed(redis: Redis, user_id: UserId) -> bool:
    return await subscriber_counts(redis, user_id) == [0]


@pytest.mark.usefixtures("relay")
async def test_thousands_of_streams_subscribe_at_once(hub: Hub, redis: Redis) -> None:
    async with AsyncExitStack() as streams:
        opening = [
            streams.enter_async_context(hub.subscribe(UserId(number), PHONE)) for number in range(3000)
        ]
        subscriptions = await asyncio.gather(*opening)
        for subscription in subscriptions:
            await redis.publish(f"user-signals:{subscription.user_id}", "1")
        assert set(
            await asyncio.gather(*(subscription.wait(DEADLINE_S) for subscription in subscriptions))
        ) == {1}


@pytest.mark.usefixtures("relay")
async def test_subscriptions_follow_short_streams(hub: Hub, redis: Redis) -> None:
    users = [UserId(number) for number in range(30)]

    async def visit(dice: random.Random) -> None:
        for _ in range(40):
            with contextlib.suppress(Throttled):
                async with hub.subscribe(dice.choice(users), PHONE) as subscription:
                    assert await subscriber_counts(redis, subscription.user_id) == [1], (
                        "started before the channel was subscribed"
                    )
                    await subscription.wait(dice.choice([0, 0, 0.001]))

    await asyncio.gather(*(visit(random.Random(seed)) for seed in range(20)))

    async def has_no_subscriptions() -> bool:
        return not any(await subscriber_counts(redis, *users))

    await wait_until(has_no_subscriptions)


@pytest.mark.usefixtures("relay")
async def test_ended_session_closes_its_stream(hub: Hub, redis: Redis) -> None:
    async with (
        hub.subscribe(ADA, PHONE) as phone,
        hub.subscribe(ADA, LAPTOP) as laptop,
        hub.subscribe(BOB, PHONE) as other,
    ):
        await Publisher(redis).publish_ended_sessions(ADA, [PHONE, SessionId(99)])
        assert await phone.wait(DEADLINE_S) is None
        assert phone.closed is CloseReason.SESSION_ENDED
        await redis.publish("user-signals:1", "5")
        assert await laptop.wait(DEADLINE_S) == 5
        assert (laptop.closed, other.closed) == (None, None)


@pytest.mark.usefixtures("relay")
async def test_malformed_messages_are_ignored(hub: Hub, redis: Redis) -> None:
    async with hub.subscribe(ADA, PHONE) as subscription:
        with capture_logs() as logs:
            for malformed in ("", "x", "1.5", b"\xff", "ended-sessions ", "ended-sessions 1,x"):
                await redis.publish("user-signals:1", malformed)
            await redis.publish("user-signals:1", "5")
            assert await subscription.wait(DEADLINE_S) == 5
        assert {entry["event"] for entry in logs} == {"signal_unreadable"}


@pytest.mark.usefixtures("relay")
async def test_signals_lost_during_outage_are_caught_up(
    hub: Hub, own_server: RedisServer, redis: Redis, rows: NotificationRows
) -> None:
    async with hub.subscribe(ADA, PHONE) as subscription, hub.subscribe(BOB, PHONE) as idle:
        with capture_logs() as logs:
            own_server.kill()
            await wait_until(lambda: not hub.connected)
            rows.add(ADA)  # committed, but never signalled
            own_server.start()
            assert await subscription.wait(DEADLINE_S) == 1
            await redis.publish("user-signals:2", "3")
            assert await idle.wait(DEADLINE_S) == 3, "the subscriptions are back"
            await wait_until(lambda: len(logs) == 2)
        assert [entry["event"] for entry in logs] == ["redis_unavailable", "redis_recovered"]


@pytest.mark.usefixtures("relay")
async def test_stream_opened_during_outage_is_caught_up(
    hub: Hub, own_server: RedisServer, rows: NotificationRows
) -> None:
    own_server.kill()
    await wait_until(lambda: not hub.connected)
    async with hub.subscribe(ADA, PHONE) as subscription:
        rows.add(ADA)
        own_server.start()
        assert await subscription.wait(DEADLINE_S) == 1


@pytest.mark.usefixtures("relay")
async def test_cut_connection_is_replaced(hub: Hub, redis: Redis, rows: NotificationRows) -> None:
    async with hub.subscribe(ADA, PHONE) as subscription:
        for sequence in range(1, 6):
            await redis.client_kill_filter(_type="pubsub")
            rows.add(ADA)
            assert await subscription.wait(DEADLINE_S) == sequence
            subscription.position = sequence


async def test_unresponsive_server_is_disconnected(
    hub: Hub, own_server: RedisServer, redis: Redis, rows: NotificationRows
) -> None:
    async with (
        relaying(Relay(hub, redis, rows.list_last_sequences, sweep_s=NEVER_S, ping_s=0.1), hub),
        hub.subscribe(ADA, PHONE) as subscription,
    ):
        own_server.pause()
        try:
            await wait_until(lambda: not hub.connected)
            rows.add(ADA)
        finally:
            own_server.resume()
        assert await subscription.wait(DEADLINE_S) == 1


async def test_idle_connection_survives_many_pings(hub: Hub, redis: Redis, rows: NotificationRows) -> None:
    async with relaying(Relay(hub, redis, rows.list_last_sequences, sweep_s=NEVER_S, ping_s=0.02), hub):
        pings = await calls_of(redis, "ping")
        with capture_logs() as logs:
            await wait_until(lambda: called(redis, "ping", pings + 20))
            async with hub.subscribe(ADA, PHONE) as subscription:
                await wait_until(lambda: called(redis, "ping", pings + 40))
                await redis.publish("user-signals:1", "5")
                assert await subscription.wait(DEADLINE_S) == 5
        assert logs == []


async def called(redis: Redis, command: str, times: int) -> bool:
    return await calls_of(redis, command) >= times


async def calls_of(redis: Redis, command: str) -> int:
    return (await redis.info("commandstats")).get(f"cmdstat_{command}", {"calls": 0})["calls"]


async def test_sweep_finds_unsignalled_notifications(hub: Hub, redis: Redis, rows: NotificationRows) -> None:
    async with (
        relaying(Relay(hub, redis, rows.list_last_sequences, sweep_s=0.02), hub),
        hub.subscribe(ADA, PHONE) as subscription,
    ):
        for sequence in (1, 2):
            rows.add(ADA)
            assert await subscription.wait(DEADLINE_S) == sequence
            subscription.position = sequence


async def test_sweep_continues_after_database_outage(
    hub: Hub, redis: Redis, rows: NotificationRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.actors.relay.QUERY_RETRY_S", 0.01)
    outage = Outage("database", settled_after_s=0.0)
    relay = Relay(hub, redis, rows.list_last_sequences, sweep_s=0.02, database_outage=outage)
    async with relaying(relay, hub), hub.subscribe(ADA, PHONE) as subscription:
        with capture_logs() as logs:
            rows.unavailable = True
            queries = rows.queries
            await wait_until(lambda: rows.queries > queries + 5)
            rows.add(ADA)
            rows.unavailable = False
            assert await subscription.wait(DEADLINE_S) == 1
        assert [entry["event"] for entry in logs] == ["database_unavailable", "database_recovered"]


async def test_relay_can_run_again_after_a_crash(hub: Hub, redis: Redis) -> None:
    async def fail(_: object) -> dict[UserId, int]:
        raise ZeroDivisionError

    relay = Relay(hub, redis, fail, sweep_s=0.01)
    async with hub.subscribe(ADA, PHONE):
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                await relay.run()
            assert not hub.connected
            assert len(await redis.client_list(_type="pubsub")) == 0


async def test_cancellation_leaves_no_connection(
    hub: Hub, own_server: RedisServer, redis: Redis, rows: NotificationRows
) -> None:
    dice = random.Random(11)
    async with hub.subscribe(ADA, PHONE):
        for _ in range(100):
            task = asyncio.create_task(Relay(hub, redis, rows.list_last_sequences).run())
            for _ in range(dice.randrange(40)):
                await asyncio.sleep(0)
            if dice.random() < 0.2:
                await redis.client_kill_filter(_type="pubsub")
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert not hub.connected
    await redis.aclose()
    await wait_until(lambda: own_server.connections() == 0)
