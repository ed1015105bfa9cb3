"""Measures calls of Redis: metrics of all, and spans of those in a sampled trace."""

import sys
import time

from server.durations import Durations
from server.tracing import Span, SpanKind, start_child

SYSTEM = {"db.system.name": "redis"}

Started = tuple[Span | None, float]


class CallMeter:
    """Records calls in `durations`, if there are any.

    `end` belongs into the `finally` of a call that `start` began. A context manager would cost three times as much, and
    every request makes two calls.
    """

    __slots__ = ("_durations",)

    def __init__(self, durations: Durations | None) -> None:
        self._durations = durations

    def start(self, name: str) -> Started:
        """Begin a call. `name` is that of a script, a command, or `pipeline`."""
        return start_child(name, SpanKind.CLIENT, SYSTEM), time.perf_counter()

    def end(self, name: str, started: Started) -> None:
        """Record the call, with the exception that is being handled, if any."""
        span, started_s = started
        if self._durations is not None:
            self._durations.observe((name,), time.perf_counter() - started_s)
        if span is not None:
            span.end(sys.exception())
