"""The connections of the server: as aiohttp has them, but what comes to no middleware gets a problem, like all else.

That is what is no HTTP, and an Expect header that nobody can meet; aiohttp answers both itself, in plain text.
"""

import secrets
from typing import Any

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from server.handlers.http import problems
from server.handlers.http.response_headers import SAFE

log = structlog.get_logger(__name__)


class Connection(web.RequestHandler):
    """One client's connection."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to what could not be read, after which nothing else on the connection can be, either."""
        if not isinstance(exc, HttpProcessingError):
            return super().handle_error(request, status, exc, message)
        request_id = secrets.token_hex(8)
        # Not its message: that has a piece of what was sent, and there may be a token in it.
        log.info("request_malformed", error=type(exc).__name__, address=request.remote, request_id=request_id)
        response = problems.no_http(request.path)
        response.headers.extend((*SAFE, ("X-Request-Id", request_id)))
        response.force_close()
        return response

    def log_exception(self, *arguments: Any, **options: Any) -> None:
        """What goes wrong after the answer. The rest of a body may be damaged, which is the client's affair."""
        error = options.get("exc_info")
        if isinstance(error, web.RequestPayloadError):
            log.info("request_malformed", error=type(error).__name__)
        else:
            super().log_exception(*arguments, **options)


class Server(web.Server):
    """Makes the connections."""

    def __init__(self, made: web.Server, **options: Any) -> None:
        """`made` is what aiohttp made for an application, `options` are those of its connections."""
        super().__init__(self._handle, request_factory=made.request_factory, **options)
        self._handler = made.request_handler
        self._options = options

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            return await self._handler(request)
        # Raised by aiohttp before the middlewares; the second when it quotes an Expect that is not UTF-8.
        except (web.HTTPExpectationFailed, UnicodeEncodeError):
            return problems.http_problem(web.HTTPExpectationFailed(), request.path)

    def __call__(self) -> Connection:
        return Connection(self, loop=self._loop, **self._options)


class Runner(web.AppRunner):
    """Runs an application on such connections."""

    async def _make_server(self) -> Server:
        return Server(await super()._make_server(), **self._kwargs)
