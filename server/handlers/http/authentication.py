"""Authentication: the middleware that identifies the requester and counts rate limits before a body is read."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from aiohttp import hdrs, web

from server.errors import Unauthenticated
from server.gateways.redis.rate_limits import Limit, RateLimitStatus
from server.handlers.http.operations import RouteOptions, options_of
from server.handlers.http.rate_limiting import RATE_LIMIT_STATUSES, RateLimiting, add_statuses
from server.handlers.http.requests import PRINCIPAL, HttpHandler
from server.ids import UserId
from server.services.records import ANONYMOUS, Principal

TICKET_PARAMETER = "ticket"


class Authenticator(Protocol):
    async def authenticate(
        self, access_token: str, limits: Sequence[Limit] = (), new_account_limits: Sequence[Limit] = ()
    ) -> tuple[Principal, list[RateLimitStatus]]:
        """Return the user of an access token, and count the request against the limits in the same call."""
        ...

    async def require_admin(self, principal: Principal) -> None:
        """Raise Forbidden unless the user is an administrator now, whatever the token says."""
        ...

    async def require_moderator(self, principal: Principal) -> None:
        """Raise Forbidden unless the user is a moderator or an administrator now."""
        ...


def authentication(
    authenticator: Authenticator,
    redeem_ticket: Callable[[str], Awaitable[Principal]],
    rate_limiting: RateLimiting,
    *,
    public_reads: bool = False,
) -> Callable[[web.Request, HttpHandler], object]:
    """Return a middleware that requires a valid access token, unless the route is public, and enforces rate limits.

    `redeem_ticket` returns the user of a ticket, for routes that accept one. With `public_reads`, routes for anonymous
    readers need no token; one that is sent must be valid. Refused requests count against the limits
    of their client IP.
    """

    @web.middleware
    async def authenticate(request: web.Request, handler: HttpHandler) -> web.StreamResponse:
        match = request.match_info
        request[RATE_LIMIT_STATUSES] = []
        if match.http_exception is None:
            options = options_of(match.handler)
            if options.public:
                await rate_limiting.check_request(request)
            else:
                await identify(request, options)
            if options.admin:
                await authenticator.require_admin(request[PRINCIPAL])
            elif options.moderator:
                await authenticator.require_moderator(request[PRINCIPAL])
        return await rate_limiting.count_success(request, handler)

    async def identify(request: web.Request, options: RouteOptions) -> None:
        if options.anonymous and public_reads and hdrs.AUTHORIZATION not in request.headers:
            await rate_limiting.check_request(request)
            request[PRINCIPAL] = ANONYMOUS
            return
        try:
            if options.accepts_ticket and TICKET_PARAMETER in request.query:
                request[PRINCIPAL] = await redeem_ticket(request.query[TICKET_PARAMETER])
                statuses = None
            else:
                contribution = options.contributes
                request[PRINCIPAL], statuses = await authenticator.authenticate(
                    _bearer_token(request),
                    rate_limiting.limits_for(options),
                    () if contribution is None else rate_limiting.new_account_limits_for(contribution),
                )
        except Unauthenticated:
            await rate_limiting.check_request(request)
            raise
        if statuses is None:
            await rate_limiting.check_request(request)
        elif statuses:
            add_statuses(request, statuses)

    return authenticate


def verified_publishers(
    require_verified: Callable[[UserId], Awaitable[None]],
) -> Callable[[web.Request, HttpHandler], object]:
    """Return a middleware that lets only users with a verified e-mail address publish; it follows `authentication`."""

    @web.middleware
    async def check(request: web.Request, handler: HttpHandler) -> web.StreamResponse:
        match = request.match_info
        if match.http_exception is None and options_of(match.handler).publishes:
            await require_verified(request[PRINCIPAL].user_id)
        return await handler(request)

    return check


def _bearer_token(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("An access token is required: Authorization: Bearer <token>.")
    return token.strip()
