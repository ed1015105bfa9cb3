"""Outages of the parts that a process depends on: one log line when a part goes away, one when it is back.

All loops of a process report an outage to the same `Outage`; it decides what is worth a line. A `CircuitBreaker` also
decides who may try the part during the outage.
"""

import time

import structlog

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

OPENS_AFTER = 3
PAUSE_S = 0.5
MAX_PAUSE_S = 10.0


class Outage:
    """The outages of one part. They are logged as `<part>_unavailable` and `<part>_recovered`."""

    def __init__(self, part: str, *, settled_after_s: float = 1.0, **fields: str) -> None:
        """An outage is over with the first success that comes `settled_after_s` after its last failure, lest one that
        flaps, or that only some of those who tell us meet, should flood the log. `fields` go with the lines."""
        self._gone, self._back = f"{part}_unavailable", f"{part}_recovered"
        self._settled_after_s = settled_after_s
        self._fields = fields
        self._failures = 0
        self._began = 0.0
        self._last_failure = 0.0

    @property
    def going_on(self) -> bool:
        """Whether the part is known to be away."""
        return self._failures > 0

    def failed(self, reason: object) -> None:
        """Somebody met the part away; `reason` is an exception or a sentence."""
        self._last_failure = time.monotonic()
        if self._failures == 0:
            self._began = self._last_failure
            log.warning(self._gone, reason=_words(reason), **self._fields)
        self._failures += 1

    def succeeded(self) -> None:
        """Somebody was answered."""
        if self._failures == 0 or time.monotonic() - self._last_failure < self._settled_after_s:
            return
        away_s = round(self._last_failure - self._began, 1)
        log.info(self._back, away_s=away_s, attempts=self._failures, **self._fields)
        self._failures = 0


class CircuitBreaker:
    """A circuit breaker: after three failures in a row, each of another message, it is open. Then one at a time may try
    the part, after a pause that doubles from half a second to ten, and with the first success it is closed. Opening and
    closing are logged as `<part>_unavailable` and `<part>_recovered`.

    Source: M. Nygard, "Release It!", 2007.
    """

    def __init__(self, part: str) -> None:
        self._gone, self._back = f"{part}_unavailable", f"{part}_recovered"
        self._failed: set[str] = set()
        self._trying: int | None = None
        self._opened_at = 0.0
        self._failures = 0
        self._pause_s = 0.0
        self._next_try = 0.0

    @property
    def is_open(self) -> bool:
        return len(self._failed) >= OPENS_AFTER

    def enter(self, who: int) -> bool:
        """Whether `who` may try the part now; whoever may says `leave` afterwards."""
        if not self.is_open or self._trying == who:
            return True
        if self._trying is not None or time.monotonic() < self._next_try:
            return False
        self._trying = who
        return True

    def leave(self, who: int) -> None:
        """`who` is done with the part, or did not need it; harmless for whoever was not let in."""
        if self._trying == who:
            self._trying = None

    def failed(self, reason: object, message: str) -> None:
        """The part was met away, for a reason that another message would have met as well."""
        self._failures += 1
        if not self.is_open:
            self._failed.add(message)
            if self.is_open:
                self._opened_at = time.monotonic()
                self._pause_s = PAUSE_S
                self._next_try = self._opened_at + PAUSE_S
                log.warning(self._gone, reason=_words(reason))
        elif self._trying is not None:  # and not by those who were let in before it opened
            self._pause_s = min(2 * self._pause_s, MAX_PAUSE_S)
            self._next_try = time.monotonic() + self._pause_s

    def succeeded(self) -> None:
        """Somebody was answered."""
        if self.is_open:
            away_s = round(time.monotonic() - self._opened_at, 1)
            log.info(self._back, away_s=away_s, attempts=self._failures)
        self._failed.clear()
        self._failures = 0


def _words(reason: object) -> str:
    if not isinstance(reason, Exception):
        return str(reason)
    text = str(reason)
    return f"{type(reason).__name__}: {text}" if text else type(reason).__name__
