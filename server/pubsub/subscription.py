"""The wake-up of one live stream."""

import asyncio
from collections.abc import Callable
from enum import StrEnum

from server.ids import SessionId, UserId


class CloseReason(StrEnum):
    """Why a subscription was closed."""

    SHUTDOWN = "shutdown"
    CLIENT_GONE = "client_gone"
    SESSION_ENDED = "session_ended"
    DATABASE_RESTORED = "database_restored"


class Subscription:
    """Wakes one stream. It keeps the highest signalled sequence, not the signals.

    The stream sets `position` to the sequence that it has sent: a signal at or below it does not wake the stream.
    `on_close` is called once, when the subscription is closed.
    """

    __slots__ = ("_closed", "_signalled", "_waker", "on_close", "position", "session_id", "user_id")

    def __init__(self, user_id: UserId, session_id: SessionId) -> None:
        self.user_id = user_id
        self.session_id = session_id
        self.position = 0
        self.on_close: Callable[[], None] | None = None
        self._signalled = 0
        self._closed: CloseReason | None = None
        self._waker: asyncio.Future[None] | None = None

    @property
    def closed(self) -> CloseReason | None:
        """Why the stream must end; None while it is open."""
        return self._closed

    async def wait(self, timeout_s: float) -> int | None:
        """Return the highest sequence above `position` signalled since the last wait.

        None after `timeout_s`, and once closed. Only one task may wait at a time.
        """
        if self._closed is None and self._signalled <= self.position:
            loop = asyncio.get_running_loop()
            self._waker = loop.create_future()
            timer = loop.call_later(timeout_s, self._wake)
            try:
                await self._waker
            finally:
                timer.cancel()
                self._waker = None
        signalled, self._signalled = self._signalled, 0
        return signalled if signalled > self.position else None

    def signal(self, sequence: int) -> None:
        """Wake the stream if `sequence` is above its position."""
        if sequence > self.position:
            self._signalled = max(self._signalled, sequence)
            self._wake()

    def close(self, reason: CloseReason) -> None:
        """End the stream. Further calls have no effect: the first reason is kept."""
        if self._closed is None:
            self._closed = reason
            self._wake()
            if self.on_close:
                self.on_close()

    def _wake(self) -> None:
        if self._waker is not None and not self._waker.done():
            self._waker.set_result(None)
