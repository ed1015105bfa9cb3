"""Connections that close so that clients can read the response, and answer what does not reach the middlewares.

aiohttp answers two kinds of requests itself, in plain text: bytes that are not HTTP, and an Expect header that it does
not support. The runner here answers both with problem details.
"""

import asyncio
import secrets
from typing import Any

import structlog
from aiohttp import HttpVersion10, HttpVersion11, StreamReader, hdrs, web
from aiohttp.http import RawRequestMessage
from aiohttp.http_exceptions import HttpProcessingError

from server.handlers.http import problems
from server.handlers.http.bodies.expectations import note_expectation, without_expectation
from server.handlers.http.bodies.lingering import LingerLimits, closes_after, discard_rest
from server.handlers.http.client_ip import ClientIps
from server.handlers.http.connections.connection_limits import ConnectionLimits
from server.handlers.http.connections.open_connections import OpenConnections
from server.handlers.http.response_headers import SECURITY_HEADERS, SERVER

HTTP_VERSIONS = frozenset({HttpVersion10, HttpVersion11})
KNOWN_VERSION = web.RequestKey("known_version", bool)

log = structlog.get_logger(__name__)


class ClientConnection(web.RequestHandler):
    __slots__ = ("_admitted", "_connection_limits", "_discarded_body", "_linger", "_open_connections")

    def __init__(
        self,
        manager: web.Server,
        *,
        linger: LingerLimits,
        connection_limits: ConnectionLimits,
        open_connections: OpenConnections,
        **options: Any,
    ) -> None:
        super().__init__(manager, lingering_time=0, **options)
        self._linger = linger
        self._open_connections = open_connections
        self._connection_limits = connection_limits
        self._admitted: str | None = None
        self._discarded_body: StreamReader | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Accept a connection, or close it at once if its client or the process has too many."""
        super().connection_made(transport)
        peer = transport.get_extra_info("peername")
        self._admitted = self._connection_limits.admit(str(peer[0]) if peer else "")
        if self._admitted is None or not self._open_connections.add(self):
            self.force_close()

    def begin_request(self) -> None:
        """Keep the connection open until the response is sent."""
        self._open_connections.mark_busy(self)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send the response, and then read what is left of the body."""
        if not resp.prepared and closes_after(request, resp):
            resp.force_close()
        sent, disconnected = await super().finish_response(request, resp, start_time)
        if not disconnected and not request.content.is_eof():
            self._discarded_body = request.content
            await discard_rest(request, sent.status, self._linger)
            self._discarded_body = None
        self._open_connections.mark_idle(self)
        return sent, disconnected

    def connection_lost(self, exc: BaseException | None) -> None:
        self._stop_lingering()
        self._open_connections.remove(self)
        if self._admitted is not None:
            self._connection_limits.release(self._admitted)
            self._admitted = None
        super().connection_lost(exc)

    async def shutdown(self, timeout: float | None = 15.0) -> None:
        """Close the connection after the current response."""
        self._stop_lingering()
        await super().shutdown(timeout)

    def _stop_lingering(self) -> None:
        if self._discarded_body is not None:
            self._discarded_body.set_exception(ConnectionResetError("The connection is closed."))

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
        return _unrouted(problems.bad_request(request.path), request_id)


class Server(web.Server):
    def __init__(self, original: web.Server, **options: Any) -> None:
        """Take over from aiohttp's server for an application; `options` are those of its connections."""
        super().__init__(self._handle, request_factory=self._request, **options)
        self._original_request = original.request_factory
        self._handler = original.request_handler
        self._options = options

    def _request(self, message: RawRequestMessage, *connection: Any) -> web.BaseRequest:
        known = message.version in HTTP_VERSIONS
        if not known:  # the response has the version of the request
            message = message._replace(version=HttpVersion11, should_close=True)
        elif _ends_elsewhere(message):
            message = message._replace(should_close=True)
        kept = without_expectation(message)
        request = self._original_request(kept, *connection)
        if kept is not message:
            note_expectation(request)
        request[KNOWN_VERSION] = known
        return request

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if isinstance(request.protocol, ClientConnection):
            request.protocol.begin_request()
        if not request[KNOWN_VERSION]:
            return _unrouted(problems.http_problem(web.HTTPVersionNotSupported(), request.path))
        if request.method == hdrs.METH_CONNECT:  # what follows is not HTTP
            return _unrouted(problems.http_problem(web.HTTPNotImplemented(), request.path))
        try:
            return await self._handler(request)
        # aiohttp raises these before the middlewares; the second when it quotes an Expect header that is not UTF-8.
        except (web.HTTPExpectationFailed, UnicodeEncodeError):
            return problems.http_problem(web.HTTPExpectationFailed(), request.path)

    def __call__(self) -> ClientConnection:
        return ClientConnection(self, loop=self._loop, **self._options)


def _ends_elsewhere(message: RawRequestMessage) -> bool:
    """Return whether a proxy may see the end of this request in another place than aiohttp does.

    A chunked body of HTTP/1.0 is faulty (RFC 9112, 6.1). After a request to upgrade the connection, which no route
    accepts, aiohttp reads no further request.
    """
    return message.upgrade or (message.version == HttpVersion10 and hdrs.TRANSFER_ENCODING in message.headers)


def _unrouted(response: web.Response, request_id: str = "") -> web.Response:
    """Complete a response of no application, and close the connection after it."""
    request_id = request_id or secrets.token_hex(8)
    response.headers.extend((*SECURITY_HEADERS, SERVER, ("X-Request-Id", request_id)))
    response.force_close()
    return response


class Runner(web.AppRunner):
    """An `AppRunner` with such connections. `linger` limits how long they read a body that was refused."""

    def __init__(
        self,
        app: web.Application,
        *,
        linger: LingerLimits | None = None,
        connection_limits: ConnectionLimits | None = None,
        open_connections: OpenConnections | None = None,
        **options: Any,
    ) -> None:
        super().__init__(
            app,
            linger=linger or LingerLimits(),
            connection_limits=connection_limits or ConnectionLimits(0, ClientIps()),
            open_connections=open_connections or OpenConnections(0),
            **options,
        )

    async def _make_server(self) -> Server:
        return Server(await super()._make_server(), **self._kwargs)
