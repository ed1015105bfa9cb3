"""An OpenTelemetry collector on loopback: receives traces with OTLP over HTTP, as protobuf."""

import asyncio
import threading
from dataclasses import dataclass
from typing import Any, Self

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tools.harness.servers import free_port


@dataclass(frozen=True, slots=True)
class ReceivedSpan:
    """A span that the collector received; ids are hexadecimal."""

    name: str
    kind: int
    trace_id: str
    span_id: str
    parent_id: str
    attributes: dict[str, Any]
    resource: dict[str, Any]
    error: str
    took_ns: int


class FakeCollector:
    """Serves in its own thread. `status` is what it answers; `headers` are those of the last request."""

    def __init__(self) -> None:
        self.port = free_port()
        self.spans: list[ReceivedSpan] = []
        self.headers: dict[str, str] = {}
        self.requests = 0
        self.status = 200
        self._serving = threading.Event()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop
        self._stopped: asyncio.Event

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Self:
        """Start and wait until it serves. After `stop` it may be started again on the same port."""
        self._serving.clear()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="otlp", daemon=True)
        self._thread.start()
        if not self._serving.wait(10):
            raise RuntimeError("The collector of the tests did not start.")
        return self

    def stop(self) -> None:
        if self._thread is not None:
            self._loop.call_soon_threadsafe(self._stopped.set)
            self._thread.join(10)
            self._thread = None

    def trace(self, trace_id: str) -> list[ReceivedSpan]:
        """Return the spans of a trace that have arrived."""
        return [span for span in self.spans if span.trace_id == trace_id]

    async def _serve(self) -> None:
        self._loop, self._stopped = asyncio.get_running_loop(), asyncio.Event()
        app = web.Application(client_max_size=16 * 1024 * 1024)
        app.router.add_post("/v1/traces", self._receive)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.05)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port).start()
        self._serving.set()
        await self._stopped.wait()
        await runner.cleanup()

    async def _receive(self, request: web.Request) -> web.Response:
        self.requests += 1
        self.headers = {name.lower(): value for name, value in request.headers.items()}
        if self.status != 200:
            return web.Response(status=self.status)
        received = ExportTraceServiceRequest.FromString(await request.read())
        for resource in received.resource_spans:
            described = _attributes(resource.resource.attributes)
            for scope in resource.scope_spans:
                self.spans += [_span(span, described) for span in scope.spans]
        return web.Response(
            body=ExportTraceServiceResponse().SerializeToString(), content_type="application/x-protobuf"
        )


def _span(span: Any, resource: dict[str, Any]) -> ReceivedSpan:
    return ReceivedSpan(
        name=span.name,
        kind=span.kind,
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        attributes=_attributes(span.attributes),
        resource=resource,
        error=span.status.message,
        took_ns=span.end_time_unix_nano - span.start_time_unix_nano,
    )


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}
