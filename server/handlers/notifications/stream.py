"""`GET /notifications/stream`: a user's notifications as Server-Sent Events, complete, in order, without duplicates.

Everything that is sent is read from the database; signals only trigger a read. The event id is the recipient's sequence
number, so that `Last-Event-ID` fully describes what a client has received.

Three kinds of events are passed on at once instead, without an id, and are not repeated: the progress of images, the
unread count after notifications were read, and new posts in the feed. Each can be read elsewhere.
"""

import random
import re
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

import orjson
import structlog
from aiohttp import web

from server.errors import Malformed, Unavailable
from server.handlers.http import sse
from server.ids import UserId
from server.metrics import Metrics
from server.pubsub.channels import FeedSignal, MediaSignal, PassingSignal, ReadSignal
from server.pubsub.hub import Hub
from server.pubsub.subscription import CloseReason, Subscription
from server.services.records import Notification, Principal

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

EVENT_CHUNK_BYTES = 8192
RETRY_READ_S = 2.0
RESET_EVENT, MEDIA_EVENT, READ_EVENT, FEED_EVENT = "reset", "media", "read", "feed"
RECONNECTING = (CloseReason.SHUTDOWN, CloseReason.DATABASE_RESTORED)
SEQUENCE = re.compile(r"[0-9]{1,18}")


class NotificationSequence(Protocol):
    """Access to a recipient's notifications by sequence."""

    async def list_after(self, recipient_id: UserId, after: int, limit: int) -> list[Notification]:
        """Return the first `limit` notifications with a sequence above `after`, in ascending order."""
        ...

    async def get_last_sequence(self, recipient_id: UserId) -> int:
        """Return the newest sequence, or 0."""
        ...


