"""What every request passes: its id and its log line, errors as problems, what the schemas say."""

import random
import re
import time
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import hdrs, web

from server.errors import AppError
from server.handlers.http import problems
from server.handlers.http.client_ip import CLIENT_IP, ClientIps
from server.handlers.http.requests import REQUEST_ID, Handler, load
from server.logs import CURRENT_REQUEST
from server.metrics import Metrics

log = structlog.get_logger(__name__)

GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
CLIENT_CLOSED_REQUEST = 499  # nobody reads it but in our log, where it is known from nginx
NO_ROUTE = "none"
EVENT_STREAM = "text/event-stream"
REFUSAL = web.RequestKey("refusal", str)
QUIET_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})


class InFlight:
    """How many requests are being answered, and whether the server has begun to leave."""

    def __init__(self, metrics: Metrics | None = None, addresses: ClientIps | None = None) -> None:
        self._metrics = metrics or Metrics()
        self._addresses = addresses or ClientIps()
        self.requests = 0
        self.leaving = False

    def middleware(self) -> Callable[[web.Request, Handler], object]:
        """Outermost: counts the request, names it, logs it, and turns whatever went wrong into a problem."""

        @web.middleware
        async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
            given = request.headers.get("X-Request-Id")
            request_id = given if given and GIVEN_ID.fullmatch(given) else f"{random.getrandbits(64):016x}"
            request[REQUEST_ID] = request_id
            request[CLIENT_IP] = address = self._addresses.of(request)
            logged_as = CURRENT_REQUEST.set(request_id)
            began = time.perf_counter()
            self.requests += 1
            try:
                response = await _answer(request, handler)
            finally:
                self.requests -= 1
                CURRENT_REQUEST.reset(logged_as)
            if not response.prepared:
                if self.leaving:
                    response.force_close()
                if request.content.exception() is not None:
                    # Neither the rest of this body nor another request after it can be read.
                    response.force_close()
                    request.content.feed_eof()
            took_s = time.perf_counter() - began
            streamed = response.headers.get(hdrs.CONTENT_TYPE, "").startswith(EVENT_STREAM)
            self._metrics.answered(*_kind(request), response.status, None if streamed else took_s)
            if request.path not in QUIET_PATHS:
                failed = response.status >= 500 and REFUSAL in request
                refused = {"code": request[REFUSAL]} if failed else {}
                log.info(
                    "request", method=request.method, path=request.path, status=response.status,
                    ms=round(took_s * 1000, 1), request_id=request_id, address=address, **refused,
                )  # fmt: skip
            return response

        return observe


def _kind(request: web.Request) -> tuple[str, str]:
    """Route and method for the metrics: whatever a client sends, there are only so many."""
    resource = request.match_info.route.resource
    route = NO_ROUTE if resource is None else resource.canonical
    return route, request.method if request.method in hdrs.METH_ALL else "other"


async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except (AppError, web.HTTPException) as error:
        if _has_begun(request):  # a problem in the middle of a picture would be taken for a part of it
            log.warning("response_broken_off", path=request.path, error=str(error))
            return _broken_off(request)
        if isinstance(error, web.HTTPException):
            return problems.http_problem(error, request.path)
        if problems.status_of(error) >= 500:
            request[REFUSAL] = error.code  # for the one line of the request: an outage has a line of its own
        return problems.problem(error, request.path)
    except Exception as error:
        if isinstance(error, ConnectionError) and _has_left(request):
            return web.Response(status=CLIENT_CLOSED_REQUEST)
        log.exception("request_crashed", method=request.method, path=request.path)
        return _broken_off(request) if _has_begun(request) else problems.unexpected(request.path)


def _has_begun(request: web.Request) -> bool:
    return request.writer.output_size > 0


def _broken_off(request: web.Request) -> web.Response:
    """End the connection, so that the client sees that what it got is not all; the response goes nowhere."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=CLIENT_CLOSED_REQUEST)


def _has_left(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


def validation(
    max_bytes: int, timeout_s: float, checked: Callable[[web.Request], Awaitable[None]]
) -> Callable[[web.Request, Handler], object]:
    """Check body and query by the schemas of the handler; `checked` is told, and may turn the request away.

    aiohttp-apispec's own middleware reads with webargs, which takes NaN, and knows no limit of time or size.
    """

    @web.middleware
    async def validate(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.match_info.http_exception is None:
            await load(request, request.match_info.handler, max_bytes, timeout_s)
            await checked(request)
        return await handler(request)

    return validate
