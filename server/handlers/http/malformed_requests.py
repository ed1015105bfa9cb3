"""Problem responses for requests that do not reach the middlewares.

aiohttp answers two kinds of requests itself, in plain text: bytes that are not HTTP, and an Expect header that it does
not support. The runner here answers both with problem details.
"""

import secrets
from typing import Any

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from server.handlers.http import problems
from server.handlers.http.response_headers import SECURITY_HEADERS

log = structlog.get_logger(__name__)


class ClientConnection(web.RequestHandler):
    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer bytes that are not HTTP, and close the connection: what follows cannot be read either."""
        if not isinstance(exc, HttpProcessingError):
            return super().handle_error(request, status, exc, message)
        request_id = secrets.token_hex(8)
        # Its message is not logged: it quotes the request, which may contain a token.
        log.info("request_malformed", error=type(exc).__name__, address=request.remote, request_id=request_id)
        response = problems.bad_request(request.path)
        response.headers.extend((*SECURITY_HEADERS, ("X-Request-Id", request_id)))
        response.force_close()
        return response

    def log_exception(self, *arguments: Any, **options: Any) -> None:
        """Log an error after the response. An unreadable rest of a body is the client's error, not the server's."""
        error = options.get("exc_info")
        if isinstance(error, web.RequestPayloadError):
            log.info("request_malformed", error=type(error).__name__)
        else:
            super().log_exception(*arguments, **options)


class Server(web.Server):
    def __init__(self, original: web.Server, **options: Any) -> None:
        """Take over from aiohttp's server for an application; `options` are those of its connections."""
        super().__init__(self._handle, request_factory=original.request_factory, **options)
        self._handler = original.request_handler
        self._options = options

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            return await self._handler(request)
        # aiohttp raises these before the middlewares; the second when it quotes an Expect header that is not UTF-8.
        except (web.HTTPExpectationFailed, UnicodeEncodeError):
            return problems.http_problem(web.HTTPExpectationFailed(), request.path)

    def __call__(self) -> ClientConnection:
        return ClientConnection(self, loop=self._loop, **self._options)


class Runner(web.AppRunner):
    """An `AppRunner` whose connections answer such requests with problem details."""

    async def _make_server(self) -> Server:
        return Server(await super()._make_server(), **self._kwargs)
