"""An outage of Redis as one long-lived loop meets it: how long to wait between attempts, and whom to tell.

What is tried again is its user's affair; the log lines are `server/outages.py`'s.
"""

import asyncio
import random
import time

from server.outages import Outage

FIRST_DELAY_S = 0.05
MAX_DELAY_S = 2.0
SETTLED_AFTER_S = 1.0


class RedisBackoff:
    """Paces one loop. `told` is shared by all that depend on the same Redis; by default the loop has one of its own,
    whose log lines have `fields`."""

    def __init__(self, told: Outage | None = None, **fields: str) -> None:
        self._told = told or Outage("redis", settled_after_s=SETTLED_AFTER_S, **fields)
        self._failures = 0
        self._last_failure = 0.0

    async def back_off(self, error: Exception) -> None:
        """Wait before the next attempt: 50 ms, doubled each time up to 2 s, less a jitter of up to half."""
        self._last_failure = time.monotonic()
        self._told.failed(error)
        delay_s = min(MAX_DELAY_S, FIRST_DELAY_S * 2 ** min(self._failures, 10))
        self._failures += 1
        await asyncio.sleep(delay_s * random.uniform(0.5, 1.0))

    def succeeded(self) -> None:
        """Note a success. A second after the last failure the next wait is short again."""
        self._told.succeeded()
        if self._failures and time.monotonic() - self._last_failure >= SETTLED_AFTER_S:
            self._failures = 0
