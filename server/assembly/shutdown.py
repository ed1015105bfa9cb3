"""What was opened, and how it is closed again: in reverse, each stage under a deadline of its own, named in the log."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

log = structlog.get_logger(__name__)

CLOSE_S = 5.0


@dataclass(frozen=True, slots=True)
class Stage:
    """Something that was opened: how it is closed, and within how many seconds."""

    name: str
    close: Callable[[], Awaitable[None]]
    deadline_s: float


class ShutdownStages:
    def __init__(self) -> None:
        self._stages: list[Stage] = []
        self._clean = True

    def opened(self, name: str, close: Callable[[], Awaitable[None]], deadline_s: float = CLOSE_S) -> None:
        """Something is open now, and to be closed before all that was opened earlier."""
        self._stages.append(Stage(name, close, deadline_s))

    def cut_off(self) -> None:
        """Something did not end by itself: the end is not a clean one."""
        self._clean = False

    async def close(self) -> bool:
        """Close all of it; True if each stage ended within its deadline and with nothing cut off."""
        while self._stages:
            stage = self._stages.pop()
            began = time.monotonic()
            try:
                async with asyncio.timeout(stage.deadline_s):
                    await stage.close()
            except TimeoutError:
                self._clean = False
                log.error("deadline_missed", part=stage.name, deadline_s=stage.deadline_s)
            except Exception:  # whatever a part dies of, the others must still be closed
                self._clean = False
                log.exception("close_failed", part=stage.name)
            else:
                log.info("closed", part=stage.name, ms=round((time.monotonic() - began) * 1000))
        return self._clean


def at_once(close: Callable[[], None]) -> Callable[[], Awaitable[None]]:
    """For what is closed without waiting."""

    async def closed() -> None:
        close()

    return closed
