"""Outermost and innermost middleware: request ids, logging and problem responses; validation of body and query."""

import random
import re
import time
from collections.abc import Callable
from typing import Any

import structlog
from aiohttp import hdrs, web

from server.errors import AppError
from server.handlers.http import problems
from server.handlers.http.client_ip import CLIENT_IP, ClientIps
from server.handlers.http.operations import RouteOptions, options_of
from server.handlers.http.representations.negotiation import negotiate
from server.handlers.http.requests import REQUEST_ID, HttpHandler, validate_input
from server.logs import CURRENT_REQUEST, REQUEST_LINES
from server.metrics import Metrics
from server.tracing import CURRENT_SPAN, Span, SpanKind, Tracer

log = structlog.get_logger(__name__)

REQUEST_ID_PATTERN = re.compile(r"[A-Za-z0-9._-]{1,64}")
CLIENT_CLOSED_REQUEST = 499  # nginx's status; it only appears in logs and metrics
NO_ROUTE = "none"
EVENT_STREAM = "text/event-stream"
PROBLEM_CODE = web.RequestKey("problem_code", str)
UNLOGGED_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})
# A live stream lasts for hours, and reads all the time.
UNTRACED_PATHS = UNLOGGED_PATHS | {"/notifications/stream"}


class InFlight:
    """The requests in progress. `draining`: shutdown has begun, and connections close after their response."""

    def __init__(
        self,
        metrics: Metrics,
        client_ips: ClientIps | None = None,
        tracer: Tracer | None = None,
        *,
        continue_traces: bool = False,
    ) -> None:
        """`continue_traces`: continue the trace that the `traceparent` header of a trusted proxy names."""
        self._metrics = metrics
        self._tracer = tracer or Tracer()
        self._continue_traces = continue_traces
        self._client_ips = client_ips or ClientIps()
        self.requests = 0
        self.draining = False

    def middleware(self) -> Callable[[web.Request, HttpHandler], object]:
        """Return the outermost middleware: it counts, identifies and logs requests, and renders errors as problems."""

        @web.middleware
        async def observe(request: web.Request, handler: HttpHandler) -> web.StreamResponse:
            request_id = request[REQUEST_ID] = _request_id(request)
            request[CLIENT_IP] = self._client_ips.get_for(request)
            context = CURRENT_REQUEST.set(request_id)
            span = self._start_span(request)
            started = time.perf_counter()
            self.requests += 1
            try:
                response = await _respond(request, handler)
            finally:
                self.requests -= 1
                CURRENT_REQUEST.reset(context)
                if span is not None:
                    CURRENT_SPAN.set(None)
            if not response.prepared:
                self._close_if_needed(request, response)
                if span is not None:
                    response.headers["traceresponse"] = span.traceparent
            self._record(request, response, time.perf_counter() - started, span)
            return response

        return observe

    def _close_if_needed(self, request: web.Request, response: web.StreamResponse) -> None:
        if self.draining:
            response.force_close()
        if request.content.exception() is not None:
            # Neither the rest of this body nor a request after it can be read.
            response.force_close()
            request.content.feed_eof()

    def _start_span(self, request: web.Request) -> Span | None:
        """Return the span that the request is in from now on; None for health checks and live streams."""
        if not self._tracer.is_on or request.path in UNTRACED_PATHS:
            return None
        given = request.headers.get("traceparent") if self._continue_traces else None
        if given is not None and not self._client_ips.is_proxy(request.remote or ""):
            given = None
        span = self._tracer.start("", SpanKind.SERVER, given)
        CURRENT_SPAN.set(span)
        return span

    def _record(
        self, request: web.Request, response: web.StreamResponse, duration_s: float, span: Span | None
    ) -> None:
        streamed = response.headers.get(hdrs.CONTENT_TYPE, "").startswith(EVENT_STREAM)
        self._metrics.count_request(*_labels(request), response.status, None if streamed else duration_s)
        if request.path in UNLOGGED_PATHS:
            return
        line: dict[str, Any] = {
            "method": request.method,
            "path": request.path,
            "status": response.status,
            "ms": round(duration_s * 1000, 1),
            "request_id": request[REQUEST_ID],
            "address": request[CLIENT_IP],
        }
        if response.status >= 500 and PROBLEM_CODE in request:
            line["code"] = request[PROBLEM_CODE]
        if span is not None:
            line |= {"trace_id": span.trace_id, "span_id": span.span_id}
            _end_span(span, request, response.status)
        REQUEST_LINES.info(line)


def _end_span(span: Span, request: web.Request, status: int) -> None:
    if span.sampled:
        route, method = _labels(request)
        span.name = f"{method} {route}"
        span.attributes.update(
            {
                "http.request.method": method,
                "http.route": route,
                "http.response.status_code": status,
                "photofeed.request_id": request[REQUEST_ID],
            }
        )
        span.end(str(status) if status >= 500 else None)


def _request_id(request: web.Request) -> str:
    given = request.headers.get("X-Request-Id")
    return given if given and REQUEST_ID_PATTERN.fullmatch(given) else f"{random.getrandbits(64):016x}"


def _labels(request: web.Request) -> tuple[str, str]:
    """Return route and method as metric labels, from a bounded set of values."""
    resource = request.match_info.route.resource
    route = NO_ROUTE if resource is None else resource.canonical
    return route, request.method if request.method in hdrs.METH_ALL else "other"


async def _respond(request: web.Request, handler: HttpHandler) -> web.StreamResponse:
    try:
        return negotiate(request, await handler(request))
    except (AppError, web.HTTPException) as error:
        if _has_started(request):  # the client would take a problem for a part of the image
            log.warning("response_aborted", path=request.path, error=str(error))
            return _abort(request)
        if isinstance(error, web.HTTPException):
            return problems.http_problem(error, request.path)
        if problems.status_of(error) >= 500:
            request[PROBLEM_CODE] = error.code  # for the request's log line; an outage is logged on its own
        return problems.problem(error, request.path)
    except Exception as error:
        if isinstance(error, ConnectionError) and _is_disconnected(request):
            return web.Response(status=CLIENT_CLOSED_REQUEST)
        log.exception("request_crashed", method=request.method, path=request.path)
        return _abort(request) if _has_started(request) else problems.internal_error(request.path)


def _has_started(request: web.Request) -> bool:
    return request.writer.output_size > 0


def _abort(request: web.Request) -> web.Response:
    """Abort the connection, so that the client notices the incomplete response; the one returned is not sent."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=CLIENT_CLOSED_REQUEST)


def _is_disconnected(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


def validation(
    max_bytes: int,
    timeout_s: float,
    check_form_head: Callable[[web.Request, RouteOptions], None],
) -> Callable[[web.Request, HttpHandler], object]:
    """Return a middleware that validates query and body by the handler's schemas.

    `check_form_head` refuses a multipart body that its head shows to be unreadable. The handler reads such a body.
    aiohttp-apispec's own middleware parses with webargs, which accepts NaN and has no limits of time and size.
    """

    @web.middleware
    async def validate(request: web.Request, handler: HttpHandler) -> web.StreamResponse:
        if request.match_info.http_exception is None:
            options = options_of(request.match_info.handler)
            await validate_input(request, options, max_bytes, timeout_s, check_form_head)
        return await handler(request)

    return validate
