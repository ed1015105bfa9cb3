"""Opened resources and their orderly shutdown: in reverse order, each under its own deadline, each named in the log."""

import asyncio
import math
import time
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import TypeVar

import structlog

log = structlog.get_logger(__name__)

Resource = TypeVar("Resource")

CLOSE_S = 5.0
NOTABLE_S = 0.5
# What a stage still gets after the time of the whole shutdown has passed: to close what needs no waiting.
OVERDUE_S = 0.05


class ShutdownStages(AsyncExitStack):
    """An exit stack on which every context manager is a named stage with a deadline.

    A stage that fails or misses its deadline is logged and does not stop the others. `clean` is True if all of
    them ended in time with nothing cut off.
    """

    def __init__(self, total_s: float = math.inf) -> None:
        """All stages together get `total_s` seconds from `begin` on."""
        super().__init__()
        self.clean = True
        self._total_s = total_s
        self._ends_at = math.inf

    def begin(self) -> None:
        """Start the time of the whole shutdown."""
        self._ends_at = min(self._ends_at, time.monotonic() + self._total_s)

    async def enter(
        self,
        name: str,
        resource: AbstractAsyncContextManager[Resource],
        deadline_s: float = CLOSE_S,
        *,
        announced: bool = False,
    ) -> Resource:
        """Open `resource`; it is closed before everything that was opened earlier.

        A stage that is not `announced` appears at level info only if closing it takes long.
        """
        opened = await resource.__aenter__()
        self.push_async_callback(self._close, name, resource, deadline_s, announced)
        return opened

    def cut_off(self) -> None:
        """Record that some work was cut off: the shutdown is not clean."""
        self.clean = False

    async def _close(
        self, name: str, resource: AbstractAsyncContextManager[object], deadline_s: float, announced: bool
    ) -> None:
        began = time.monotonic()
        deadline_s = min(deadline_s, max(OVERDUE_S, self._ends_at - began))
        try:
            async with asyncio.timeout(deadline_s):
                await resource.__aexit__(None, None, None)
        except TimeoutError:
            self.clean = False
            log.error("deadline_missed", stage=name, deadline_s=round(deadline_s, 2))
        except Exception:  # every other stage must still be closed
            self.clean = False
            log.exception("close_failed", stage=name)
        else:
            took_s = time.monotonic() - began
            write = log.info if announced or took_s >= NOTABLE_S else log.debug
            write("closed", stage=name, ms=round(took_s * 1000))
