"""Watches over the process: asks the parts that it depends on whether they are there, and measures the loop's lag."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

from redis.exceptions import RedisError

from server.errors import AppError
from server.metrics import Metrics
from server.outages import Outage

LAG_EVERY_S = 0.25
ASK_EVERY_S = 1.0
ASK_TIMEOUT_S = 2.0


class HealthMonitor:
    """`pings`: by part, what raises when it does not answer; `outages`: who is told, by part.

    Whoever meets an outage tells the same `outages`. The watch makes sure that its end is noticed where nobody asks.
    """

    def __init__(
        self,
        pings: Mapping[str, Callable[[], Awaitable[object]]],
        outages: Mapping[str, Outage],
        metrics: Metrics,
    ) -> None:
        self._pings = pings
        self._outages = outages
        self._metrics = metrics

    async def run(self) -> None:
        """Watch until cancelled."""
        ask_at = time.monotonic()
        while True:
            if time.monotonic() >= ask_at:
                await asyncio.gather(*map(self._ask, self._pings))
                ask_at = time.monotonic() + ASK_EVERY_S
            began = time.monotonic()
            await asyncio.sleep(LAG_EVERY_S)
            self._metrics.loop_lagged(time.monotonic() - began - LAG_EVERY_S)

    async def _ask(self, part: str) -> None:
        try:
            async with asyncio.timeout(ASK_TIMEOUT_S):
                await self._pings[part]()
        except (AppError, RedisError, OSError) as error:  # TimeoutError is an OSError
            self._outages[part].failed(error if str(error) else f"no answer within {ASK_TIMEOUT_S:g} s")
            self._metrics.part_answered(part, answered=False)
        else:
            self._outages[part].succeeded()
            self._metrics.part_answered(part, answered=True)
