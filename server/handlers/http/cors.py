"""Cross-Origin Resource Sharing: which other sites' scripts may use the API, and which headers they may read.

Only the exact origins in `app.cors_origins` are allowed and, in development, every port of this machine. Scripts send
their tokens themselves, so credentialed requests are not allowed: a site that is not listed gains nothing when a user
visits it.
"""

import re
from collections.abc import Callable, Sequence

import structlog
from aiohttp import hdrs, web

from server.handlers.http.requests import HttpHandler

log = structlog.get_logger(__name__)

PREFLIGHT_MAX_AGE_S = 7200  # the longest that Chromium accepts
MAX_REPORTED_ORIGINS = 100
THIS_MACHINE = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?")
ALLOWED_HEADERS = (
    "Authorization", "Baggage", "Cache-Control", "Content-Type", "Idempotency-Key", "If-Match", "If-Modified-Since",
    "If-None-Match", "If-Range", "If-Unmodified-Since", "Last-Event-ID", "Pragma", "Range", "Sentry-Trace",
    "Traceparent", "Tracestate", "Upload-Checksum", "Upload-Length", "Upload-Metadata", "Upload-Offset",
    "Tus-Resumable", "X-Request-Id", "X-Requested-With",
)  # fmt: skip
EXPOSED_HEADERS = (
    "Accept-Ranges", "Content-Range", "ETag", "Idempotency-Replayed", "Link", "Location", "Media-Id", "RateLimit",
    "RateLimit-Policy", "Retry-After", "Server-Timing", "Tus-Checksum-Algorithm", "Tus-Extension", "Tus-Max-Size",
    "Tus-Resumable", "Tus-Version", "Upload-Expires", "Upload-Length", "Upload-Metadata", "Upload-Offset",
    "WWW-Authenticate", "X-Request-Id",
)  # fmt: skip
TIMING_ALLOW_ORIGIN = "Timing-Allow-Origin"


class Cors:
    """`this_machine`: scripts from any port of localhost are allowed, as for a client in development."""

    def __init__(self, origins: Sequence[str] = (), *, this_machine: bool = False) -> None:
        self._origins = frozenset(origins)
        self._this_machine = this_machine
        self._reported: set[str] = set()
        self._allowed_headers = ", ".join(ALLOWED_HEADERS)
        self._exposed_headers = ", ".join(EXPOSED_HEADERS)

    @web.middleware
    async def _answer_preflight(self, request: web.Request, handler: HttpHandler) -> web.StreamResponse:
        methods = _methods(request)
        if (
            request.method == hdrs.METH_OPTIONS
            and methods
            and hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers
            and self._is_allowed(request.headers.get(hdrs.ORIGIN, ""))
        ):
            headers = {
                hdrs.ACCESS_CONTROL_ALLOW_METHODS: ", ".join(sorted(methods)),
                hdrs.ACCESS_CONTROL_ALLOW_HEADERS: self._allowed_headers,
                hdrs.ACCESS_CONTROL_MAX_AGE: str(PREFLIGHT_MAX_AGE_S),
            }
            return web.Response(status=204, headers=headers)
        return await handler(request)

    def middlewares(self) -> list[Callable[[web.Request, HttpHandler], object]]:
        """Return the middleware that answers preflight requests; none if no origin is allowed.

        A preflight is an OPTIONS request to a path that has routes for other methods only.
        """
        return [self._answer_preflight] if self._origins or self._this_machine else []

    def add_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        """Let a script of an allowed origin read the response and its timing. Log the first use of another origin."""
        origin = request.headers.get(hdrs.ORIGIN)
        headers = response.headers
        if self._origins or self._this_machine:
            # Without an Origin as well: a cache must not reuse that response for a request that has one.
            headers[hdrs.VARY] = f"{headers[hdrs.VARY]}, Origin" if hdrs.VARY in headers else "Origin"
        if origin is None:
            return
        if self._is_allowed(origin):
            headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
            headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = self._exposed_headers
            headers[TIMING_ALLOW_ORIGIN] = origin
        elif origin.partition("://")[2] != request.host:
            self._report(origin)

    def _is_allowed(self, origin: str) -> bool:
        return origin in self._origins or (self._this_machine and THIS_MACHINE.fullmatch(origin) is not None)

    def _report(self, origin: str) -> None:
        """Warn once about an origin whose scripts cannot read the responses, for a limited number of origins."""
        shown = origin[:200]
        if shown not in self._reported and len(self._reported) < MAX_REPORTED_ORIGINS:
            self._reported.add(shown)
            log.warning(
                "cors_origin_refused",
                origin=shown,
                detail="If this site is a client of yours, add its origin to CORS_ORIGINS.",
            )


def _methods(request: web.Request) -> set[str]:
    """Return the methods of the path, which may have a handler for OPTIONS itself."""
    match = request.match_info
    if isinstance(match.http_exception, web.HTTPMethodNotAllowed):
        return set(match.http_exception.allowed_methods)
    resource = match.route.resource
    return set() if resource is None else {route.method for route in resource}
