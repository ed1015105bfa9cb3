"""Streams over a real aiohttp server, signalled through a real Redis; the database is played by a ledger."""

import asyncio
import contextlib
import random
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import ClientConnectionError, ClientSession, ClientTimeout, web
from aiohttp.test_utils import TestServer
from redis.asyncio import Redis
from structlog.testing import capture_logs

from server.actors.relay import Relay
from server.errors import AppError, Throttled
from server.gateways.redis.client import redis_client
from server.handlers.notifications.stream import NotificationStream
from server.ids import SessionId, UserId
from server.pubsub.hub import Hub
from server.pubsub.publisher import Publisher
from server.pubsub.subscription import CloseReason
from server.services.records import Notification, NotificationType, Principal, Role
from tests.support.backends import RedisServer, start_valkey
from tests.support.sse_reader import Block, NotificationRows, Reader, signal_of
from tests.support.waiting import DEADLINE_S, wait_until

ADA, BOB = 1, 2
NEVER_S = 3600.0
PAGE = 10


def render(notification: Notification) -> bytes:
    return orjson.dumps({"id": str(notification.id), "sequence": notification.sequence})


def render_large(notification: Notification) -> bytes:
    return orjson.dumps({"sequence": notification.sequence, "text": "x" * 4000})


@web.middleware
async def plain_problems(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except AppError as error:
        status = 429 if isinstance(error, Throttled) else 503 if error.retry_after_s else 400
        return web.json_response({"code": error.code}, status=status)


class Site:
    """A server with one route, the stream of the user who is named in the query."""

    def __init__(self, publisher: Publisher, client: ClientSession) -> None:
        self.ledger = NotificationRows()
        self.hub = Hub(max_per_user=5)
        self.publisher = publisher
        self.client = client
        self.server = TestServer(web.Application())
        self.running: list[asyncio.Task[Any] | None] = []

    async def start(self, **options: Any) -> None:
        defaults = {
            "heartbeat_s": NEVER_S,
            "retry_ms": 2000,
            "replay_limit": PAGE,
            "render": render,
            "write_timeout_s": NEVER_S,
        }
        stream = NotificationStream(self.hub, self.ledger, **{**defaults, **options})

        async def handle(request: web.Request) -> web.StreamResponse:
            user_id = UserId(int(request.query["user"]))
            self.running.append(asyncio.current_task())
            return await stream.handle(request, Principal(user_id, SessionId(1), Role.USER))

        application = web.Application(middlewares=[plain_problems])
        application.router.add_get("/stream", handle, allow_head=False)
        self.server = TestServer(application)
        await self.server.start_server(access_log=None)

    async def tell(self, user: int, times: int = 1) -> None:
        """Commit notifications, and signal each."""
        for _ in range(times):
            await self.publisher.publish(signal_of(self.ledger.add(user)))

    async def get(self, user: int, last_event_id: str | None = None) -> Reader:
        headers = {} if last_event_id is None else {"Last-Event-ID": last_event_id}
        return Reader(
            await self.client.get(self.server.make_url("/stream"), params={"user": user}, headers=headers)
        )

    @asynccontextmanager
    async def stream(self, user: int, last_event_id: str | None = None) -> AsyncIterator[Reader]:
        """An open stream, past its greeting."""
        reader = await self.get(user, last_event_id)
        assert reader.response.status == 200
        greeting = await reader.block()
        assert greeting.retry == "2000"
        yield reader
        reader.response.close()

    def deaf(self, user: int, last_event_id: str = "") -> socket.socket:
        """A client that asks for a stream and reads none of it."""
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect((self.server.host, self.server.port))
        client.sendall(
            f"GET /stream?user={user} HTTP/1.1\r\nHost: x\r\nLast-Event-ID: {last_event_id}\r\n\r\n".encode()
        )
        return client

    async def gone(self) -> None:
        """Wait until no handler runs."""
        await wait_until(lambda: all(task is None or task.done() for task in self.running))
        assert self.hub.stream_count == 0


@pytest.fixture
def server(scratch: Path, request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    """A server of this test's own, to stop and to start."""
    server = start_valkey(scratch / f"stream-{request.node.name[:40]}")
    yield server
    server.stop()


@pytest.fixture
async def redis(server: RedisServer) -> AsyncIterator[Redis]:
    async with redis_client(server.url, timeout_s=1.0) as redis:
        yield redis


@pytest.fixture
async def site(redis: Redis) -> AsyncIterator[Site]:
    """Not started: a test starts it with its own options. Its relay runs, and sweeps only when it has reason to."""
    async with ClientSession(timeout=ClientTimeout(total=None)) as client:
        site = Site(Publisher(redis), client)
        relay = asyncio.create_task(
            Relay(site.hub, redis, site.ledger.list_last_sequences, sweep_s=NEVER_S).run()
        )
        await wait_until(lambda: site.hub.connected)
        yield site
        site.hub.close_all(CloseReason.SHUTDOWN)
        await site.server.close()
        relay.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await relay


def ids(events: list[Block]) -> list[int]:
    return [int(event.id) for event in events]


async def test_stream_is_not_cached_buffered_or_kept_alive(site: Site) -> None:
    await site.start()
    async with site.stream(ADA) as reader:
        headers = reader.response.headers
        assert headers["Content-Type"].startswith("text/event-stream")
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Accel-Buffering"] == "no"
        assert headers["Connection"] == "close"


async def test_stream_starts_at_the_present_and_says_where_that_is(site: Site) -> None:
    await site.start()
    await site.tell(ADA, 3)
    reader = await site.get(ADA)
    assert await reader.block() == Block(id="3", retry="2000", comment="connected")
    await site.tell(ADA)
    assert (await reader.event()).id == "4"
    reader.response.close()


async def test_event_is_the_notification_under_its_sequence_and_type(site: Site) -> None:
    await site.start()
    async with site.stream(ADA) as reader:
        told = site.ledger.add(ADA, NotificationType.MENTION)
        await site.publisher.publish(signal_of(told))
        assert await reader.event() == Block(id="1", event="mention", data=render(told).decode())


async def test_everybody_gets_their_own_on_each_of_their_streams(site: Site) -> None:
    await site.start()
    async with site.stream(ADA) as first, site.stream(ADA) as second, site.stream(BOB) as other:
        await site.tell(ADA, 3)
        await site.tell(BOB, 1)
        await site.tell(ADA, 3)
        for reader in (first, second):
            assert ids(await reader.events(6)) == [1, 2, 3, 4, 5, 6]
        assert ids(await other.events(1)) == [1]


@pytest.mark.parametrize("missed", [1, PAGE - 1, PAGE, PAGE + 1, 7 * PAGE])
async def test_resumed_stream_replays_all_that_it_missed(site: Site, missed: int) -> None:
    await site.start()
    await site.tell(ADA, 5 + missed)
    async with site.stream(ADA, "5") as reader:
        assert ids(await reader.events(missed)) == list(range(6, 6 + missed))
        await site.tell(ADA)
        assert ids(await reader.events(1)) == [6 + missed]


async def test_resumed_stream_that_missed_nothing_goes_on(site: Site) -> None:
    await site.start()
    await site.tell(ADA, 5)
    async with site.stream(ADA, "5") as reader, site.stream(BOB, "0") as first_timer:
        await site.tell(ADA)
        await site.tell(BOB)
        assert await reader.block() == Block("6", "like", '{"id":"1000006","sequence":6}')
        assert await first_timer.block() == Block("1", "like", '{"id":"2000001","sequence":1}')


@pytest.mark.parametrize("last_event_id", ["6", "99999999999999999999", "x", "-1", "1.5", "٣", "1_0"])
async def test_id_that_was_never_given_resets_the_stream_to_the_present(
    site: Site, last_event_id: str
) -> None:
    await site.start()
    await site.tell(ADA, 5)
    async with site.stream(ADA, last_event_id) as reader:
        assert await reader.block() == Block("5", "reset", "{}")
        await site.tell(ADA)
        assert ids(await reader.events(1)) == [6]


async def test_pruned_id_resets_the_stream_to_what_is_left(site: Site) -> None:
    await site.start()
    await site.tell(ADA, 8)
    site.ledger.delete(ADA, 1, 2, 3, 4, 5)
    async with site.stream(ADA, "3") as reader:
        assert await reader.block() == Block("5", "reset", "{}")
        assert ids(await reader.events(3)) == [6, 7, 8]
    async with site.stream(ADA, "5") as reader:
        assert ids(await reader.events(3)) == [6, 7, 8]
    site.ledger.delete(ADA, 6, 7, 8)
    async with site.stream(ADA, "7") as reader:
        assert await reader.block() == Block("8", "reset", "{}")


async def test_numbers_that_were_deleted_are_not_waited_for(site: Site) -> None:
    await site.start()
    await site.tell(ADA, 5)
    site.ledger.delete(ADA, 3)
    async with site.stream(ADA, "1") as resumed, site.stream(ADA) as live:
        assert ids(await resumed.events(3)) == [2, 4, 5]
        for _ in range(2):
            deleted = site.ledger.add(ADA)
            site.ledger.delete(ADA, deleted.sequence)
            await site.publisher.publish(signal_of(deleted))
        await site.tell(ADA)
        assert await live.block() == Block("8", "like", '{"id":"1000008","sequence":8}')
        assert (await resumed.block()).id == "8"


async def test_nothing_is_lost_or_doubled_by_clients_that_are_cut_off(site: Site, redis: Redis) -> None:
    await site.start()
    users, each = range(1, 11), 120

    async def publish(dice: random.Random) -> None:
        """Two tasks at once, so that signals overtake each other; some are lost altogether."""
        for _ in range(len(users) * each // 2):
            notification = site.ledger.add(next(turns))
            await asyncio.sleep(dice.choice([0, 0, 0.001]))
            if notification.sequence == each or dice.random() < 0.8:
                await site.publisher.publish(signal_of(notification))

    async def read(user: int, dice: random.Random) -> list[int]:
        got: list[int] = []
        while not got or got[-1] < each:
            async with site.stream(user, str(got[-1] if got else 0)) as reader:
                for _ in range(dice.randrange(30)):
                    got.append(int((await reader.event()).id))
                    if got[-1] == each:
                        break
        return got

    turns = iter([user for _ in range(each) for user in users])
    readers = [asyncio.create_task(read(user, random.Random(user))) for user in users]
    await asyncio.gather(publish(random.Random(1)), publish(random.Random(2)))
    async with asyncio.timeout(DEADLINE_S):
        for got in await asyncio.gather(*readers):
            assert got == list(range(1, each + 1))


async def test_redis_that_is_restarted_costs_no_notification(site: Site, server: RedisServer) -> None:
    await site.start()
    async with site.stream(ADA) as reader:
        for round_ in range(3):
            await site.tell(ADA)
            server.kill()
            await wait_until(lambda: not site.hub.connected)
            await site.tell(ADA, 2)
            async with site.stream(BOB) as newcomer:
                site.ledger.add(BOB)
                server.start()
                assert ids(await newcomer.events(1)) == [round_ + 1]
            await wait_until(lambda: site.hub.connected)
            await site.tell(ADA)
        assert ids(await reader.events(12)) == list(range(1, 13))


async def test_database_that_is_away_delays_events_and_ends_no_stream(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.handlers.notifications.stream.RETRY_READ_S", 0.01)
    await site.start()
    async with site.stream(ADA) as reader:
        site.ledger.unavailable = True
        await site.tell(ADA, 2)
        assert (await reader.block()).comment == "heartbeat"
        assert (await site.get(BOB)).response.status == 503
        site.ledger.unavailable = False
        assert ids(await reader.events(2)) == [1, 2]


async def test_idle_stream_has_a_heartbeat(site: Site) -> None:
    await site.start(heartbeat_s=0.01)
    async with site.stream(ADA) as reader:
        for _ in range(3):
            assert await reader.block() == Block(comment="heartbeat")


async def test_sixth_stream_of_a_user_is_refused_until_another_leaves(site: Site) -> None:
    await site.start()
    readers = [await site.get(ADA) for _ in range(5)]
    refused = await site.get(ADA)
    assert refused.response.status == 429
    assert await refused.response.json() == {"code": "too_many_streams"}
    async with site.stream(BOB):
        readers[2].response.close()
        await wait_until(lambda: site.hub.stream_count == 5)
    async with site.stream(ADA):
        pass
    for reader in readers:
        reader.response.close()


async def test_last_stream_that_leaves_takes_its_subscription_with_it(site: Site, redis: Redis) -> None:
    async def listeners() -> int:
        return (await redis.pubsub_numsub("user-signals:1"))[0][1]

    await site.start()
    async with site.stream(ADA):
        async with site.stream(ADA):
            assert await listeners() == 1
        await wait_until(lambda: site.hub.stream_count == 1)
        assert await listeners() == 1

    async def nobody_listens() -> bool:
        return await listeners() == 0

    await wait_until(nobody_listens)
    await site.gone()


async def test_shutdown_tells_streams_to_come_back_and_ends_them(site: Site) -> None:
    await site.start()
    await site.tell(ADA, 5 * PAGE)
    async with site.stream(ADA) as idle, site.stream(BOB) as other, site.stream(ADA, "1") as replaying:
        await replaying.event()
        site.hub.close_all(CloseReason.SHUTDOWN)
        for reader in (idle, other, replaying):
            *_, last = await reader.rest()
            assert last.comment == "server is shutting down"
            assert 2000 <= int(last.retry) <= 4000
        await site.gone()
    assert (await site.get(ADA)).response.status == 503


async def test_the_stream_of_a_session_that_ends_is_ended_in_order(site: Site) -> None:
    await site.start()
    await site.tell(ADA, 5 * PAGE)
    async with site.stream(ADA) as idle, site.stream(ADA, "1") as replaying, site.stream(BOB) as other:
        await replaying.event()
        await site.publisher.publish_ended_sessions(UserId(ADA), [SessionId(1)])
        for reader in (idle, replaying):
            assert not [block for block in await reader.rest() if block.retry], "nobody is asked to come back"
        await site.tell(BOB)
        assert ids(await other.events(1)) == [1]
    await site.gone()


async def test_what_a_stream_gets_is_whole_when_it_is_ended_in_the_middle(site: Site) -> None:
    await site.start(render=render_large)
    await site.tell(ADA, 200)
    async with site.stream(ADA, "0") as reader:
        first = await reader.event()
        site.hub.close_all(CloseReason.SHUTDOWN)
        got = [first, *(block for block in await reader.rest() if block.event)]
    assert ids(got) == list(range(1, len(got) + 1))
    assert all(orjson.loads(block.data)["sequence"] == int(block.id) for block in got)


async def test_client_that_does_not_read_is_dropped_and_slows_nobody(site: Site) -> None:
    await site.start(render=render_large, write_timeout_s=0.3)
    for user in (ADA, BOB):
        await site.tell(user, 100)
    with capture_logs() as logs:
        deaf = [site.deaf(user, "0") for user in (ADA, ADA, BOB)]
        await wait_until(lambda: site.hub.stream_count == 3)
        async with site.stream(ADA, "0") as reader:
            assert ids(await reader.events(100)) == list(range(1, 101))
            await wait_until(lambda: site.hub.stream_count == 1)
            await site.tell(ADA)
            assert ids(await reader.events(1)) == [101]
    assert [entry["event"] for entry in logs] == ["slow_reader_dropped"] * 3
    for client in deaf:
        # Not an orderly end behind all that it did not read, which the kernel would have to keep for it.
        with client, pytest.raises(ConnectionResetError):
            while client.recv(65_536):
                pass


async def test_shutdown_does_not_wait_for_clients_that_do_not_read(site: Site) -> None:
    await site.start(render=render_large)
    await site.tell(ADA, 100)
    deaf = [site.deaf(ADA, "0") for _ in range(3)]
    await wait_until(lambda: site.hub.stream_count == 3)
    asked = -1
    while asked != site.ledger.queries:  # until all are stuck
        asked = site.ledger.queries
        await asyncio.sleep(0.05)
    site.hub.close_all(CloseReason.SHUTDOWN)
    await site.gone()
    for client in deaf:
        client.close()


async def test_client_that_leaves_while_it_is_being_written_to_ends_its_stream(site: Site) -> None:
    await site.start(render=render_large)
    await site.tell(ADA, 100)
    for _ in range(5):
        site.deaf(ADA, "0").close()
    await site.gone()


async def test_what_a_client_sends_after_its_request_is_ignored(site: Site) -> None:
    await site.start()
    client = site.deaf(ADA)
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
    await site.tell(ADA)
    await receive(b"id: 1\nevent: like")
    assert site.hub.stream_count == 1
    client.close()
    await site.gone()


async def test_request_with_a_body_is_refused(site: Site) -> None:
    await site.start()
    with contextlib.suppress(ClientConnectionError):
        refused = await site.client.get(site.server.make_url("/stream"), params={"user": ADA}, data=b"x")
        assert refused.status == 400
    assert site.hub.stream_count == 0
