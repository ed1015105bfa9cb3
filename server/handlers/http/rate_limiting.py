"""Which requests count against which rate limit, and how an answer tells of it.

A handler names its limits with `@throttled`; one that names none has the default. Liveness, metrics, pictures and the
API's own description are exempt: who asks for them are probes, scrapers and browsers by the dozen, and what they get
costs less than the question whether they may. So is what is at no address.

The headers are those of draft-ietf-httpapi-ratelimit-headers-10, on refusals and on all other answers alike.
"""

import hashlib
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import StrEnum
from functools import cache
from typing import Any, Protocol

from aiohttp import web
from multidict import istr

from server.errors import Throttled
from server.gateways.redis.rate_limits import Limit, RateLimitStatus
from server.handlers.http.client_ip import client_ip, rate_limit_key
from server.handlers.http.requests import BODY, PRINCIPAL, AnyHandler
from server.services.accounts.usernames import normalize

RATE_LIMIT_POLICY, RATE_LIMIT = istr("RateLimit-Policy"), istr("RateLimit")
RATE_LIMIT_STATUSES = web.RequestKey("standings", list[RateLimitStatus])


class Rate(StrEnum):
    """The limits, by their names in config.toml and in the headers."""

    DEFAULT = "default"
    LOGIN = "login"
    LOGIN_ACCOUNT = "login_account"
    FORGOT = "forgot"
    REGISTRATION = "registration"
    REFRESH = "refresh"
    WRITES = "writes"
    UPLOADS = "uploads"
    READS = "reads"


def rate_limited(*rates: Rate) -> Callable[[AnyHandler], AnyHandler]:
    """Let a request count against these limits, of the one who is signed in, or else of the address."""

    def declare(handler: AnyHandler) -> AnyHandler:
        handler.__rates__ = rates  # pyright: ignore[reportFunctionMemberAccess]
        return handler

    return declare


def rate_limited_by(member: str, rate: Rate) -> Callable[[AnyHandler], AnyHandler]:
    """Let it count as well against a limit of the user name or the e-mail in a member of its body, whoever asks.

    Somebody with a name and an e-mail has that limit twice: which account they belong to is not known yet.
    """

    def declare(handler: AnyHandler) -> AnyHandler:
        handler.__rate_by__ = (member, rate)  # pyright: ignore[reportFunctionMemberAccess]
        return handler

    return declare


def not_rate_limited(handler: AnyHandler) -> AnyHandler:
    """Exempt a handler."""
    return rate_limited()(handler)


def rates_of(handler: Callable[..., Any]) -> tuple[Rate, ...] | None:
    """What a handler was declared with; None if it was not."""
    return getattr(handler, "__rates__", None)


class Counter(Protocol):
    async def hit(self, limits: Sequence[Limit], subject: str) -> list[RateLimitStatus]:
        """Count a request against every limit, or against none if one of them refuses it."""
        ...


class RateLimiting:
    """`limits` has every `Rate`, or none, and then nothing is limited."""

    def __init__(self, counter: Counter, limits: Mapping[Rate, Limit]) -> None:
        self._counter = counter
        self._limits = limits
        self._by_rates: dict[tuple[Rate, ...], tuple[Limit, ...]] = {}

    async def admit(self, request: web.Request) -> None:
        """Count a request; an address stands in for somebody who has not been recognised. Raises Throttled."""
        if limits := self.limits_of(request.match_info.handler):
            note(request, await self._counter.hit(limits, _asker(request)))

    async def admit_named(self, request: web.Request) -> None:
        """Count a request, whose body was checked, against the limit of whom its body names. Raises Throttled."""
        declared: tuple[str, Rate] | None = getattr(request.match_info.handler, "__rate_by__", None)
        if declared is not None and self._limits and BODY in request:
            member, rate = declared
            name = normalize(request[BODY][member]).encode()
            who = hashlib.blake2b(name, digest_size=16).hexdigest()
            note(request, await self._counter.hit((self._limits[rate],), f"n{who}"))

    def limits_of(self, handler: Callable[..., Awaitable[Any]]) -> tuple[Limit, ...]:
        """Those that a handler was declared with, or the default; none where nothing is limited."""
        if not self._limits:
            return ()
        rates = rates_of(handler)
        if rates is None:
            rates = (Rate.DEFAULT,)
        limits = self._by_rates.get(rates)
        if limits is None:
            limits = self._by_rates[rates] = tuple(self._limits[rate] for rate in rates)
        return limits


def note(request: web.Request, standings: Sequence[RateLimitStatus]) -> None:
    """Let the answer tell how the asker stands. Raises Throttled if a limit is exceeded."""
    request[RATE_LIMIT_STATUSES] += standings
    for standing in standings:
        if standing.wait_s > 0:
            raise _too_many(standings)


def _too_many(standings: Sequence[RateLimitStatus]) -> Throttled:
    worst = max(standings, key=lambda standing: standing.wait_s)
    return Throttled(
        f"Too many requests: {worst.limit.count} are let through in {worst.limit.window_s:g} s. Try again in"
        f" {math.ceil(worst.wait_s)} s.",
        retry_after_s=worst.wait_s,
    )


def _asker(request: web.Request) -> str:
    principal = request.get(PRINCIPAL)
    return f"u{principal.user_id}" if principal else f"a{rate_limit_key(client_ip(request))}"


def rate_headers(standings: Sequence[RateLimitStatus]) -> tuple[tuple[str, str], tuple[str, str]]:
    """The policies, and how the client stands with each."""
    policies = ", ".join([_policy(each.limit) for each in standings])
    states = ", ".join([f'"{each.limit.name}";r={each.remaining};t={each.reset_s}' for each in standings])
    return (RATE_LIMIT_POLICY, policies), (RATE_LIMIT, states)


@cache
def _policy(limit: Limit) -> str:
    return f'"{limit.name}";q={limit.count};w={math.ceil(limit.window_s)}'
