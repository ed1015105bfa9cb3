"""Spans and trace context."""

import pytest

from server.tracing import (
    CURRENT_SPAN,
    Span,
    SpanKind,
    Tracer,
    child_span,
    current_traceparent,
    parse_traceparent,
    start_child,
)

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def ended() -> list[Span]:
    """Spans that were recorded."""
    return []


@pytest.fixture
def tracer(ended: list[Span]) -> Tracer:
    return Tracer(ended.append, sample_ratio=1.0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"00-{TRACE}-{SPAN}-01", (TRACE, SPAN, True)),
        (f"00-{TRACE}-{SPAN}-00", (TRACE, SPAN, False)),
        (f"00-{TRACE}-{SPAN}-03", (TRACE, SPAN, True)),
        (f"01-{TRACE}-{SPAN}-01-more", (TRACE, SPAN, True)),
        (f"00-{TRACE}-{SPAN}-01-more", None),
        (f"ff-{TRACE}-{SPAN}-01", None),
        (f"00-{'0' * 32}-{SPAN}-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (f"00-{TRACE.upper()}-{SPAN}-01", None),
        (f"00-{TRACE}-{SPAN}", None),
        ("", None),
        ("x" * 10_000, None),
    ],
)
def test_traceparent_is_parsed_as_the_standard_says(text: str, expected: object) -> None:
    assert parse_traceparent(text) == expected


def test_span_continues_the_trace_of_a_traceparent(tracer: Tracer) -> None:
    span = tracer.start("GET /feed", SpanKind.SERVER, f"00-{TRACE}-{SPAN}-01")
    assert span is not None
    assert (span.trace_id, span.parent_id, span.sampled) == (TRACE, SPAN, True)
    assert parse_traceparent(span.traceparent) == (TRACE, span.span_id, True)


def test_invalid_traceparent_begins_a_new_trace(tracer: Tracer) -> None:
    span = tracer.start("GET /feed", SpanKind.SERVER, "nonsense")
    assert span is not None
    assert span.parent_id == ""
    assert parse_traceparent(span.traceparent) == (span.trace_id, span.span_id, True)


def test_tracer_that_is_off_starts_no_span() -> None:
    assert Tracer().start("GET /feed", SpanKind.SERVER, f"00-{TRACE}-{SPAN}-01") is None
    assert current_traceparent() is None
    with child_span("inner") as span:
        assert span is None


def test_children_of_a_sampled_span_are_recorded(tracer: Tracer, ended: list[Span]) -> None:
    root = tracer.start("GET /feed", SpanKind.SERVER)
    assert root is not None
    context = CURRENT_SPAN.set(root)
    with pytest.raises(KeyError), child_span("outer") as outer:
        assert outer is not None
        inner = start_child("inner", SpanKind.CLIENT, {"db.system.name": "sqlite"})
        assert inner is not None
        inner.end()
        raise KeyError
    CURRENT_SPAN.reset(context)
    assert [(span.name, span.error) for span in ended] == [("inner", ""), ("outer", "KeyError")]
    assert ended[0].parent_id == outer.span_id
    assert outer.parent_id == root.span_id
    assert ended[0].ended_ns >= ended[0].started_ns > 0


def test_unsampled_trace_has_ids_and_records_nothing(ended: list[Span]) -> None:
    root = Tracer(ended.append, sample_ratio=0.0).start("GET /feed", SpanKind.SERVER)
    assert root is not None
    context = CURRENT_SPAN.set(root)
    assert start_child("inner", SpanKind.CLIENT, {}) is None
    assert current_traceparent() == f"00-{root.trace_id}-{root.span_id}-00"
    CURRENT_SPAN.reset(context)
    root.end()
    assert ended == []


def test_sample_ratio_is_the_share_of_new_traces(ended: list[Span]) -> None:
    tracer = Tracer(ended.append, sample_ratio=0.2)
    spans = [tracer.start("GET /feed", SpanKind.SERVER) for _ in range(5000)]
    sampled = sum(span is not None and span.sampled for span in spans)
    assert 700 < sampled < 1300  # ten standard deviations around 1000
