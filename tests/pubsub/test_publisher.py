"""The publisher with a real Redis server that is stopped and restarted."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from structlog.testing import capture_logs

from server.gateways.redis.client import redis_client
from server.ids import PostId, UserId
from server.outages import Outage
from server.pubsub.publisher import NotificationSignal, Publisher
from tools.harness.backends import RedisServer
from tools.harness.waiting import DEADLINE_S

SIGNAL = NotificationSignal(
    recipient_id=UserId(9007199254740991),
    sequence=17,
    type="comment",
    actor_id=UserId(5),
    post_id=PostId(6),
    text="Très bien\n",
    created_at_ms=1_790_000_000_123,
)


@pytest.fixture
async def redis(own_server: RedisServer) -> AsyncIterator[Redis]:
    async with redis_client(own_server.url, timeout_s=1.0) as redis:
        yield redis


@pytest.fixture
async def listener(redis: Redis) -> AsyncIterator[PubSub]:
    async with redis.pubsub(ignore_subscribe_messages=True) as listener:
        await listener.subscribe("notification-comment", "user-signals:9007199254740991")
        await next_message(listener, 0.1)
        await next_message(listener, 0.1)
        yield listener


async def next_message(listener: PubSub, timeout_s: float = DEADLINE_S) -> tuple[str, bytes] | None:
    message: dict[str, Any] | None = await listener.get_message(timeout=timeout_s)
    return message and (message["channel"].decode(), message["data"])


async def test_both_channels_receive_the_message(redis: Redis, listener: PubSub) -> None:
    await Publisher(redis).publish(SIGNAL)
    received = dict([await next_message(listener) or ("", b""), await next_message(listener) or ("", b"")])
    assert received.pop("user-signals:9007199254740991") == b"17"
    assert orjson.loads(received["notification-comment"]) == {
        "fromUserId": "5",
        "toUserId": "9007199254740991",
        "type": "comment",
        "postId": "6",
        "text": "Très bien\n",
        "timestamp": "2026-09-21T14:13:20.123Z",
    }


async def test_outage_is_counted_and_logged_once(
    own_server: RedisServer, redis: Redis, listener: PubSub
) -> None:
    lost: list[None] = []
    outage = Outage("redis", settled_after_s=0.0)
    publisher = Publisher(redis, outage=outage, count_lost=lambda: lost.append(None))
    own_server.kill()
    with capture_logs() as logs:
        for _ in range(20):
            await publisher.publish(SIGNAL)
        assert len(lost) == 20
        own_server.start()
        await publisher.publish(SIGNAL)
    assert [entry["event"] for entry in logs] == ["redis_unavailable", "redis_recovered"]
    assert len(lost) == 20


async def test_only_one_call_waits_while_redis_hangs(own_server: RedisServer, redis: Redis) -> None:
    lost: list[None] = []
    publisher = Publisher(redis, timeout_s=0.05, count_lost=lambda: lost.append(None))
    await publisher.publish(SIGNAL)
    own_server.pause()
    try:
        await publisher.publish(SIGNAL)
        probe = asyncio.create_task(publisher.publish(SIGNAL))
        await asyncio.sleep(0)
        async with asyncio.timeout(DEADLINE_S):
            for _ in range(1000):
                await publisher.publish(SIGNAL)
        assert not probe.done(), "a thousand calls took less than the one timeout"
        await probe
    finally:
        own_server.resume()
    assert len(lost) == 1002
    await publisher.publish(SIGNAL)
    assert len(lost) == 1002


async def test_new_post_is_published_to_open_channels_only(redis: Redis, listener: PubSub) -> None:
    publisher, user_id = Publisher(redis), UserId(9007199254740991)
    others = [UserId(number) for number in range(1, 2500)]
    before = await _publishes(redis)
    assert await publisher.publish_new_post([*others, user_id], PostId(6))
    assert await next_message(listener) == ("user-signals:9007199254740991", b"feed 6")
    assert await _publishes(redis) == before + 1
    assert await publisher.publish_new_post([], PostId(6))
    assert await publisher.list_listeners() == [user_id]


async def _publishes(redis: Redis) -> int:
    statistics = (await redis.info("commandstats")).get("cmdstat_publish", {})
    return statistics.get("calls", 0)
