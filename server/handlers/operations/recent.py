"""Results that are computed at most once per second, whatever the number of requests."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Result = TypeVar("Result")

MAX_AGE_S = 1.0


class Recent(Generic[Result]):
    """The result of `compute`, at most `max_age_s` old. Concurrent callers share one computation."""

    def __init__(self, compute: Callable[[], Awaitable[Result]], max_age_s: float = MAX_AGE_S) -> None:
        self._compute = compute
        self._max_age_s = max_age_s
        self._lock = asyncio.Lock()
        self._known: tuple[float, Result] | None = None

    async def get(self) -> Result:
        """Return the result. An error of `compute` is raised, and not kept."""
        async with self._lock:
            if self._known is None or time.monotonic() - self._known[0] >= self._max_age_s:
                self._known = None
                self._known = time.monotonic(), await self._compute()
            return self._known[1]
