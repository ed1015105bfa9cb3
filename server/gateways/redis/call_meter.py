"""Measures calls of Redis: metrics of all, and spans of those in a sampled trace."""

import time
from types import TracebackType

from server.durations import Durations
from server.tracing import Span, SpanKind, start_child

SYSTEM = {"db.system.name": "redis"}


class CallMeter:
    """Records calls in `durations`, if there are any."""

    __slots__ = ("_durations",)

    def __init__(self, durations: Durations | None) -> None:
        self._durations = durations

    def measure(self, name: str) -> "_Call":
        """Return a context that a call runs in. `name` is that of a script, a command, or `pipeline`."""
        return _Call(self._durations, name)


class _Call:
    # A class: the generator of `contextmanager` costs three times as much, and every request makes two calls.
    __slots__ = ("_durations", "_name", "_span", "_started")

    def __init__(self, durations: Durations | None, name: str) -> None:
        self._durations = durations
        self._name = name
        self._span: Span | None = None
        self._started = 0.0

    def __enter__(self) -> None:
        self._span = start_child(self._name, SpanKind.CLIENT, SYSTEM)
        self._started = time.perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._durations is not None:
            self._durations.observe((self._name,), time.perf_counter() - self._started)
        if self._span is not None:
            self._span.end(error)
