"""Cross-Origin Resource Sharing: which other sites' scripts may use the API, and which headers they may read.

Only the exact origins in `app.cors_origins` are allowed. Scripts send their tokens themselves, so credentialed requests
are not allowed: a site that is not listed gains nothing when a user visits it.
"""

from collections.abc import Callable, Sequence

from aiohttp import hdrs, web

from server.handlers.http.requests import HttpHandler

PREFLIGHT_MAX_AGE_S = 600
ALLOWED_HEADERS = ("Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID", "X-Request-Id")
EXPOSED_HEADERS = (
    "Idempotency-Replayed",
    "Link",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "X-Request-Id",
)


class Cors:
    def __init__(self, origins: Sequence[str] = ()) -> None:
        self._origins = frozenset(origins)
        self._allowed_headers = ", ".join(ALLOWED_HEADERS)
        self._exposed_headers = ", ".join(EXPOSED_HEADERS)

    def middlewares(self) -> list[Callable[[web.Request, HttpHandler], object]]:
        """Return the middleware that answers preflight requests; none if no origin is allowed.

        A preflight is an OPTIONS request to a path that has routes for other methods only.
        """

        @web.middleware
        async def preflight(request: web.Request, handler: HttpHandler) -> web.StreamResponse:
            refused = request.match_info.http_exception
            if (
                request.method == hdrs.METH_OPTIONS
                and isinstance(refused, web.HTTPMethodNotAllowed)
                and hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers
                and self._is_allowed(request)
            ):
                headers = {
                    hdrs.ACCESS_CONTROL_ALLOW_METHODS: ", ".join(sorted(refused.allowed_methods)),
                    hdrs.ACCESS_CONTROL_ALLOW_HEADERS: self._allowed_headers,
                    hdrs.ACCESS_CONTROL_MAX_AGE: str(PREFLIGHT_MAX_AGE_S),
                }
                return web.Response(status=204, headers=headers)
            return await handler(request)

        return [preflight] if self._origins else []

    def add_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        """Let a script of an allowed origin read the response."""
        if not self._origins:
            return
        headers = response.headers
        # Without an Origin as well: a cache must not reuse that response for a request that has one.
        headers[hdrs.VARY] = f"{headers[hdrs.VARY]}, Origin" if hdrs.VARY in headers else "Origin"
        if self._is_allowed(request):
            headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = request.headers[hdrs.ORIGIN]
            headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = self._exposed_headers

    def _is_allowed(self, request: web.Request) -> bool:
        return request.headers.get(hdrs.ORIGIN) in self._origins
