"""Clock and time spans of sample data, which start some months ago and end now.

An id contains its creation time, and an id generator never goes back. Rows are therefore created in chronological
order, with the clock set for each.
"""

from collections.abc import Iterator

from server.clock import SystemClock
from server.ids import EPOCH_MS

DAY_MS = 86_400_000
SAFETY_MS = 60_000  # history ends a minute ago, so that later activity comes after it


class HistoryClock:
    """A clock that shows the time it was set to."""

    def __init__(self, at_ms: int) -> None:
        self.at_ms = at_ms

    def now_ms(self) -> int:
        return self.at_ms


class Span:
    """A time span from `start_ms` to `end_ms`."""

    def __init__(self, start_ms: int, end_ms: int) -> None:
        self.start_ms = start_ms
        self.end_ms = max(start_ms, end_ms)

    @classmethod
    def until_now(cls, days: int) -> "Span":
        """Return the last `days` days, limited by the epoch of ids."""
        now_ms = SystemClock().now_ms() - SAFETY_MS
        return cls(max(EPOCH_MS, now_ms - days * DAY_MS), now_ms)

    def since(self, at_ms: int) -> "Span":
        """Return the part of the span after `at_ms`."""
        return Span(max(self.start_ms, at_ms + 1), self.end_ms)

    def at(self, share: float) -> int:
        """Return the time at which `share` (0 to 1) of the span has passed."""
        return self.start_ms + int((self.end_ms - self.start_ms) * share)

    def part(self, start: float, end: float) -> "Span":
        """Return the span from one share to another."""
        return Span(self.at(start), self.at(end))

    def parts(self, count: int) -> Iterator["Span"]:
        """Yield `count` spans of equal length."""
        for number in range(count):
            yield self.part(number / count, (number + 1) / count)
