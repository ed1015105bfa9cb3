"""Limits of failed sign-ins, which end guessing without locking owners out.

An attempt counts as failed from its start, and is taken back if the password was right or could not be checked. So a
user who knows the password is never counted, and concurrent guesses cannot exceed a limit.
"""

import hashlib
import math
from dataclasses import dataclass, field

from server.errors import Throttled
from server.gateways.redis.growing_delays import GrowingDelays
from server.gateways.redis.network_limits import NetworkCounters, account_counters, network_counters
from server.gateways.redis.rate_limits import Limit, RateLimits
from server.ids import UserId
from server.networks import networks_of
from server.services.records import Client

_ALERT = Limit("sign_in_alert", 1, 86_400)
_CODE_ALERT = Limit("second_factor_alert", 1, 86_400)


@dataclass(frozen=True, slots=True)
class SignInRules:
    """`per_address` bounds failures per client address, `per_account` those per account and client network."""

    per_address: Limit
    per_account: Limit


@dataclass(frozen=True, slots=True)
class SignInAttempt:
    """An attempt that was counted. `failures`: consecutive ones of the account, including this one."""

    subject: str
    failures: int
    counters: list[NetworkCounters] = field(default_factory=list[NetworkCounters])


class SignInLimits:
    """Bounds failures by address, by account and network, and by account with growing delays.

    A known device has separate delays and is exempt from the rest, so that strangers cannot lock its user out. What
    counts as the account is the name that was typed: which account it belongs to must not show.
    """

    def __init__(self, counter: RateLimits, delays: GrowingDelays, rules: SignInRules) -> None:
        self._counter = counter
        self._delays = delays
        self._rules = rules

    async def begin(self, name: str, client: Client, device_id: str | None) -> SignInAttempt:
        """Count an attempt to sign in with a normalized name. Raises Throttled."""
        subject = _hashed(name)
        if device_id is not None:
            return await self._take(f"d{subject}:{device_id}", [])
        networks = networks_of(client.address)
        counted: list[NetworkCounters] = []
        for counters in (
            network_counters((self._rules.per_address,), networks),
            account_counters(self._rules.per_account, subject, networks),
        ):
            wait_s = await self._hit(counters)
            if wait_s > 0:
                await self._refund(counted)
                raise _too_many_failures(wait_s)
            counted.append(counters)
        return await self._take(f"n{subject}", counted)

    async def begin_confirmation(self, user_id: UserId) -> SignInAttempt:
        """Count an attempt of a signed-in user to confirm the password. Raises Throttled."""
        return await self._take(f"u{user_id}", [])

    async def begin_code(self, user_id: UserId) -> SignInAttempt:
        """Count an attempt to enter a code of the second factor, however many sign-ins were begun. Raises Throttled.

        Only a person who knows the password gets here, so strangers cannot delay the owner.
        """
        return await self._take(f"c{user_id}", [], "")

    async def succeed(self, attempt: SignInAttempt) -> None:
        """Take an attempt back, and forget the failures before it."""
        await self._refund(attempt.counters)
        await self._delays.clear(attempt.subject)

    async def abandon(self, attempt: SignInAttempt) -> None:
        """Take an attempt back that had no outcome."""
        await self._refund(attempt.counters)
        await self._delays.cancel(attempt.subject)

    async def forget(self, *names: str) -> None:
        """Forget the failures of an account, given its normalized names."""
        for name in names:
            await self._delays.clear(f"n{_hashed(name)}")

    async def should_alert(self, name: str, attempt: SignInAttempt) -> bool:
        """Return whether to notify the owner of a failed attempt: once a day, if failures are delayed."""
        if attempt.failures < self._delays.rule.free:
            return False
        (status,) = await self._counter.hit((_ALERT,), f"n{_hashed(name)}")
        return status.wait_s == 0

    async def should_alert_codes(self, user_id: UserId, attempt: SignInAttempt, failures: int) -> bool:
        """Return whether to notify the owner of a wrong code: once a day, from so many `failures` on."""
        if attempt.failures < failures:
            return False
        (status,) = await self._counter.hit((_CODE_ALERT,), f"c{user_id}")
        return status.wait_s == 0

    async def _take(
        self, subject: str, counted: list[NetworkCounters], advice: str = ", or reset your password"
    ) -> SignInAttempt:
        attempt = await self._delays.take(subject)
        if attempt.wait_s > 0:
            await self._refund(counted)
            raise _too_many_failures(attempt.wait_s, advice)
        return SignInAttempt(subject, attempt.failures, counted)

    async def _hit(self, counters: NetworkCounters) -> float:
        statuses = await self._counter.hit(counters.limits, counters.subject, counters.parts)
        return max(status.wait_s for status in statuses)

    async def _refund(self, counted: list[NetworkCounters]) -> None:
        for counters in counted:
            await self._counter.refund(counters.limits, counters.subject, counters.parts)


def _hashed(name: str) -> str:
    return hashlib.blake2b(name.encode(), digest_size=16).hexdigest()


def _too_many_failures(wait_s: float, advice: str = ", or reset your password") -> Throttled:
    return Throttled(
        f"Too many failed attempts to sign in. Try again in {math.ceil(wait_s)} s{advice}.",
        retry_after_s=wait_s,
    )
