"""Time limits for receiving a body: how long it may pause, how slow it may be, and how long it may take in all.

Only the time spent waiting for the client counts. Writing to a slow disk costs a client nothing.
"""

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar

from aiohttp import StreamReader

from server.errors import RequestTimeout

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """Limits of one body.

    idle_s: The longest pause between two pieces.
    min_bytes_per_s: The lowest average rate. The first `idle_s` are free, so that a start may be slow.
    total_s: The longest time for the whole body.
    """

    idle_s: float
    min_bytes_per_s: float
    total_s: float


class BodyTimer:
    """Limits the waits for one body, which `content` receives."""

    def __init__(self, content: StreamReader, limits: TimeLimits) -> None:
        self._content = content
        self._limits = limits
        self._waited_s = 0.0

    async def wait(self, piece: Awaitable[Result]) -> Result:
        """Return the next piece of the body. Raises RequestTimeout."""
        started = time.monotonic()
        try:
            async with asyncio.timeout(self._allowed_s()):
                return await piece
        except TimeoutError as error:
            raise RequestTimeout(self._problem(started), code="body_timeout") from error
        finally:
            self._waited_s += time.monotonic() - started

    def _allowed_s(self) -> float:
        """Return how long the next wait may be; zero or less if the body is too slow already."""
        limits = self._limits
        by_rate_s = limits.idle_s + self._content.total_bytes / limits.min_bytes_per_s - self._waited_s
        return min(limits.idle_s, by_rate_s, limits.total_s - self._waited_s)

    def _problem(self, wait_started: float) -> str:
        limits, waited_s = self._limits, time.monotonic() - wait_started
        if waited_s >= limits.idle_s:
            return f"No data arrived for {limits.idle_s:g} s. Send the body again."
        if self._waited_s + waited_s >= limits.total_s:
            return f"The body did not arrive within {limits.total_s:g} s. Send it again over a faster connection."
        return (
            f"The body arrived at less than {limits.min_bytes_per_s:g} bytes per second. "
            "Send it again over a faster connection."
        )
