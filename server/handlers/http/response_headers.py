"""Headers of every response: browser security, the request id, and rate limits.

They are added just before the headers are sent, so that streams, media and problem responses have them too.
"""

import secrets
from collections.abc import Awaitable, Callable

from aiohttp import web
from multidict import istr

from server.handlers.http.cors import Cors
from server.handlers.http.rate_limiting import RATE_LIMIT_STATUSES, rate_limit_headers
from server.handlers.http.requests import PRINCIPAL, REQUEST_ID

# For a response that a browser opens on its own; pages and media bring less strict values.
SECURITY_HEADERS = (
    (istr("X-Content-Type-Options"), "nosniff"),
    (istr("Referrer-Policy"), "no-referrer"),
    (istr("Content-Security-Policy"), "default-src 'none'; frame-ancestors 'none'"),
    (istr("Cross-Origin-Resource-Policy"), "same-origin"),
)
# Only with an https public URL: browsers ignore it elsewhere.
HSTS = (istr("Strict-Transport-Security"), "max-age=31536000")
# Instead of the names and versions of aiohttp and Python.
SERVER = (istr("Server"), "photofeed")
REQUEST_ID_HEADER, CACHE_CONTROL = istr("X-Request-Id"), istr("Cache-Control")

OnPrepare = Callable[[web.Request, web.StreamResponse], Awaitable[None]]


def add_response_headers(public_url: str, cors: Cors) -> OnPrepare:
    """Return an `on_response_prepare` signal handler for an application at `public_url`."""
    constant = (*SECURITY_HEADERS, HSTS) if public_url.startswith("https://") else SECURITY_HEADERS

    async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
        headers = response.headers
        headers[SERVER[0]] = SERVER[1]
        for name, value in constant:
            headers.setdefault(name, value)
        headers[REQUEST_ID_HEADER] = request.get(REQUEST_ID) or secrets.token_hex(8)
        if PRINCIPAL in request:
            headers.setdefault(CACHE_CONTROL, "no-store")
        if statuses := request.get(RATE_LIMIT_STATUSES):
            for name, value in rate_limit_headers(statuses):
                headers[name] = value
        cors.add_headers(request, response)

    return add_headers
