"""Cross-Origin Resource Sharing: which other web sites' scripts may use the API, and what they may see of an answer.

Only the origins in `app.cors_origins`, each spelt out. Tokens are sent by scripts that have them, never by the browser
of its own accord, so no credentials are allowed, and a site that is not in the list gains nothing by being visited.
"""

from collections.abc import Callable, Sequence

from aiohttp import hdrs, web

from server.handlers.http.requests import Handler

PREFLIGHT_KEPT_S = 600
SENT = ("Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID", "X-Request-Id")
SHOWN = (
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
        self._shown = ", ".join(SHOWN)
        self._sent = ", ".join(SENT)

    def middlewares(self) -> list[Callable[[web.Request, Handler], object]]:
        """What answers preflights, which ask for no route's OPTIONS but whether its other methods may be used; nothing
        where no other site is named."""

        @web.middleware
        async def preflight(request: web.Request, handler: Handler) -> web.StreamResponse:
            refused = request.match_info.http_exception
            if (
                request.method == hdrs.METH_OPTIONS
                and isinstance(refused, web.HTTPMethodNotAllowed)
                and hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers
                and self._allowed(request)
            ):
                headers = {
                    hdrs.ACCESS_CONTROL_ALLOW_METHODS: ", ".join(sorted(refused.allowed_methods)),
                    hdrs.ACCESS_CONTROL_ALLOW_HEADERS: self._sent,
                    hdrs.ACCESS_CONTROL_MAX_AGE: str(PREFLIGHT_KEPT_S),
                }
                return web.Response(status=204, headers=headers)
            return await handler(request)

        return [preflight] if self._origins else []

    def finish(self, request: web.Request, response: web.StreamResponse) -> None:
        """Say in the head of an answer whether the site that asks may see it."""
        if not self._origins:
            return
        headers = response.headers
        # Also where no origin asks: a cache must not give what it got then to one that does.
        headers[hdrs.VARY] = f"{headers[hdrs.VARY]}, Origin" if hdrs.VARY in headers else "Origin"
        if self._allowed(request):
            headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = request.headers[hdrs.ORIGIN]
            headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = self._shown

    def _allowed(self, request: web.Request) -> bool:
        return request.headers.get(hdrs.ORIGIN) in self._origins
