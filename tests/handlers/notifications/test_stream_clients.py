"""Streams end with their client, session or server, and are independent of slow clients."""

import asyncio
import contextlib

import orjson
import pytest
from aiohttp import ClientConnectionError
from redis.asyncio import Redis
from structlog.testing import capture_logs

from server.ids import SessionId, UserId
from server.pubsub.subscription import CloseReason
from tests.handlers.notifications.stream_server import ADA, BOB, PAGE, StreamServer, ids, render_large
from tests.support.sse_reader import Block
from tools.harness.waiting import DEADLINE_S, wait_until


async def test_idle_stream_sends_heartbeats(stream_server: StreamServer) -> None:
    await stream_server.start(heartbeat_s=0.01)
    async with stream_server.stream(ADA) as reader:
        for _ in range(3):
            assert await reader.block() == Block(comment="heartbeat")


async def test_sixth_stream_is_refused_until_another_ends(stream_server: StreamServer) -> None:
    await stream_server.start()
    readers = [await stream_server.get(ADA) for _ in range(5)]
    refused = await stream_server.get(ADA)
    assert refused.response.status == 429
    assert await refused.response.json() == {"code": "too_many_streams"}
    async with stream_server.stream(BOB):
        readers[2].response.close()
        await wait_until(lambda: stream_server.hub.stream_count == 5)
    async with stream_server.stream(ADA):
        pass
    for reader in readers:
        reader.response.close()


async def test_last_stream_of_a_user_unsubscribes(stream_server: StreamServer, redis: Redis) -> None:
    async def subscribers() -> int:
        return (await redis.pubsub_numsub("user-signals:1"))[0][1]

    await stream_server.start()
    async with stream_server.stream(ADA):
        async with stream_server.stream(ADA):
            assert await subscribers() == 1
        await wait_until(lambda: stream_server.hub.stream_count == 1)
        assert await subscribers() == 1

    async def unsubscribed() -> bool:
        return await subscribers() == 0

    await wait_until(unsubscribed)
    await stream_server.wait_until_closed()


async def test_shutdown_ends_streams_with_a_reconnect_delay(stream_server: StreamServer) -> None:
    await stream_server.start()
    await stream_server.notify(ADA, 5 * PAGE)
    async with (
        stream_server.stream(ADA) as idle,
        stream_server.stream(BOB) as other,
        stream_server.stream(ADA, "1") as replaying,
    ):
        await replaying.event()
        stream_server.hub.close_all(CloseReason.SHUTDOWN)
        for reader in (idle, other, replaying):
            *_, last = await reader.rest()
            assert last.comment == "server is shutting down"
            assert 2000 <= int(last.retry) <= 4000
        await stream_server.wait_until_closed()
    assert (await stream_server.get(ADA)).response.status == 503


async def test_end_of_a_session_ends_its_stream(stream_server: StreamServer) -> None:
    await stream_server.start()
    await stream_server.notify(ADA, 5 * PAGE)
    async with (
        stream_server.stream(ADA) as idle,
        stream_server.stream(ADA, "1") as replaying,
        stream_server.stream(BOB) as other,
    ):
        await replaying.event()
        await stream_server.publisher.publish_ended_sessions(UserId(ADA), [SessionId(1)])
        for reader in (idle, replaying):
            assert not [block for block in await reader.rest() if block.retry], "no reconnect delay is sent"
        await stream_server.notify(BOB)
        assert ids(await other.events(1)) == [1]
    await stream_server.wait_until_closed()


async def test_shutdown_during_replay_sends_only_whole_events(stream_server: StreamServer) -> None:
    await stream_server.start(render=render_large)
    await stream_server.notify(ADA, 200)
    async with stream_server.stream(ADA, "0") as reader:
        first = await reader.event()
        stream_server.hub.close_all(CloseReason.SHUTDOWN)
        received = [first, *(block for block in await reader.rest() if block.event)]
    assert ids(received) == list(range(1, len(received) + 1))
    assert all(orjson.loads(block.data)["sequence"] == int(block.id) for block in received)


async def test_slow_client_is_dropped_without_slowing_others(stream_server: StreamServer) -> None:
    await stream_server.start(render=render_large, write_timeout_s=0.3)
    for user in (ADA, BOB):
        await stream_server.notify(user, 100)
    with capture_logs() as logs:
        slow = [stream_server.connect_without_reading(user, "0") for user in (ADA, ADA, BOB)]
        await wait_until(lambda: stream_server.hub.stream_count == 3)
        async with stream_server.stream(ADA, "0") as reader:
            assert ids(await reader.events(100)) == list(range(1, 101))
            await wait_until(lambda: stream_server.hub.stream_count == 1)
            await stream_server.notify(ADA)
            assert ids(await reader.events(1)) == [101]
    assert [entry["event"] for entry in logs] == ["slow_reader_dropped"] * 3
    for client in slow:
        # The connection is reset, so that the kernel keeps no unread data.
        with client, pytest.raises(ConnectionResetError):
            while client.recv(65_536):
                pass


async def test_shutdown_does_not_wait_for_slow_clients(stream_server: StreamServer) -> None:
    await stream_server.start(render=render_large)
    await stream_server.notify(ADA, 100)
    slow = [stream_server.connect_without_reading(ADA, "0") for _ in range(3)]
    await wait_until(lambda: stream_server.hub.stream_count == 3)
    seen = -1
    while seen != stream_server.notifications.queries:  # until all writes are blocked
        seen = stream_server.notifications.queries
        await asyncio.sleep(0.05)
    stream_server.hub.close_all(CloseReason.SHUTDOWN)
    await stream_server.wait_until_closed()
    for client in slow:
        client.close()


async def test_disconnect_during_a_write_ends_the_stream(stream_server: StreamServer) -> None:
    await stream_server.start(render=render_large)
    await stream_server.notify(ADA, 100)
    for _ in range(5):
        stream_server.connect_without_reading(ADA, "0").close()
    await stream_server.wait_until_closed()


async def test_input_after_the_request_is_ignored(stream_server: StreamServer) -> None:
    await stream_server.start()
    client = stream_server.connect_without_reading(ADA)
    client.setblocking(False)

    async def receive(expected: bytes) -> None:
        received = b""
        async with asyncio.timeout(DEADLINE_S):
            while expected not in received:
                received += await asyncio.get_running_loop().sock_recv(client, 4096)

    await receive(b"id: 0\n\n")
    await asyncio.get_running_loop().sock_sendall(
        client, b"GET /stream?user=2 HTTP/1.1\r\nHost: x\r\n\r\n" * 100
    )
    await stream_server.notify(ADA)
    await receive(b"id: 1\nevent: like")
    assert stream_server.hub.stream_count == 1
    client.close()
    await stream_server.wait_until_closed()


async def test_request_with_a_body_is_refused(stream_server: StreamServer) -> None:
    await stream_server.start()
    with contextlib.suppress(ClientConnectionError):
        refused = await stream_server.client.get(
            stream_server.server.make_url("/stream"), params={"user": ADA}, data=b"x"
        )
        assert refused.status == 400
    assert stream_server.hub.stream_count == 0
