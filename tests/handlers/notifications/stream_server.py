"""An aiohttp server with the notification stream, a real Redis, and notifications in memory."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from server.errors import AppError, Throttled
from server.handlers.notifications.stream import NotificationStream
from server.ids import SessionId, UserId
from server.pubsub.hub import Hub
from server.pubsub.publisher import Publisher
from server.services.records import Notification, Principal, Role
from tests.support.sse_reader import Block, NotificationRows, Reader, signal_of
from tools.harness.waiting import wait_until

ADA, BOB = 1, 2
NEVER_S = 3600.0
PAGE = 10


def render(notification: Notification) -> bytes:
    return orjson.dumps({"id": str(notification.id), "sequence": notification.sequence})


def render_large(notification: Notification) -> bytes:
    return orjson.dumps({"sequence": notification.sequence, "text": "x" * 4000})


@web.middleware
async def error_codes(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except AppError as error:
        status = 429 if isinstance(error, Throttled) else 503 if error.retry_after_s else 400
        return web.json_response({"code": error.code}, status=status)


def ids(events: list[Block]) -> list[int]:
    return [int(event.id) for event in events]


class StreamServer:
    """Serves one route: the stream of the user in the query."""

    def __init__(self, publisher: Publisher, client: ClientSession) -> None:
        self.notifications = NotificationRows()
        self.hub = Hub(max_per_user=5)
        self.publisher = publisher
        self.client = client
        self.server = TestServer(web.Application())
        self.running: list[asyncio.Task[Any] | None] = []

    async def start(self, **options: Any) -> None:
        """Start with these options of `NotificationStream`."""
        defaults = {
            "heartbeat_s": NEVER_S,
            "retry_ms": 2000,
            "replay_limit": PAGE,
            "render": render,
            "write_timeout_s": NEVER_S,
        }
        stream = NotificationStream(self.hub, self.notifications, **{**defaults, **options})

        async def handle(request: web.Request) -> web.StreamResponse:
            user_id = UserId(int(request.query["user"]))
            self.running.append(asyncio.current_task())
            return await stream.handle(request, Principal(user_id, SessionId(1), Role.USER))

        application = web.Application(middlewares=[error_codes])
        application.router.add_get("/stream", handle, allow_head=False)
        self.server = TestServer(application)
        await self.server.start_server(access_log=None)

    async def notify(self, user: int, times: int = 1) -> None:
        """Add notifications, and signal each."""
        for _ in range(times):
            await self.publisher.publish(signal_of(self.notifications.add(user)))

    async def get(self, user: int, last_event_id: str | None = None) -> Reader:
        headers = {} if last_event_id is None else {"Last-Event-ID": last_event_id}
        return Reader(
            await self.client.get(self.server.make_url("/stream"), params={"user": user}, headers=headers)
        )

    @asynccontextmanager
    async def stream(self, user: int, last_event_id: str | None = None) -> AsyncIterator[Reader]:
        """Yield an open stream after its preamble."""
        reader = await self.get(user, last_event_id)
        assert reader.response.status == 200
        preamble = await reader.block()
        assert preamble.retry == "2000"
        yield reader
        reader.response.close()

    def connect_without_reading(self, user: int, last_event_id: str = "") -> socket.socket:
        """Request a stream without reading it."""
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect((self.server.host, self.server.port))
        client.sendall(
            f"GET /stream?user={user} HTTP/1.1\r\nHost: x\r\nLast-Event-ID: {last_event_id}\r\n\r\n".encode()
        )
        return client

    async def wait_until_closed(self) -> None:
        """Wait until no handler runs."""
        await wait_until(lambda: all(task is None or task.done() for task in self.running))
        assert self.hub.stream_count == 0
