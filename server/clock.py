"""The clock, a dependency that tests replace with one that is stopped or wrong."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Wall-clock time in UTC."""

    def now_ms(self) -> int:
        """Return the milliseconds since 1970-01-01T00:00:00Z."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


def moment(at_ms: int) -> datetime:
    """Return the aware UTC datetime of `at_ms` milliseconds since the epoch."""
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def isoformat(at_ms: int) -> str:
    """Return the time in the format of the API: `2026-01-31T12:00:00.123Z`."""
    return f"{moment(at_ms):%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03d}Z"
