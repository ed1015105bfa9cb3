"""A stream server on its own Redis."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession, ClientTimeout
from redis.asyncio import Redis

from server.actors.relay import Relay
from server.gateways.redis.client import redis_client
from server.pubsub.publisher import Publisher
from server.pubsub.subscription import CloseReason
from tests.handlers.notifications.stream_server import NEVER_S, StreamServer
from tools.harness.backends import RedisServer
from tools.harness.waiting import wait_until


@pytest.fixture
async def redis(own_server: RedisServer) -> AsyncIterator[Redis]:
    async with redis_client(own_server.url, timeout_s=1.0) as redis:
        yield redis


@pytest.fixture
async def stream_server(redis: Redis) -> AsyncIterator[StreamServer]:
    """Yield a server that the test starts with its own options. Its relay reads the database only after an outage."""
    async with ClientSession(timeout=ClientTimeout(total=None)) as client:
        server = StreamServer(Publisher(redis), client)
        relay = asyncio.create_task(
            Relay(server.hub, redis, server.notifications.list_last_sequences, sweep_s=NEVER_S).run()
        )
        await wait_until(lambda: server.hub.connected)
        yield server
        server.hub.close_all(CloseReason.SHUTDOWN)
        await server.server.close()
        relay.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await relay
