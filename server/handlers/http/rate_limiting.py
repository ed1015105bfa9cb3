"""Rate limits: which limits a request counts against, and how a response reports them.

A handler names its limits in `operation`; one that names none has the default. Liveness, metrics, media and the API
documentation are exempt: probes, scrapers and browsers request them often, and serving them costs less than the
check. Requests without a route are exempt as well.

The headers follow draft-ietf-httpapi-ratelimit-headers-10, on every response.
"""

import math
from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Protocol

from aiohttp import web
from multidict import istr

from server.errors import Throttled
from server.gateways.redis.network_limits import NetworkCounters, network_counters
from server.gateways.redis.rate_limits import Limit, RateLimitStatus
from server.handlers.http.client_ip import client_ip
from server.handlers.http.idempotency import IDEMPOTENCY_REPLAYED
from server.handlers.http.operations import Contribution, Rate, RouteOptions, options_of
from server.handlers.http.requests import PRINCIPAL, HttpHandler
from server.networks import networks_of

RATE_LIMIT_POLICY, RATE_LIMIT = istr("RateLimit-Policy"), istr("RateLimit")
NO_LIMITS: Mapping[Contribution, tuple[Limit, ...]] = MappingProxyType({})
RATE_LIMIT_STATUSES = web.RequestKey("rate_limit_statuses", list[RateLimitStatus])


class RequestCounter(Protocol):
    async def hit(
        self, limits: Sequence[Limit], subject: str, parts: Sequence[str] = ()
    ) -> list[RateLimitStatus]:
        """Count a request against every limit, or against none if one of them refuses it."""
        ...

    async def refund(self, limits: Sequence[Limit], subject: str, parts: Sequence[str] = ()) -> None:
        """Take a request back that was counted against these limits."""
        ...


class RateLimiting:
    """Counts requests per user, or per network of an anonymous client.

    `limits` has every `Rate`, or is empty, and then nothing is limited. `new_account_limits` are those that only new
    accounts have; they come on top.
    """

    def __init__(
        self,
        counter: RequestCounter,
        limits: Mapping[Rate, Limit],
        new_account_limits: Mapping[Contribution, tuple[Limit, ...]] = NO_LIMITS,
    ) -> None:
        self._counter = counter
        self._limits = limits
        self._new_account_limits = new_account_limits
        self._by_rates: dict[tuple[Rate, ...], tuple[Limit, ...]] = {}

    async def check_request(self, request: web.Request) -> None:
        """Count a request against the limits of its route, by user or client IP. Raises Throttled."""
        if limits := self.limits_for(options_of(request.match_info.handler)):
            counters = _counters(request, limits)
            statuses = await self._counter.hit(counters.limits, counters.subject, counters.parts)
            add_statuses(request, statuses)

    async def count_success(self, request: web.Request, handler: HttpHandler) -> web.StreamResponse:
        """Handle a counted request; take it back from the route's `success_rates` unless it had an effect."""
        try:
            response = await handler(request)
        except Exception:
            await self._refund(request)
            raise
        if response.status >= 300 or IDEMPOTENCY_REPLAYED in response.headers:
            await self._refund(request)
        return response

    def limits_for(self, options: RouteOptions) -> tuple[Limit, ...]:
        """Return the limits of a route; none if rate limiting is off."""
        return self._limits_of((*options.success_rates, *options.rates)) if self._limits else ()

    def new_account_limits_for(self, contribution: Contribution) -> tuple[Limit, ...]:
        """Return the additional limits of new accounts; none if rate limiting is off."""
        return self._new_account_limits.get(contribution, ())

    async def _refund(self, request: web.Request) -> None:
        rates = options_of(request.match_info.handler).success_rates
        if rates and self._limits:
            counters = _counters(request, self._limits_of(rates))
            await self._counter.refund(counters.limits, counters.subject, counters.parts)

    def _limits_of(self, rates: tuple[Rate, ...]) -> tuple[Limit, ...]:
        limits = self._by_rates.get(rates)
        if limits is None:
            limits = self._by_rates[rates] = tuple(self._limits[rate] for rate in rates)
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
        f" {math.ceil(worst.wait_s)} s.{worst.limit.note and ' '}{worst.limit.note}",
        retry_after_s=worst.wait_s,
    )


def _counters(request: web.Request, limits: tuple[Limit, ...]) -> NetworkCounters:
    principal = request.get(PRINCIPAL)
    if principal is not None:
        return NetworkCounters(limits, f"u{principal.user_id}")
    return network_counters(limits, networks_of(client_ip(request)))


def rate_limit_headers(statuses: Sequence[RateLimitStatus]) -> tuple[tuple[str, str], tuple[str, str]]:
    """Return the two headers: the policies, and what remains of each."""
    policies = ", ".join([_policy(each.limit) for each in statuses])
    remaining = ", ".join([f'"{each.limit.name}";r={each.remaining};t={each.reset_s}' for each in statuses])
    return (RATE_LIMIT_POLICY, policies), (RATE_LIMIT, remaining)


@cache
def _policy(limit: Limit) -> str:
    return f'"{limit.name}";q={limit.count};w={math.ceil(limit.window_s)}'
