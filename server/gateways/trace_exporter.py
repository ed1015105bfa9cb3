"""Exports spans to an OpenTelemetry collector, with OTLP over HTTP, in the background.

OpenTelemetry's SDK batches and sends them in a thread. Its own spans are not used: creating one costs ten times as much
as `server/tracing.py`. This module is imported only if traces are on, because the SDK takes 0.3 s.
"""

import asyncio
import logging
import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.status import Status, StatusCode

from server.outages import Outage
from server.tracing import Span
from server.version import VERSION

EXPORT_TIMEOUT_S = 3.0
EXPORT_EVERY_S = 2.0
MAX_WAITING = 4096  # spans; later ones are dropped, so that an unavailable collector costs a few MB at most
SAMPLED = TraceFlags(TraceFlags.SAMPLED)
KINDS = {kind.value: kind for kind in SpanKind}
SCOPE = InstrumentationScope("photofeed", VERSION)


class TraceExporter:
    """Sends ended spans every two seconds. While the collector is unavailable they are dropped.

    An outage is logged when it begins and when it ends.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        headers: Mapping[str, str],
        attributes: Mapping[str, str],
        outage: Outage,
        count: Callable[[str, int], None],
    ) -> None:
        """`attributes` describe this process; `count` gets an outcome, `exported` or `failed`, and how many spans."""
        # Their messages are repeated with every batch.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        process = {
            "service.version": VERSION,
            "service.instance.id": f"{socket.gethostname()}:{os.getpid()}",
            **attributes,
        }
        self._resource = Resource.create(process)
        otlp = OTLPSpanExporter(
            f"{endpoint.rstrip('/')}/v1/traces", headers=dict(headers), timeout=EXPORT_TIMEOUT_S
        )
        self._exporter = _ReportingExporter(otlp, outage, count)
        self._batches = BatchSpanProcessor(
            self._exporter, max_queue_size=MAX_WAITING, schedule_delay_millis=EXPORT_EVERY_S * 1000
        )

    def record(self, span: Span) -> None:
        """Queue an ended span. Neither blocks nor fails."""
        trace_id = int(span.trace_id, 16)
        parent = (
            SpanContext(trace_id, int(span.parent_id, 16), is_remote=False, trace_flags=SAMPLED)
            if span.parent_id
            else None
        )
        self._batches.on_end(
            ReadableSpan(
                name=span.name,
                context=SpanContext(trace_id, int(span.span_id, 16), is_remote=False, trace_flags=SAMPLED),
                parent=parent,
                resource=self._resource,
                attributes=span.attributes,
                kind=KINDS[span.kind],
                status=Status(StatusCode.ERROR, span.error) if span.error else Status(),
                start_time=span.started_ns,
                end_time=span.ended_ns,
                instrumentation_scope=SCOPE,
            )
        )

    async def close(self) -> None:
        """Send what is queued, within one export timeout."""
        self._exporter.stop_at(time.monotonic() + EXPORT_TIMEOUT_S)
        await asyncio.to_thread(self._batches.shutdown)


class _ReportingExporter(SpanExporter):
    """Reports the outcome of each export on the event loop, and gives up at the end of the process."""

    def __init__(self, exporter: OTLPSpanExporter, outage: Outage, count: Callable[[str, int], None]) -> None:
        self._exporter = exporter
        self._outage = outage
        self._count = count
        self._loop = asyncio.get_running_loop()
        self._ends_at: float | None = None

    def stop_at(self, ends_at: float) -> None:
        """Export nothing that begins after `ends_at`."""
        self._ends_at = ends_at

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if self._ends_at is not None and (self._outage.is_ongoing or time.monotonic() > self._ends_at):
            return SpanExportResult.FAILURE
        result = self._exporter.export(spans)
        succeeded = result is SpanExportResult.SUCCESS
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._report, succeeded, len(spans))
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True

    def _report(self, succeeded: bool, spans: int) -> None:
        if succeeded:
            self._outage.succeeded()
        else:
            self._outage.failed("the collector did not take a batch of spans")
        self._count("exported" if succeeded else "failed", spans)
