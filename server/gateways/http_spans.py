"""Spans of requests to other services, with the trace context in their headers."""

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from urllib.parse import urlsplit

from server.tracing import Span, SpanKind, child_span, current_traceparent


@contextmanager
def client_span(
    name: str, url: str, headers: MutableMapping[str, str] | None = None
) -> Iterator[Span | None]:
    """Make the span of a request the current one; None unless the trace is sampled.

    `headers` get the trace context, also of a trace that is not sampled. The span has the host of `url`, but not its
    path, which may be secret.
    """
    attributes = {"http.request.method": "POST", "server.address": urlsplit(url).hostname or ""}
    with child_span(name, SpanKind.CLIENT, attributes) as span:
        if headers is not None and (traceparent := current_traceparent()):
            headers["traceparent"] = traceparent
        yield span


def set_status(span: Span | None, status: int) -> None:
    """Record the status of a response; one from 400 on makes the span an error."""
    if span is not None:
        span.attributes["http.response.status_code"] = status
        if status >= 400:
            span.error = str(status)