class NotificationStream:
    """Serves streams. `replay_limit` is the number of notifications per query; missed ones may take several."""

    def __init__(
        self,
        hub: Hub,
        notifications: NotificationSequence,
        *,
        heartbeat_s: float,
        retry_ms: int,
        replay_limit: int,
        render: Callable[[Notification], bytes],
        write_timeout_s: float = 20.0,
        metrics: Metrics | None = None,
    ) -> None:
        """Create it. `render` returns a notification as one line of JSON."""
        self._hub = hub
        self._notifications = notifications
        self._heartbeat_s = heartbeat_s
        self._retry_ms = retry_ms
        self._replay_limit = replay_limit
        self._render = render
        self._write_timeout_s = write_timeout_s
        self._metrics = metrics or Metrics()

    async def handle(self, request: web.Request, principal: Principal) -> web.StreamResponse:
        """Serve until the client disconnects, reads too slowly, is signed out, or the server stops.

        Before anything is sent, raises Throttled for too many streams, and Unavailable without the database.
        """
        if request.can_read_body:
            raise Malformed("The stream does not accept a body.")
        # The subscription precedes the first read, so that no notification between the two is missed.
        async with self._hub.subscribe(principal.user_id, principal.session_id) as subscription:
            last = await self._notifications.get_last_sequence(principal.user_id)
            client = sse.EventWriter(request, self._write_timeout_s)
            subscription.on_close = client.shorten_deadline
            self._metrics.count_sse_stream()
            try:
                await client.start(on_disconnect=lambda: subscription.close(CloseReason.CLIENT_GONE))
                await self._serve(client, subscription, last_event_id(request), last)
            except sse.SlowReader:
                self._metrics.count_sse_drop("slow_reader")
                log.info("slow_reader_dropped", user_id=principal.user_id)
            except ConnectionError:
                pass  # the client disconnected
            return client.response

    async def _serve(
        self, client: sse.EventWriter, subscription: Subscription, resume_from: str | None, last: int
    ) -> None:
        resumed = _sequence(resume_from)
        if resumed is not None and resumed > last:
            resumed = None
        subscription.position = last if resumed is None else resumed
        await client.write(sse.preamble(self._retry_ms, subscription.position))
        if resume_from and resumed is None:
            await client.write(_reset(last))
        await self._follow(client, subscription, replay_to=last if last > subscription.position else None)
        if subscription.closed in RECONNECTING:
            # A random delay, because every client reconnects.
            await client.write(sse.closing_event(random.randint(self._retry_ms, 2 * self._retry_ms)))
        if subscription.closed not in (None, CloseReason.CLIENT_GONE):
            self._metrics.count_sse_drop(subscription.closed)
            await client.end()

    async def _follow(
        self, client: sse.EventWriter, subscription: Subscription, replay_to: int | None
    ) -> None:
        """Send missed notifications up to `replay_to`, then new ones, until the subscription is closed."""
        behind = replay_to is not None
        while not subscription.closed:
            if behind:
                try:
                    await self._catch_up(client, subscription, replay_to)
                    behind, replay_to = False, None
                except Unavailable:
                    pass  # read again below: reconnecting clients would add to the load of the database
            signalled = await subscription.wait(RETRY_READ_S if behind else self._heartbeat_s)
            passing = subscription.take_passing()
            if passing and not subscription.closed:
                await client.write(b"".join(map(_passing_event, passing)))
            if signalled is not None:
                behind = True
            elif not passing and not subscription.closed:
                await client.write(sse.HEARTBEAT)

    async def _catch_up(
        self, client: sse.EventWriter, subscription: Subscription, replay_to: int | None
    ) -> None:
        """Send all notifications above the subscription's position.

        A missing sequence was deleted, or is not visible on a replica yet. The position stays below it, so that the
        next read includes it.
        """
        while not subscription.closed:
            page = await self._notifications.list_after(
                subscription.user_id, subscription.position, self._replay_limit
            )
            if replay_to is not None:
                await self._report_gap(client, subscription, page[0].sequence if page else replay_to + 1)
                replay_to = None
            chunks, complete = self._chunks(page), len(page) < self._replay_limit
            # While a slow client reads, only the rendered bytes are kept, not the records.
            del page
            while chunks and not subscription.closed:
                subscription.position, chunk = chunks.popleft()
                await client.write(chunk)
            if complete:
                return

    async def _report_gap(self, client: sse.EventWriter, subscription: Subscription, first: int) -> None:
        """Send `reset` to a resumed client if the notifications after its last event were deleted."""
        if first > subscription.position + 1:
            subscription.position = first - 1
            await client.write(_reset(subscription.position))

    def _chunks(self, page: Sequence[Notification]) -> deque[tuple[int, bytes]]:
        """Return the events in chunks of about EVENT_CHUNK_BYTES, each with its last sequence."""
        chunks: deque[tuple[int, bytes]] = deque()
        chunk = bytearray()
        for notification in page:
            chunk += sse.event(notification.sequence, notification.type, self._render(notification))
            if len(chunk) >= EVENT_CHUNK_BYTES or notification is page[-1]:
                chunks.append((notification.sequence, bytes(chunk)))
                chunk.clear()
        return chunks


def last_event_id(request: web.Request) -> str | None:
    """Return the client's last event id; a newly created EventSource can send it only in the query."""
    return request.headers.get("Last-Event-ID") or request.query.get("lastEventId")


def _sequence(last_event_id: str | None) -> int | None:
    return int(last_event_id) if last_event_id and SEQUENCE.fullmatch(last_event_id) else None


def _passing_event(signal: PassingSignal) -> bytes:
    match signal:
        case MediaSignal(media_id, status):
            return sse.passing_event(MEDIA_EVENT, orjson.dumps({"id": str(media_id), "status": status}))
        case ReadSignal(unread):
            return sse.passing_event(READ_EVENT, orjson.dumps({"count": unread}))
        case FeedSignal(post_id):
            return sse.passing_event(FEED_EVENT, orjson.dumps({"postId": str(post_id)}))


def _reset(position: int) -> bytes:
    """Return the event that makes a client read the list again, and resume from `position`."""
    return sse.event(position, RESET_EVENT, b"{}")
