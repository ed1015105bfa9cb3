"""The live streams of this process, by user.

The hub wakes streams and knows which users have one. The relay receives the signals; the streams read the database.
"""

import asyncio
from collections.abc import AsyncGenerator, Container
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from server.errors import Throttled, Unavailable
from server.ids import SessionId, UserId
from server.pubsub.channels import PassingSignal
from server.pubsub.subscription import CloseReason, Subscription

RETRY_AFTER_S = 5.0


@dataclass(slots=True)
class UserSubscriptions:
    """One user's streams, and the futures of those that still wait for the user's channel to be subscribed."""

    subscriptions: list[Subscription] = field(default_factory=list[Subscription])
    pending_subscribers: list[asyncio.Future[None]] = field(default_factory=list[asyncio.Future[None]])


class Hub:
    """Streams by user, at most `max_per_user` each; the server's connections bound the total.

    A stream reports new posts in the feed once per `feed_pause_s`.
    """

    def __init__(
        self,
        max_per_user: int,
        subscribe_timeout_s: float = 1.0,
        feed_pause_s: float = 10.0,
    ) -> None:
        self._max_per_user = max_per_user
        self._feed_pause_s = feed_pause_s
        self._subscribe_timeout_s = subscribe_timeout_s
        self._users: dict[UserId, UserSubscriptions] = {}
        self._subscribed: set[UserId] = set()
        self._changed: set[UserId] = set()
        self._change = asyncio.Event()
        self._connected = False
        self._closing: CloseReason | None = None

    @property
    def connected(self) -> bool:
        """Return whether signals can be received. Without that, only the relay's sweep wakes the streams."""
        return self._connected

    @property
    def stream_count(self) -> int:
        return sum(len(user.subscriptions) for user in self._users.values())

    @asynccontextmanager
    async def subscribe(self, user_id: UserId, session_id: SessionId) -> AsyncGenerator[Subscription]:
        """Yield a subscription that receives every signal from now on, until its session ends.

        Waits up to `subscribe_timeout_s` for the user's channel to be subscribed. If Redis is unavailable it does not
        wait: the relay catches up later. Raises Throttled if the user has too many streams, Unavailable during
        shutdown.
        """
        subscription = self._add(user_id, session_id)
        try:
            await self._wait_subscribed(user_id)
            yield subscription
        finally:
            self._remove(subscription)

    def signal(self, user_id: UserId, sequence: int) -> None:
        """Wake the user's streams: notifications up to `sequence` are committed."""
        if user := self._users.get(user_id):
            for subscription in user.subscriptions:
                subscription.signal(sequence)

    def pass_on(self, user_id: UserId, signal: PassingSignal) -> None:
        """Give the user's streams what they pass on at once."""
        if user := self._users.get(user_id):
            for subscription in user.subscriptions:
                subscription.pass_on(signal)

    def close_all(self, reason: CloseReason) -> None:
        """End every stream, and refuse new ones."""
        self._closing = reason
        self.end_streams(reason)
        for user in self._users.values():
            _release(user.pending_subscribers)

    def end_streams(self, reason: CloseReason) -> None:
        """End every stream; clients may connect again."""
        for user in self._users.values():
            for subscription in user.subscriptions:
                subscription.close(reason)

    def end_sessions(self, session_ids: Container[SessionId], user_id: UserId | None = None) -> None:
        """End the streams of these sessions; only the user's streams are searched if `user_id` is given."""
        users = self._users.values() if user_id is None else [self._users.get(user_id)]
        for subscription in [each for user in users if user for each in user.subscriptions]:
            if subscription.session_id in session_ids:
                subscription.close(CloseReason.SESSION_ENDED)

    # The relay uses the methods below.

    def list_users(self) -> list[UserId]:
        """Return the users who have a stream."""
        return list(self._users)

    def has_subscribers(self, user_id: UserId) -> bool:
        """Return whether the user has a stream."""
        return user_id in self._users

    async def wait_for_changes(self, timeout_s: float) -> set[UserId]:
        """Return the users whose first stream opened or whose last one closed since the last call.

        Empty after `timeout_s`. The caller unsubscribes from those of them who have no subscribers.
        """
        try:
            async with asyncio.timeout(timeout_s):
                await self._change.wait()
        except TimeoutError:
            return set()
        return self._take_changes()

    def start_connection(self) -> list[UserId]:
        """Note a connection without subscriptions; return the users to subscribe to."""
        self._subscribed.clear()
        self._take_changes()
        self._connected = True
        return self.list_users()

    def end_connection(self) -> None:
        """Note that signals are no longer received; pending subscribers stop waiting."""
        self._connected = False
        self._subscribed.clear()
        for user in self._users.values():
            _release(user.pending_subscribers)

    def mark_subscribed(self, user_id: UserId) -> bool:
        """Note that the user's channel is subscribed; return whether a stream had started without it.

        Such a stream may have missed a signal, so the caller has to catch up on it.
        """
        self._subscribed.add(user_id)
        user = self._users.get(user_id)
        return user is not None and _release(user.pending_subscribers) < len(user.subscriptions)

    def _add(self, user_id: UserId, session_id: SessionId) -> Subscription:
        if self._closing:
            raise Unavailable("The server is shutting down.", code="stopping")
        user = self._users.get(user_id)
        if user is None:
            user = self._users[user_id] = UserSubscriptions()
            self._record_change(user_id)
        elif len(user.subscriptions) >= self._max_per_user:
            raise Throttled(
                f"At most {self._max_per_user} streams may be open at once.",
                code="too_many_streams",
                retry_after_s=RETRY_AFTER_S,
            )
        subscription = Subscription(user_id, session_id, self._feed_pause_s)
        user.subscriptions.append(subscription)
        return subscription

    def _remove(self, subscription: Subscription) -> None:
        user = self._users[subscription.user_id]
        user.subscriptions.remove(subscription)
        if not user.subscriptions:
            del self._users[subscription.user_id]
            self._record_change(subscription.user_id)

    async def _wait_subscribed(self, user_id: UserId) -> None:
        if not self._connected or user_id in self._subscribed:
            return
        subscribed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        pending = self._users[user_id].pending_subscribers
        pending.append(subscribed)
        try:
            async with asyncio.timeout(self._subscribe_timeout_s):
                await subscribed
        except TimeoutError:
            pass
        finally:
            pending.remove(subscribed)

    def _record_change(self, user_id: UserId) -> None:
        # Two changes that the relay has not seen cancel out: it keeps the subscription, or never makes it.
        self._changed ^= {user_id}
        if self._changed:
            self._change.set()
        else:
            self._change.clear()

    def _take_changes(self) -> set[UserId]:
        changed, self._changed = self._changed, set()
        self._change.clear()
        self._subscribed -= {user_id for user_id in changed if user_id not in self._users}
        return changed


def _release(pending: list[asyncio.Future[None]]) -> int:
    """Wake the pending subscribers; return how many there were."""
    waiting = [subscribed for subscribed in pending if not subscribed.done()]
    for subscribed in waiting:
        subscribed.set_result(None)
    return len(waiting)
