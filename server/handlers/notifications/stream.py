"""`GET /notifications/stream`: a person's notifications as Server-Sent Events, none lost, none twice, in order.

The database is asked for everything that is sent; signals only say when to ask. The event id is the recipient's
sequence number, so `Last-Event-ID` says all there is to know of what a client has.
"""

import random
import re
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog
from aiohttp import web

from server.errors import Malformed, Unavailable
from server.handlers.http import sse
from server.ids import UserId
from server.pubsub.hub import Hub
from server.pubsub.subscription import CloseReason, Subscription
from server.services.records import Notification, Principal

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

CHUNK_BYTES = 8192
ASK_AGAIN_S = 2.0
RESET = "reset"
SEQUENCE = re.compile(r"[0-9]{1,18}")


class Notifications(Protocol):
    """What a stream needs to know of the notifications."""

    async def list_after(self, recipient_id: UserId, after: int, limit: int) -> list[Notification]:
        """The first `limit` notifications with a sequence above `after`, in its order."""
        ...

    async def get_last_sequence(self, recipient_id: UserId) -> int:
        """The newest sequence, 0 before the first."""
        ...


class NotificationStream:
    """Serves streams. `replay_limit` is how many notifications one query brings; more are missing: more queries."""

    def __init__(
        self,
        hub: Hub,
        notifications: Notifications,
        *,
        heartbeat_s: float,
        retry_ms: int,
        replay_limit: int,
        render: Callable[[Notification], bytes],
        write_timeout_s: float = 20.0,
    ) -> None:
        """`render` gives a notification's JSON on one line."""
        self._hub = hub
        self._notifications = notifications
        self._heartbeat_s = heartbeat_s
        self._retry_ms = retry_ms
        self._replay_limit = replay_limit
        self._render = render
        self._write_timeout_s = write_timeout_s

    async def handle(self, request: web.Request, principal: Principal) -> web.StreamResponse:
        """Serve until the client leaves, reads too slowly, is signed out, or the server stops.

        Raises, before anything is sent, Throttled for too many streams and Unavailable without the database.
        """
        if request.can_read_body:
            raise Malformed("A stream takes no body.")
        # The subscription comes first, so that nothing falls between what is read and what is heard.
        async with self._hub.open(principal.user_id, principal.session_id) as inbox:
            last = await self._notifications.get_last_sequence(principal.user_id)
            client = sse.EventWriter(request, self._write_timeout_s)
            inbox.on_close = client.hurry
            try:
                await client.start(on_gone=lambda: inbox.close(CloseReason.CLIENT_GONE))
                await self._serve(client, inbox, last_seen(request), last)
            except sse.SlowReader:
                log.info("slow_reader_dropped", user_id=principal.user_id)
            except ConnectionError:
                pass  # the client left
            return client.response

    async def _serve(
        self, client: sse.EventWriter, inbox: Subscription, last_event_id: str | None, last: int
    ) -> None:
        resumed = _sequence(last_event_id)
        if resumed is not None and resumed > last:
            resumed = None
        inbox.position = last if resumed is None else resumed
        await client.write(sse.preamble(self._retry_ms, inbox.position))
        if last_event_id and resumed is None:
            await client.write(_reset(last))
        await self._follow(client, inbox, replay_to=last if last > inbox.position else None)
        if inbox.closed is CloseReason.SHUTDOWN:
            # Not all at once: everybody who hears this comes back.
            await client.write(sse.closing_event(random.randint(self._retry_ms, 2 * self._retry_ms)))
        if inbox.closed is not CloseReason.CLIENT_GONE:
            await client.end()

    async def _follow(self, client: sse.EventWriter, inbox: Subscription, replay_to: int | None) -> None:
        """Send what comes, and first what is missing up to `replay_to`, until the inbox is closed."""
        behind = replay_to is not None
        while not inbox.closed:
            if behind:
                try:
                    await self._catch_up(client, inbox, replay_to)
                    behind, replay_to = False, None
                except Unavailable:
                    pass  # asked again below: 10,000 clients that reconnect would not help the database
            signalled = await inbox.wait(ASK_AGAIN_S if behind else self._heartbeat_s)
            if signalled is not None:
                behind = True
            elif not inbox.closed:
                await client.write(sse.HEARTBEAT)

    async def _catch_up(self, client: sse.EventWriter, inbox: Subscription, replay_to: int | None) -> None:
        """Send all that the database has above the inbox's position.

        A number that is missing there was deleted, or is not visible yet on a replica: the position stays below it, so
        that it is asked for again with what comes next.
        """
        while not inbox.closed:
            page = await self._notifications.list_after(inbox.user_id, inbox.position, self._replay_limit)
            if replay_to is not None:
                await self._admit_gap(client, inbox, page[0].sequence if page else replay_to + 1)
                replay_to = None
            chunks, complete = self._chunks(page), len(page) < self._replay_limit
            # A slow reader holds what is below, so that should be its share of bytes and not the records.
            del page
            while chunks and not inbox.closed:
                inbox.position, chunk = chunks.popleft()
                await client.write(chunk)
            if complete:
                return

    async def _admit_gap(self, client: sse.EventWriter, inbox: Subscription, first: int) -> None:
        """Tell a resumed client when what followed its last event was deleted before it could see it."""
        if first > inbox.position + 1:
            inbox.position = first - 1
            await client.write(_reset(inbox.position))

    def _chunks(self, page: Sequence[Notification]) -> deque[tuple[int, bytes]]:
        """The page's events in pieces of about CHUNK_BYTES, each with the last sequence in it."""
        chunks: deque[tuple[int, bytes]] = deque()
        chunk = bytearray()
        for notification in page:
            chunk += sse.event(notification.sequence, notification.type, self._render(notification))
            if len(chunk) >= CHUNK_BYTES or notification is page[-1]:
                chunks.append((notification.sequence, bytes(chunk)))
                chunk.clear()
        return chunks


def last_seen(request: web.Request) -> str | None:
    """The last event that the client has: a browser's EventSource that is made anew cannot send the header."""
    return request.headers.get("Last-Event-ID") or request.query.get("lastEventId")


def _sequence(last_event_id: str | None) -> int | None:
    return int(last_event_id) if last_event_id and SEQUENCE.fullmatch(last_event_id) else None


def _reset(position: int) -> bytes:
    """Tells a client that what it knows may be incomplete: it should fetch the list, and go on from here."""
    return sse.event(position, RESET, b"{}")
