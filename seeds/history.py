"""Time that can be set: sample data are told as a history, from some months ago until now, in order.

An id carries the time of its making, and a generator never goes back; so what is made is made in the order in which it
is to have happened, with the clock set for each.
"""

from collections.abc import Iterator

from server.clock import SystemClock
from server.ids import EPOCH_MS

DAY_MS = 86_400_000
SAFETY_MS = 60_000  # history ends a minute ago: what happens from now on comes after it


class HistoryClock:
    """A clock that stands where it was set."""

    def __init__(self, at_ms: int) -> None:
        self.at_ms = at_ms

    def now_ms(self) -> int:
        return self.at_ms


class Span:
    """A stretch of time, from `start_ms` up to `end_ms`."""

    def __init__(self, start_ms: int, end_ms: int) -> None:
        self.start_ms = start_ms
        self.end_ms = max(start_ms, end_ms)

    @classmethod
    def until_now(cls, days: int) -> "Span":
        """The last `days` days, as far as ids reach back."""
        now_ms = SystemClock().now_ms() - SAFETY_MS
        return cls(max(EPOCH_MS, now_ms - days * DAY_MS), now_ms)

    def since(self, at_ms: int) -> "Span":
        """What of it lies after `at_ms`."""
        return Span(max(self.start_ms, at_ms + 1), self.end_ms)

    def at(self, share: float) -> int:
        """The moment at which `share` (0..1) of it has passed."""
        return self.start_ms + int((self.end_ms - self.start_ms) * share)

    def part(self, start: float, end: float) -> "Span":
        """From one share of it to another."""
        return Span(self.at(start), self.at(end))

    def parts(self, count: int) -> Iterator["Span"]:
        """It, divided into `count` of equal length."""
        for number in range(count):
            yield self.part(number / count, (number + 1) / count)
