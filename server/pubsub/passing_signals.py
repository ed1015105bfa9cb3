"""Signals that a live stream passes on at once and does not repeat after a disconnect."""

from server.ids import MediaId
from server.pubsub.channels import FeedSignal, MediaSignal, PassingSignal, ReadSignal

# The number of images whose last step a stream keeps.
MAX_MEDIA = 100
# Signals come from several processes, so that an earlier step may arrive after a later one.
STEPS = {"queued": 0, "processing": 1, "ready": 2, "failed": 2}


class PassingSignals:
    """Keeps the last step of each image, the last unread count, and the newest post in the feed, not the signals.

    The feed is passed on once per `feed_pause_s`: a signal within the pause is kept until its end.
    """

    __slots__ = ("_feed", "_feed_from_s", "_feed_pause_s", "_media", "_media_steps", "_read")

    def __init__(self, feed_pause_s: float) -> None:
        self._feed_pause_s = feed_pause_s
        self._feed_from_s = 0.0
        self._feed: FeedSignal | None = None
        self._read: ReadSignal | None = None
        self._media: dict[MediaId, MediaSignal] = {}
        self._media_steps: dict[MediaId, int] = {}

    def add(self, signal: PassingSignal) -> None:
        """Keep a signal for `take`, unless a later one of its kind is known."""
        match signal:
            case MediaSignal():
                self._add_media(signal)
            case ReadSignal():
                self._read = signal
            case FeedSignal():
                if self._feed is None or self._feed.post_id < signal.post_id:
                    self._feed = signal

    def due_in_s(self, now_s: float) -> float | None:
        """Return how long it takes until there is something to take, None if there is nothing."""
        if self._media or self._read is not None:
            return 0.0
        return None if self._feed is None else max(0.0, self._feed_from_s - now_s)

    def take(self, now_s: float) -> list[PassingSignal]:
        """Return what is due, and forget it."""
        taken: list[PassingSignal] = list(self._media.values())
        self._media.clear()
        if self._read is not None:
            taken.append(self._read)
            self._read = None
        if self._feed is not None and self._feed_from_s <= now_s:
            taken.append(self._feed)
            self._feed, self._feed_from_s = None, now_s + self._feed_pause_s
        return taken

    def _add_media(self, signal: MediaSignal) -> None:
        step = STEPS.get(signal.status, -1)
        if step <= self._media_steps.get(signal.media_id, -1):
            return
        self._media_steps[signal.media_id] = step
        self._media[signal.media_id] = signal
        if len(self._media_steps) > MAX_MEDIA:
            oldest = next(iter(self._media_steps))
            del self._media_steps[oldest]
            self._media.pop(oldest, None)
