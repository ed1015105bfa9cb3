"""What the head of every answer carries besides what its handler wrote: for browsers, for tracing, and of the limits.

It is added when the head is about to be sent, so that streams, pictures and problems have it too.
"""

import secrets
from collections.abc import Awaitable, Callable

from aiohttp import web
from multidict import istr

from server.handlers.http.cors import Cors
from server.handlers.http.rate_limiting import RATE_LIMIT_STATUSES, rate_headers
from server.handlers.http.requests import PRINCIPAL, REQUEST_ID

# For an answer that a browser shows by itself; a page or a picture that is meant to be shown brings its own.
SAFE = (
    (istr("X-Content-Type-Options"), "nosniff"),
    (istr("Referrer-Policy"), "no-referrer"),
    (istr("Content-Security-Policy"), "default-src 'none'; frame-ancestors 'none'"),
    (istr("Cross-Origin-Resource-Policy"), "same-origin"),
)
# Only where we are reached by https: elsewhere browsers ignore it, and a laptop would be told a lie.
HSTS = (istr("Strict-Transport-Security"), "max-age=31536000")
REQUEST_ID_HEADER, CACHE_CONTROL = istr("X-Request-Id"), istr("Cache-Control")

OnPrepare = Callable[[web.Request, web.StreamResponse], Awaitable[None]]


def add_response_headers(public_url: str, cors: Cors) -> OnPrepare:
    """For `on_response_prepare` of an application that is reached at `public_url`."""
    constant = (*SAFE, HSTS) if public_url.startswith("https://") else SAFE

    async def finish(request: web.Request, response: web.StreamResponse) -> None:
        headers = response.headers
        for name, value in constant:
            headers.setdefault(name, value)
        headers[REQUEST_ID_HEADER] = request.get(REQUEST_ID) or secrets.token_hex(8)
        if PRINCIPAL in request:
            headers.setdefault(CACHE_CONTROL, "no-store")
        if standings := request.get(RATE_LIMIT_STATUSES):
            for name, value in rate_headers(standings):
                headers[name] = value
        cors.finish(request, response)

    return finish
