"""Pings what the process depends on, and measures the lag and the tasks of its event loop."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

from redis.exceptions import RedisError

from server.errors import AppError
from server.metrics import Metrics
from server.outages import Outage

LAG_EVERY_S = 0.25
PING_EVERY_S = 1.0
PING_TIMEOUT_S = 2.0


class HealthMonitor:
    """Pings each dependency once per second and records the result in its outage and the metrics.

    Other code records outages when it meets them; the monitor notices their end while nothing else uses the dependency.
    """

    def __init__(
        self,
        pings: Mapping[str, Callable[[], Awaitable[object]]],
        outages: Mapping[str, Outage],
        metrics: Metrics,
    ) -> None:
        """`pings` and `outages` are keyed by dependency; a ping raises if the dependency is unavailable."""
        self._pings = pings
        self._outages = outages
        self._metrics = metrics

    async def run(self) -> None:
        """Monitor until cancelled."""
        self._metrics.watch_loop_tasks(asyncio.get_running_loop())
        ping_at = time.monotonic()
        while True:
            if time.monotonic() >= ping_at:
                await asyncio.gather(*map(self._ping, self._pings))
                ping_at = time.monotonic() + PING_EVERY_S
            began = time.monotonic()
            await asyncio.sleep(LAG_EVERY_S)
            self._metrics.observe_loop_lag(time.monotonic() - began - LAG_EVERY_S)

    async def _ping(self, dependency: str) -> None:
        try:
            async with asyncio.timeout(PING_TIMEOUT_S):
                await self._pings[dependency]()
        except (AppError, RedisError, OSError) as error:  # TimeoutError is an OSError
            self._outages[dependency].failed(error if str(error) else f"no reply within {PING_TIMEOUT_S:g} s")
            self._metrics.set_dependency_up(dependency, up=False)
        else:
            self._outages[dependency].succeeded()
            self._metrics.set_dependency_up(dependency, up=True)
