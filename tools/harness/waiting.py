"""Waiting on conditions instead of sleeping."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, cast

Found = TypeVar("Found")

DEADLINE_S = 20.0
POLL_S = 0.005


async def wait_until(
    condition: Callable[[], Found | Awaitable[Found]],
    timeout_s: float = DEADLINE_S,
    what: str = "the condition",
) -> Found:
    """Return what `condition`, plain or async, returns once that is true.

    Raises TimeoutError with `what` was waited for and the last value.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        answer = condition()
        found = await cast("Awaitable[Found]", answer) if isinstance(answer, Awaitable) else answer
        if found:
            return found
        if time.monotonic() > deadline:
            raise TimeoutError(f"Waited {timeout_s:g} s for {what}; last value: {found!r}.")
        await asyncio.sleep(POLL_S)


def wait_until_blocking(condition: Callable[[], object], timeout_s: float, what: str) -> None:
    """Return once `condition` holds, where no event loop runs. Raises TimeoutError with `what` was waited for."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"Waited {timeout_s:g} s for {what}.")
        time.sleep(2 * POLL_S)
