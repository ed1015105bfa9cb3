"""The live inboxes of this process: who has a stream open, and what they were last signalled.

Wakes streams and says which users somebody listens for. Hearing the signals is the relay's work; what they are
about is read from the database by the stream.
"""

import asyncio
from collections.abc import AsyncGenerator, Container
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from server.errors import Throttled, Unavailable
from server.ids import SessionId, UserId
from server.pubsub.subscription import CloseReason, Subscription

RETRY_AFTER_S = 5.0


@dataclass(slots=True)
class Listeners:
    """Of one user: the open inboxes, and those among their openers that still wait for the subscription."""

    inboxes: list[Subscription] = field(default_factory=list[Subscription])
    openers: list[asyncio.Future[None]] = field(default_factory=list[asyncio.Future[None]])


class Hub:
    """Inboxes by user, at most `max_per_user` each; bounded by that and by the connections of the server."""

    def __init__(self, max_per_user: int, subscribe_timeout_s: float = 1.0) -> None:
        self._max_per_user = max_per_user
        self._subscribe_timeout_s = subscribe_timeout_s
        self._listeners: dict[UserId, Listeners] = {}
        self._subscribed: set[UserId] = set()
        self._changed: set[UserId] = set()
        self._change = asyncio.Event()
        self._connected = False
        self._closing: CloseReason | None = None

    @property
    def connected(self) -> bool:
        """Whether signals can be heard at all; without that, streams are caught up by the sweep alone."""
        return self._connected

    @property
    def streams(self) -> int:
        """Inboxes open now."""
        return sum(len(listeners.inboxes) for listeners in self._listeners.values())

    @asynccontextmanager
    async def open(self, user_id: UserId, session_id: SessionId) -> AsyncGenerator[Subscription]:
        """An inbox that hears every signal from here on, until its session ends.

        Waits for the subscription, `subscribe_timeout_s` at most, and goes on without when Redis is away: the relay
        catches up on it later. Raises Throttled when the user has too many, Unavailable during shutdown.
        """
        inbox = self._add(user_id, session_id)
        try:
            await self._wait_subscribed(user_id)
            yield inbox
        finally:
            self._remove(inbox)

    def signal(self, user_id: UserId, sequence: int) -> None:
        """Tell this user's streams that notifications up to `sequence` are committed."""
        if listeners := self._listeners.get(user_id):
            for inbox in listeners.inboxes:
                inbox.signal(sequence)

    def close_all(self, reason: CloseReason) -> None:
        """Make every stream end at once, and refuse new ones."""
        self._closing = reason
        for listeners in self._listeners.values():
            for inbox in listeners.inboxes:
                inbox.close(reason)
            _release(listeners.openers)

    def end_sessions(self, session_ids: Container[SessionId], user_id: UserId | None = None) -> None:
        """Make the streams of these sessions end; of one user's, when it is known whose they are."""
        everybody = self._listeners.values() if user_id is None else [self._listeners.get(user_id)]
        for inbox in [inbox for listeners in everybody if listeners for inbox in listeners.inboxes]:
            if inbox.session_id in session_ids:
                inbox.close(CloseReason.SESSION_ENDED)

    # What follows is for the relay.

    def users(self) -> list[UserId]:
        """Everybody with an inbox open."""
        return list(self._listeners)

    def wants(self, user_id: UserId) -> bool:
        """Whether this user has an inbox open."""
        return user_id in self._listeners

    async def changes(self, timeout_s: float) -> set[UserId]:
        """Users whose first inbox opened or whose last one closed since the last call; empty after `timeout_s`.

        Whoever calls this unsubscribes from those of them that `wants` denies.
        """
        try:
            async with asyncio.timeout(timeout_s):
                await self._change.wait()
        except TimeoutError:
            return set()
        return self._take_changes()

    def start_connection(self) -> list[UserId]:
        """A connection that is subscribed to nobody is there; returns all whom it has to subscribe to."""
        self._subscribed.clear()
        self._take_changes()
        self._connected = True
        return self.users()

    def end_connection(self) -> None:
        """Signals are not heard any more; openers go on without."""
        self._connected = False
        self._subscribed.clear()
        for listeners in self._listeners.values():
            _release(listeners.openers)

    def confirm(self, user_id: UserId) -> bool:
        """The subscription to this user is live. True if a stream was already reading without it.

        Such a stream may have missed a signal, so it has to be caught up on.
        """
        self._subscribed.add(user_id)
        listeners = self._listeners.get(user_id)
        return listeners is not None and _release(listeners.openers) < len(listeners.inboxes)

    def _add(self, user_id: UserId, session_id: SessionId) -> Subscription:
        if self._closing:
            raise Unavailable("The server is about to stop.", code="stopping")
        listeners = self._listeners.get(user_id)
        if listeners is None:
            listeners = self._listeners[user_id] = Listeners()
            self._note_change(user_id)
        elif len(listeners.inboxes) >= self._max_per_user:
            raise Throttled(
                f"At most {self._max_per_user} streams may be open at once.",
                code="too_many_streams",
                retry_after_s=RETRY_AFTER_S,
            )
        inbox = Subscription(user_id, session_id)
        listeners.inboxes.append(inbox)
        return inbox

    def _remove(self, inbox: Subscription) -> None:
        listeners = self._listeners[inbox.user_id]
        listeners.inboxes.remove(inbox)
        if not listeners.inboxes:
            del self._listeners[inbox.user_id]
            self._note_change(inbox.user_id)

    async def _wait_subscribed(self, user_id: UserId) -> None:
        if not self._connected or user_id in self._subscribed:
            return
        opener: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        openers = self._listeners[user_id].openers
        openers.append(opener)
        try:
            async with asyncio.timeout(self._subscribe_timeout_s):
                await opener
        except TimeoutError:
            pass
        finally:
            openers.remove(opener)

    def _note_change(self, user_id: UserId) -> None:
        # Two changes that the relay has not seen are none: it keeps the subscription, or never makes it.
        self._changed ^= {user_id}
        if self._changed:
            self._change.set()
        else:
            self._change.clear()

    def _take_changes(self) -> set[UserId]:
        changed, self._changed = self._changed, set()
        self._change.clear()
        self._subscribed -= {user_id for user_id in changed if user_id not in self._listeners}
        return changed


def _release(openers: list[asyncio.Future[None]]) -> int:
    """Let openers go on; returns how many waited."""
    waiting = [opener for opener in openers if not opener.done()]
    for opener in waiting:
        opener.set_result(None)
    return len(waiting)
