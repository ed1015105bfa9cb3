"""The course of an outage of Redis: how long to wait between attempts, and one log line at each end.

Owns nothing but the count of failures; what is tried again is its user's affair.
"""

import asyncio
import random
import time

import structlog

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

FIRST_DELAY_S = 0.05
LONGEST_DELAY_S = 2.0
SETTLED_AFTER_S = 1.0


class RedisOutage:
    """Redis's outages as one long-lived loop meets them; `fields` go with the log lines."""

    def __init__(self, **fields: str) -> None:
        self._fields = fields
        self._failures = 0
        self._began = 0.0
        self._last_failure = 0.0

    async def back_off(self, error: Exception) -> None:
        """Wait before the next attempt: 50 ms, doubled each time up to 2 s, less a jitter of up to half."""
        self._last_failure = time.monotonic()
        if self._failures == 0:
            self._began = self._last_failure
            log.warning("redis_unavailable", reason=f"{type(error).__name__}: {error}", **self._fields)
        delay_s = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2 ** min(self._failures, 10))
        self._failures += 1
        await asyncio.sleep(delay_s * random.uniform(0.5, 1.0))

    def succeeded(self) -> None:
        """Note a success. An outage is over a second after its last failure, lest flapping flood the log."""
        if self._failures == 0 or time.monotonic() - self._last_failure < SETTLED_AFTER_S:
            return
        away_s = round(self._last_failure - self._began, 1)
        log.info("redis_recovered", away_s=away_s, attempts=self._failures, **self._fields)
        self._failures = 0
