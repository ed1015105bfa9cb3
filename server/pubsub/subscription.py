"""The wake-up of one live stream."""

import asyncio
from collections.abc import Callable
from enum import StrEnum

from server.ids import SessionId, UserId
from server.pubsub.channels import PassingSignal
from server.pubsub.passing_signals import PassingSignals


class CloseReason(StrEnum):
    """Why a subscription was closed."""

    SHUTDOWN = "shutdown"
    CLIENT_GONE = "client_gone"
    SESSION_ENDED = "session_ended"
    DATABASE_RESTORED = "database_restored"


class Subscription:
    """Wakes one stream. It keeps the highest signalled sequence, and what the stream passes on.

    The stream sets `position` to the sequence that it has sent: a signal at or below it does not wake the stream.
    `on_close` is called once, when the subscription is closed.
    """

    __slots__ = (
        "_closed",
        "_passing",
        "_signalled",
        "_timer",
        "_waker",
        "on_close",
        "position",
        "session_id",
        "user_id",
    )

    def __init__(self, user_id: UserId, session_id: SessionId, feed_pause_s: float = 10.0) -> None:
        self.user_id = user_id
        self.session_id = session_id
        self.position = 0
        self.on_close: Callable[[], None] | None = None
        self._signalled = 0
        self._passing = PassingSignals(feed_pause_s)
        self._closed: CloseReason | None = None
        self._waker: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def closed(self) -> CloseReason | None:
        """Why the stream must end; None while it is open."""
        return self._closed

    async def wait(self, timeout_s: float) -> int | None:
        """Return the highest sequence above `position` signalled since the last wait.

        None after `timeout_s`, once closed, and if there is only something to pass on. Only one task may wait at a
        time.
        """
        due_in_s = self._due_in_s()
        if self._closed is None and self._signalled <= self.position and due_in_s != 0:
            loop = asyncio.get_running_loop()
            self._waker = loop.create_future()
            self._timer = loop.call_later(min(timeout_s, due_in_s or timeout_s), self._wake)
            try:
                await self._waker
            finally:
                self._timer.cancel()
                self._waker = self._timer = None
        signalled, self._signalled = self._signalled, 0
        return signalled if signalled > self.position else None

    def signal(self, sequence: int) -> None:
        """Wake the stream if `sequence` is above its position."""
        if sequence > self.position:
            self._signalled = max(self._signalled, sequence)
            self._wake()

    def pass_on(self, signal: PassingSignal) -> None:
        """Keep a signal for `take_passing`, and wake the stream when it is due."""
        self._passing.add(signal)
        due_in_s = self._due_in_s()
        if due_in_s == 0:
            self._wake()
        elif due_in_s is not None and self._timer is not None:
            wake_at_s = asyncio.get_running_loop().time() + due_in_s
            if wake_at_s < self._timer.when():
                self._timer.cancel()
                self._timer = asyncio.get_running_loop().call_at(wake_at_s, self._wake)

    def take_passing(self) -> list[PassingSignal]:
        """Return what the stream passes on now."""
        return self._passing.take(asyncio.get_running_loop().time())

    def close(self, reason: CloseReason) -> None:
        """End the stream. Further calls have no effect: the first reason is kept."""
        if self._closed is None:
            self._closed = reason
            self._wake()
            if self.on_close:
                self.on_close()

    def _due_in_s(self) -> float | None:
        return self._passing.due_in_s(asyncio.get_running_loop().time())

    def _wake(self) -> None:
        if self._waker is not None and not self._waker.done():
            self._waker.set_result(None)
