"""Outages of the parts that a process depends on: one log line when a part goes away, one when it is back.

Everybody in the process who meets an outage tells the same `Outage`; it decides what is worth a line. A `Circuit` also
decides who may try the part meanwhile.
"""

import time

import structlog

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

OPENS_AFTER = 3
PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0


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
            text = str(reason)
            if isinstance(reason, Exception):
                text = f"{type(reason).__name__}: {text}" if text else type(reason).__name__
            log.warning(self._gone, reason=text, **self._fields)
        self._failures += 1

    def succeeded(self) -> None:
        """Somebody was answered."""
        if self._failures == 0 or time.monotonic() - self._last_failure < self._settled_after_s:
            return
        away_s = round(self._last_failure - self._began, 1)
        log.info(self._back, away_s=away_s, attempts=self._failures, **self._fields)
        self._failures = 0


class Circuit(Outage):
    """A circuit breaker: after three failures in a row it is open. Then one at a time may try the part, after a pause
    that doubles from half a second to ten, and with the first success it is closed.

    Source: M. Nygard, "Release It!", 2007.
    """

    def __init__(self, part: str, *, settled_after_s: float = 1.0, **fields: str) -> None:
        super().__init__(part, settled_after_s=settled_after_s, **fields)
        self._in_a_row = 0
        self._trying: int | None = None
        self._next_try = 0.0

    @property
    def is_open(self) -> bool:
        return self._in_a_row >= OPENS_AFTER

    @property
    def lets_in(self) -> bool:
        """Whether somebody may try the part now."""
        return not self.is_open or (self._trying is None and time.monotonic() >= self._next_try)

    def enter(self, who: int) -> bool:
        """Whether `who` may try the part now; whoever may says `leave` afterwards."""
        if not self.lets_in:
            return False
        if self.is_open:
            self._trying = who
        return True

    def leave(self, who: int) -> None:
        """`who` is done with the part, or did not need it; harmless for whoever was not let in."""
        if self._trying == who:
            self._trying = None

    def failed(self, reason: object) -> None:
        super().failed(reason)
        self._in_a_row += 1
        if self.is_open:
            pause_s = min(PAUSE_S * 2 ** min(self._in_a_row - OPENS_AFTER, 30), LONGEST_PAUSE_S)
            self._next_try = time.monotonic() + pause_s

    def succeeded(self) -> None:
        super().succeeded()
        self._in_a_row = 0
