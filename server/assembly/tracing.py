"""Traces: the tracer of this process, and the export of its spans."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from urllib.parse import unquote

from server.assembly.resources import Instrumentation
from server.outages import Outage
from server.settings import Settings


@asynccontextmanager
async def exported_traces(
    settings: Settings, instrumentation: Instrumentation, role: str
) -> AsyncGenerator[None]:
    """Turn tracing on, if there is a collector. At the end the queued spans are sent."""
    tracing = settings.tracing
    if not tracing.endpoint:
        yield
        return
    # The import costs 0.3 s.
    from server.gateways.trace_exporter import TraceExporter

    exporter = TraceExporter(
        tracing.endpoint,
        headers=parse_headers(tracing.headers.get_secret_value()),
        attributes={
            "service.name": tracing.service_name,
            "deployment.environment.name": settings.app.env,
            "photofeed.role": role,
        },
        outage=Outage("trace_collector"),
        count=instrumentation.metrics.count_spans,
    )
    instrumentation.tracer.turn_on(exporter.record, tracing.sample_ratio)
    try:
        yield
    finally:
        instrumentation.tracer.turn_off()
        await exporter.close()


def parse_headers(text: str) -> dict[str, str]:
    """Parse headers as OpenTelemetry writes them: `name=value,name=value`, with percent-encoded values."""
    pairs = (part.partition("=") for part in text.split(",") if part.strip())
    return {name.strip().lower(): unquote(value.strip()) for name, _, value in pairs}
