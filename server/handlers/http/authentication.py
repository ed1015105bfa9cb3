"""Who asks, and whether they may: the first question to every request, before anything of its body is read."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from aiohttp import web

from server.errors import Unauthenticated
from server.gateways.redis.rate_limits import Limit, RateLimitStatus
from server.handlers.http.rate_limiting import RATE_LIMIT_STATUSES, RateLimiting, note
from server.handlers.http.requests import PRINCIPAL, Handler, is_public, takes_ticket
from server.services.records import Principal

TICKET = "ticket"


class Authenticator(Protocol):
    """Knows whose an access token is, and counts the request."""

    async def authenticate(
        self, access_token: str, limits: Sequence[Limit] = ()
    ) -> tuple[Principal, list[RateLimitStatus]]: ...


def authentication(
    admissions: Authenticator, holder: Callable[[str], Awaitable[Principal]], throttling: RateLimiting
) -> Callable[[web.Request, Handler], object]:
    """Let nobody without a valid access token past, except where the handler is public, and nobody above a limit.

    `holder` knows whose a ticket is, for handlers that take one. Who is turned away counts as an address.
    """

    @web.middleware
    async def let_in(request: web.Request, handler: Handler) -> web.StreamResponse:
        match = request.match_info
        request[RATE_LIMIT_STATUSES] = []
        if match.http_exception is None:
            if is_public(match.handler):
                await throttling.admit(request)
            else:
                await recognise(request, match.handler)
        return await handler(request)

    async def recognise(request: web.Request, handler: Callable[..., Awaitable[Any]]) -> None:
        try:
            if TICKET in request.query and takes_ticket(handler):
                request[PRINCIPAL] = await holder(request.query[TICKET])
                standings = None
            else:
                request[PRINCIPAL], standings = await admissions.authenticate(
                    _bearer(request), throttling.limits_of(handler)
                )
        except Unauthenticated:
            await throttling.admit(request)
            raise
        if standings is None:
            await throttling.admit(request)
        elif standings:
            note(request, standings)

    return let_in


def _bearer(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("Send an access token: Authorization: Bearer <token>.")
    return token.strip()
