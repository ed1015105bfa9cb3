"""Authentication of requests: the access token, its session, and the rate limits.

One Redis call checks session and limits; without Redis each has its own fallback.
"""

from collections.abc import Sequence

from server.errors import Forbidden, Unavailable
from server.gateways.redis.rate_limits import Limit, RateLimits, RateLimitStatus
from server.gateways.redis.session_check import SessionCheck
from server.models.accounts.users import UserRepository
from server.outages import RetryGate
from server.services.accounts.account_tiers import AccountTiers
from server.services.accounts.revocations import Revocations
from server.services.accounts.tokens import Tokens, invalid_access_token
from server.services.records import Principal, Role


class RequestAuthenticator:
    def __init__(
        self,
        tokens: Tokens,
        session_check: SessionCheck,
        revocations: Revocations,
        rate_limits: RateLimits,
        users: UserRepository,
        tiers: AccountTiers,
    ) -> None:
        self._tokens = tokens
        self._session_check = session_check
        self._revocations = revocations
        self._rate_limits = rate_limits
        self._users = users
        self._tiers = tiers
        self._gate = RetryGate()

    async def authenticate(
        self, access_token: str, limits: Sequence[Limit] = (), new_account_limits: Sequence[Limit] = ()
    ) -> tuple[Principal, list[RateLimitStatus]]:
        """Return the token's principal and the status of each limit, one of which may be exceeded.

        new_account_limits: Further limits, for a new account.

        Raises Unauthenticated, with the same text for every invalid token, and Unavailable when the session cannot be
        checked.
        """
        claim = self._tokens.read_access(access_token)
        principal = claim.principal
        if new_account_limits and self._tiers.is_new(principal):
            limits = (*limits, *new_account_limits)
        client = f"u{principal.user_id}"
        if not self._gate.may_try():
            return principal, await self._check_without_redis(principal, limits, client)
        try:
            revoked, statuses = await self._session_check.check(principal.session_id, limits, client)
        except Unavailable:
            self._gate.failed()
            return principal, await self._check_without_redis(principal, limits, client)
        self._gate.succeeded()
        if not revoked and claim.epoch != self._tokens.epoch.value:
            # The list has the sessions that ended, not those that a restored database lacks.
            revoked = await self._revocations.is_revoked_in_database(principal.session_id)
        if revoked or (revoked is None and await self._revocations.is_revoked(principal.session_id)):
            raise invalid_access_token()
        return principal, statuses

    async def require_admin(self, principal: Principal) -> None:
        """Raise Forbidden unless the user is an administrator now.

        The database is asked, because an access token keeps its role until it expires.
        """
        if not await self._users.has_role(principal.user_id, Role.ADMIN):
            raise Forbidden("Only administrators may do this.")

    async def require_moderator(self, principal: Principal) -> None:
        """Raise Forbidden unless the user is a moderator or an administrator now, like `require_admin`."""
        if not await self._users.has_role(principal.user_id, Role.MODERATOR, Role.ADMIN):
            raise Forbidden("Only moderators may do this.")

    async def _check_without_redis(
        self, principal: Principal, limits: Sequence[Limit], client: str
    ) -> list[RateLimitStatus]:
        if await self._revocations.is_revoked_in_database(principal.session_id):
            raise invalid_access_token()
        return self._rate_limits.hit_local(limits, client)
