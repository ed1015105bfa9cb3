"""What every request passes: its id and its log line, errors as problems, who asks, what the schemas say."""

import re
import secrets
import time
from collections.abc import Callable

import structlog
from aiohttp import web

from server.errors import AppError, Unauthenticated
from server.handlers import problems
from server.handlers.requests import PRINCIPAL, REQUEST_ID, Handler, is_public, load
from server.services.records import Principal

log = structlog.get_logger(__name__)

GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
QUIET_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})


class InFlight:
    """How many requests are being answered, and whether the server has begun to leave."""

    def __init__(self) -> None:
        self.requests = 0
        self.leaving = False

    def middleware(self) -> Callable[[web.Request, Handler], object]:
        """Outermost: counts the request, names it, logs it, and turns whatever went wrong into a problem."""

        @web.middleware
        async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
            given = request.headers.get("X-Request-Id", "")
            request_id = given if GIVEN_ID.fullmatch(given) else secrets.token_hex(8)
            request[REQUEST_ID] = request_id
            structlog.contextvars.bind_contextvars(request_id=request_id)
            began = time.perf_counter()
            self.requests += 1
            try:
                response = await _answer(request, handler)
            finally:
                self.requests -= 1
                structlog.contextvars.unbind_contextvars("request_id")
            if not response.prepared:
                response.headers["X-Request-Id"] = request_id
                response.headers["X-Content-Type-Options"] = "nosniff"
                if self.leaving:
                    response.force_close()
            if request.path not in QUIET_PATHS:
                took_ms = round((time.perf_counter() - began) * 1000, 1)
                log.info(
                    "request", method=request.method, path=request.path, status=response.status, ms=took_ms,
                    request_id=request_id,
                )  # fmt: skip
            return response

        return observe


async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except AppError as error:
        if problems.status_of(error) >= 500:
            log.warning("request_refused", code=error.code, detail=error.detail)
        return problems.problem(error, request.path)
    except web.HTTPException as error:
        return problems.http_problem(error, request.path)
    except Exception:
        log.exception("request_crashed", method=request.method, path=request.path)
        return problems.unexpected(request.path)


def authentication(principal: Callable[[str], Principal]) -> Callable[[web.Request, Handler], object]:
    """Let nobody without a valid access token past, except where the handler is public."""

    @web.middleware
    async def authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.match_info.http_exception is None and not is_public(request.match_info.handler):
            scheme, _, token = request.headers.get("Authorization", "").partition(" ")
            if scheme.lower() != "bearer" or not token:
                raise Unauthenticated("Send an access token: Authorization: Bearer <token>.")
            request[PRINCIPAL] = principal(token.strip())
        return await handler(request)

    return authenticate


def validation(max_bytes: int, timeout_s: float) -> Callable[[web.Request, Handler], object]:
    """Check body and query by the schemas of the handler.

    aiohttp-apispec's own middleware reads with webargs, which takes NaN, and knows no limit of time or size.
    """

    @web.middleware
    async def validate(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.match_info.http_exception is None:
            await load(request, request.match_info.handler, max_bytes, timeout_s)
        return await handler(request)

    return validate
