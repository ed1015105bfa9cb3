"""Checks once per second which read replicas keep up with the primary."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from server.errors import Unavailable

CHECK_EVERY_S = 1.0


class ReplicaMonitor:
    """Leaves out the replicas that do not keep up, and uses them again when they do."""

    def __init__(self, check: Callable[[], Awaitable[None]]) -> None:
        """`check` raises Unavailable if the primary is."""
        self._check = check

    async def run(self) -> None:
        """Check until cancelled."""
        while True:
            await asyncio.sleep(CHECK_EVERY_S)
            with suppress(Unavailable):  # the health monitor reports the primary
                await self._check()
