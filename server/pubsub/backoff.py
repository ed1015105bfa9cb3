"""Pause between the attempts of a long-lived loop while Redis is unavailable."""

import asyncio
import random
import time

from server.outages import Outage

FIRST_DELAY_S = 0.05
MAX_DELAY_S = 2.0
SETTLED_AFTER_S = 1.0


class RedisBackoff:
    """Exponential backoff of one loop, which reports to an outage."""

    def __init__(self, outage: Outage | None = None, **fields: str) -> None:
        """`outage` is shared by all that use the same Redis; by default the loop logs its own, with `fields`."""
        self._outage = outage or Outage("redis", settled_after_s=SETTLED_AFTER_S, **fields)
        self._failures = 0
        self._last_failure = 0.0

    async def back_off(self, error: Exception) -> None:
        """Wait before the next attempt: 50 ms, doubled each time up to 2 s, minus a jitter of up to half."""
        self._last_failure = time.monotonic()
        self._outage.failed(error)
        delay_s = min(MAX_DELAY_S, FIRST_DELAY_S * 2 ** min(self._failures, 10))
        self._failures += 1
        await asyncio.sleep(delay_s * random.uniform(0.5, 1.0))

    def succeeded(self) -> None:
        """Record a success; one second after the last failure the delay starts at 50 ms again."""
        self._outage.succeeded()
        if self._failures and time.monotonic() - self._last_failure >= SETTLED_AFTER_S:
            self._failures = 0
