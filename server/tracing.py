"""Spans of distributed traces (W3C Trace Context), and the span that the running task is in.

A tracer starts the first span of a request or a job, and decides whether the trace is sampled. What it calls adds child
spans, which cost nothing unless the trace is sampled. `gateways/trace_exporter.py` sends ended spans to a collector.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from enum import IntEnum
from random import randbytes, random

Value = str | int | float | bool

TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?"
)
VERSION_0_LENGTH = 55
SAMPLED_FLAG = 1


class SpanKind(IntEnum):
    """Role of a span; the numbers are those of OpenTelemetry's SDK."""

    INTERNAL = 0
    SERVER = 1
    CLIENT = 2
    PRODUCER = 3
    CONSUMER = 4


class Span:
    """One operation of a trace. Ids are in lower-case hexadecimal, as in `traceparent`; times are Unix time in ns."""

    __slots__ = (
        "_record",
        "attributes",
        "ended_ns",
        "error",
        "kind",
        "name",
        "parent_id",
        "sampled",
        "span_id",
        "started_ns",
        "trace_id",
    )

    def __init__(
        self,
        name: str,
        kind: SpanKind,
        trace_id: str,
        span_id: str,
        parent_id: str,
        *,
        sampled: bool,
        record: Callable[["Span"], None],
    ) -> None:
        self.name = name
        self.kind = kind
        self.trace_id = trace_id
        self.span_id = span_id
        self.parent_id = parent_id
        self.sampled = sampled
        self.started_ns = time.time_ns() if sampled else 0
        self.ended_ns = 0
        self.attributes: dict[str, Value] = {}
        self.error = ""
        self._record = record

    @property
    def traceparent(self) -> str:
        """The value of the header that continues the trace below this span."""
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}"

    def child(self, name: str, kind: SpanKind, attributes: Mapping[str, Value]) -> "Span":
        """Return a span below this one, begun now."""
        span = Span(
            name,
            kind,
            self.trace_id,
            randbytes(8).hex(),
            self.span_id,
            sampled=self.sampled,
            record=self._record,
        )
        span.attributes.update(attributes)
        return span

    def end(self, error: BaseException | str | None = None) -> None:
        """End the span, with the type of an error; it is exported if its trace is sampled."""
        if error is not None:
            self.error = error if isinstance(error, str) else type(error).__name__
        self.ended_ns = time.time_ns()
        if self.sampled:
            self._record(self)


# None outside of requests and jobs, and while tracing is off.
CURRENT_SPAN: ContextVar[Span | None] = ContextVar("span", default=None)


class Tracer:
    """Starts the first span that a process adds to a trace. Without `record`, tracing is off."""

    def __init__(self, record: Callable[[Span], None] | None = None, sample_ratio: float = 0.0) -> None:
        """`sample_ratio` is the share of traces to export, of those that begin here."""
        self._record = record
        self._sample_ratio = sample_ratio

    def turn_on(self, record: Callable[[Span], None], sample_ratio: float) -> None:
        """Start spans from now on. `record` gets those of sampled traces when they end."""
        self._record, self._sample_ratio = record, sample_ratio

    def turn_off(self) -> None:
        """Start no more spans; those that end later are ignored by what recorded them."""
        self._record = None

    @property
    def is_on(self) -> bool:
        return self._record is not None

    def start(self, name: str, kind: SpanKind, traceparent: str | None = None) -> Span | None:
        """Return a span that continues a trace, or begins one; None while tracing is off.

        A `traceparent` that is not valid begins a new trace.
        """
        if self._record is None:
            return None
        parent = parse_traceparent(traceparent) if traceparent else None
        if parent is None:
            ids = randbytes(24).hex()
            trace_id, span_id, parent_id = ids[:32], ids[32:], ""
            sampled = random() < self._sample_ratio
        else:
            trace_id, parent_id, sampled = parent
            span_id = randbytes(8).hex()
        return Span(name, kind, trace_id, span_id, parent_id, sampled=sampled, record=self._record)


def parse_traceparent(text: str) -> tuple[str, str, bool] | None:
    """Return trace id, span id and the sampled flag; None for an invalid header."""
    found = TRACEPARENT.fullmatch(text)
    if found is None or (text.startswith("00") and len(text) != VERSION_0_LENGTH):
        return None
    return found[1], found[2], bool(int(found[3], 16) & SAMPLED_FLAG)


def current_traceparent() -> str | None:
    """Return the header that continues the current trace; None outside of a trace."""
    span = CURRENT_SPAN.get()
    return None if span is None else span.traceparent


def start_child(name: str, kind: SpanKind, attributes: Mapping[str, Value]) -> Span | None:
    """Return a span below the current one, which the caller ends; None unless the trace is sampled."""
    parent = CURRENT_SPAN.get()
    return parent.child(name, kind, attributes) if parent is not None and parent.sampled else None


@contextmanager
def in_span(span: Span | None) -> Iterator[None]:
    """Make `span` the current one."""
    context = CURRENT_SPAN.set(span)
    try:
        yield
    finally:
        CURRENT_SPAN.reset(context)


@contextmanager
def child_span(
    name: str, kind: SpanKind = SpanKind.INTERNAL, attributes: Mapping[str, Value] | None = None
) -> Iterator[Span | None]:
    """Make a span below the current one the current span; None unless the trace is sampled."""
    span = start_child(name, kind, attributes or {})
    if span is None:
        yield None
        return
    context = CURRENT_SPAN.set(span)
    error: BaseException | None = None
    try:
        yield span
    except BaseException as raised:
        error = raised
        raise
    finally:
        CURRENT_SPAN.reset(context)
        span.end(error)
