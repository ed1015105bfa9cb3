"""Rate limits: which limits a request counts against, and how a response reports them.

A handler names its limits in `operation`; one that names none has the default. Liveness, metrics, media and the API
documentation are exempt: probes, scrapers and browsers request them often, and serving them costs less than the
check. Requests without a route are exempt as well.

The headers follow draft-ietf-httpapi-ratelimit-headers-10, on every response.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Protocol

from aiohttp import web
from multidict import istr

from server.errors import Throttled
from server.gateways.redis.rate_limits import Limit, RateLimitStatus
from server.handlers.http.client_ip import client_ip
from server.handlers.http.operations import Rate, RouteOptions, options_of
from server.handlers.http.requests import BODY, PRINCIPAL
from server.networks import networks_of
from server.services.accounts.usernames import normalize

RATE_LIMIT_POLICY, RATE_LIMIT = istr("RateLimit-Policy"), istr("RateLimit")
RATE_LIMIT_STATUSES = web.RequestKey("rate_limit_statuses", list[RateLimitStatus])


class RequestCounter(Protocol):
    async def hit(self, limits: Sequence[Limit], subject: str) -> list[RateLimitStatus]:
        """Count a request against every limit, or against none if one of them refuses it."""
        ...


class RateLimiting:
    """Counts requests. `limits` has every `Rate`, or is empty, and then nothing is limited."""

    def __init__(self, counter: RequestCounter, limits: Mapping[Rate, Limit]) -> None:
        self._counter = counter
        self._limits = limits
        self._by_rates: dict[tuple[Rate, ...], tuple[Limit, ...]] = {}

    async def check_request(self, request: web.Request) -> None:
        """Count a request against the limits of its route, by user or client IP. Raises Throttled."""
        if limits := self.limits_for(options_of(request.match_info.handler)):
            add_statuses(request, await self._counter.hit(limits, _requester(request)))

    async def check_account(self, request: web.Request) -> None:
        """Count a request against the limit of the account that its validated body names. Raises Throttled.

        A user's username and e-mail address count separately: which account they belong to is not known yet.
        """
        account_rate = options_of(request.match_info.handler).account_rate
        if account_rate is not None and self._limits and BODY in request:
            member, rate = account_rate
            name = normalize(request[BODY][member]).encode()
            key = hashlib.blake2b(name, digest_size=16).hexdigest()
            add_statuses(request, await self._counter.hit((self._limits[rate],), f"n{key}"))

    def limits_for(self, options: RouteOptions) -> tuple[Limit, ...]:
        """Return the limits of a route; none if rate limiting is off."""
        if not self._limits:
            return ()
        limits = self._by_rates.get(options.rates)
        if limits is None:
            limits = tuple(self._limits[rate] for rate in options.rates)
            self._by_rates[options.rates] = limits
        return limits


def add_statuses(request: web.Request, statuses: Sequence[RateLimitStatus]) -> None:
    """Record statuses for the response headers. Raises Throttled if a limit is exceeded."""
    request[RATE_LIMIT_STATUSES] += statuses
    for status in statuses:
        if status.wait_s > 0:
            raise _too_many_requests(statuses)


def _too_many_requests(statuses: Sequence[RateLimitStatus]) -> Throttled:
    worst = max(statuses, key=lambda status: status.wait_s)
    return Throttled(
        f"Too many requests: the limit is {worst.limit.count} per {worst.limit.window_s:g} s. Try again in"
        f" {math.ceil(worst.wait_s)} s.",
        retry_after_s=worst.wait_s,
    )


def _requester(request: web.Request) -> str:
    principal = request.get(PRINCIPAL)
    return f"u{principal.user_id}" if principal else f"a{networks_of(client_ip(request)).host}"


def rate_limit_headers(statuses: Sequence[RateLimitStatus]) -> tuple[tuple[str, str], tuple[str, str]]:
    """Return the two headers: the policies, and what remains of each."""
    policies = ", ".join([_policy(each.limit) for each in statuses])
    remaining = ", ".join([f'"{each.limit.name}";r={each.remaining};t={each.reset_s}' for each in statuses])
    return (RATE_LIMIT_POLICY, policies), (RATE_LIMIT, remaining)


@cache
def _policy(limit: Limit) -> str:
    return f'"{limit.name}";q={limit.count};w={math.ceil(limit.window_s)}'
