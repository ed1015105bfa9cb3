"""Outages of the parts that a process depends on: one log line when a part goes away, one when it is back.

Everybody in the process who meets an outage tells the same `Outage`; it decides what is worth a line.
"""

import time

import structlog

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


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
