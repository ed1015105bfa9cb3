"""The wake-up of one live stream."""

import asyncio
from collections.abc import Callable
from enum import StrEnum

from server.ids import MediaId, SessionId, UserId
from server.pubsub.channels import MediaSignal

# The number of images whose last step a stream keeps.
MAX_MEDIA = 100
# Signals come from several processes, so that an earlier step may arrive after a later one.
STEPS = {"queued": 0, "processing": 1, "ready": 2, "failed": 2}


class CloseReason(StrEnum):
    """Why a subscription was closed."""

    SHUTDOWN = "shutdown"
    CLIENT_GONE = "client_gone"
    SESSION_ENDED = "session_ended"
    DATABASE_RESTORED = "database_restored"


class Subscription:
    """Wakes one stream. It keeps the highest signalled sequence, and the last step of each image, not the signals.

    The stream sets `position` to the sequence that it has sent: a signal at or below it does not wake the stream.
    `on_close` is called once, when the subscription is closed.
    """

    __slots__ = (
        "_closed",
        "_media",
        "_media_steps",
        "_signalled",
        "_waker",
        "on_close",
        "position",
        "session_id",
        "user_id",
    )

    def __init__(self, user_id: UserId, session_id: SessionId) -> None:
        self.user_id = user_id
        self.session_id = session_id
        self.position = 0
        self.on_close: Callable[[], None] | None = None
        self._signalled = 0
        self._media: dict[MediaId, MediaSignal] = {}
        self._media_steps: dict[MediaId, int] = {}
        self._closed: CloseReason | None = None
        self._waker: asyncio.Future[None] | None = None

    @property
    def closed(self) -> CloseReason | None:
        """Why the stream must end; None while it is open."""
        return self._closed

    async def wait(self, timeout_s: float) -> int | None:
        """Return the highest sequence above `position` signalled since the last wait.

        None after `timeout_s`, once closed, and if there are signals of images only. Only one task may wait at a time.
        """
        if self._closed is None and self._signalled <= self.position and not self._media:
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

    def signal_media(self, signal: MediaSignal) -> None:
        """Keep the progress of an image for `take_media`, and wake the stream, unless a later step is known."""
        step = STEPS.get(signal.status, -1)
        if step <= self._media_steps.get(signal.media_id, -1):
            return
        self._media_steps[signal.media_id] = step
        self._media[signal.media_id] = signal
        if len(self._media_steps) > MAX_MEDIA:
            oldest = next(iter(self._media_steps))
            del self._media_steps[oldest]
            self._media.pop(oldest, None)
        self._wake()

    def take_media(self) -> list[MediaSignal]:
        """Return the last step of each image that was signalled since the last call."""
        taken = list(self._media.values())
        self._media.clear()
        return taken

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
