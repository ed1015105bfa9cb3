"""Whether a request of somebody signed in is answered: whose access token it has, whether that session stands, and
whether the limits are kept. That takes one call of Redis; without Redis each question is answered in its own way.
"""

import time
from collections.abc import Sequence

from server.errors import Unavailable
from server.gateways.redis.rate_limits import Limit, RateLimits, RateLimitStatus
from server.gateways.redis.session_check import SessionCheck
from server.services.accounts.revocations import Revocations
from server.services.accounts.tokens import Tokens, refused_access
from server.services.records import Principal

ASK_REDIS_AGAIN_S = 1.0


class RequestAuthenticator:
    def __init__(
        self, tokens: Tokens, admission: SessionCheck, revocations: Revocations, throttle: RateLimits
    ) -> None:
        self._tokens = tokens
        self._admission = admission
        self._revocations = revocations
        self._throttle = throttle
        self._away = False
        self._ask_again_at = 0.0

    async def admit(
        self, access_token: str, limits: Sequence[Limit] = ()
    ) -> tuple[Principal, list[RateLimitStatus]]:
        """Who an access token speaks for, and how they stand with the limits; one of them may be exceeded.

        Raises Unauthenticated, in the same words whatever is wrong with the token, and Unavailable when nobody can tell
        whether its session stands.
        """
        principal = self._tokens.read_access(access_token)
        who = f"u{principal.user_id}"
        now = time.monotonic()
        if self._away and now < self._ask_again_at:
            return principal, await self._without_redis(principal, limits, who)
        self._ask_again_at = now + ASK_REDIS_AGAIN_S  # while it is away one request a second waits for it
        try:
            revoked, standings = await self._admission.ask(principal.session_id, limits, who)
        except Unavailable:
            self._away, self._ask_again_at = True, time.monotonic() + ASK_REDIS_AGAIN_S
            return principal, await self._without_redis(principal, limits, who)
        self._away = False
        if revoked or (revoked is None and await self._revocations.is_revoked(principal.session_id)):
            raise refused_access()
        return principal, standings

    async def _without_redis(
        self, principal: Principal, limits: Sequence[Limit], who: str
    ) -> list[RateLimitStatus]:
        if await self._revocations.is_revoked_by_database(principal.session_id):
            raise refused_access()
        return self._throttle.hit_memory(limits, who)
