"""Sign-ins: a session for an authenticated user, after a code if the account has a second factor.

Between the two steps the sign-in is a challenge: 256 random bits, stored as a hash, for one account, one password and
one session. It ends after `MAX_ATTEMPTS` codes.
"""

import hashlib
import secrets
from functools import partial

from server.errors import AppError, Unauthenticated
from server.events import CacheKey
from server.ids import UserId
from server.models.accounts.logins import LoginRepository
from server.models.accounts.sign_in_challenges import (
    NewSignInChallenge,
    SignInChallengeRepository,
    SignInChallengeRow,
)
from server.services.accounts.authentication.second_factor_codes import SecondFactorCodes
from server.services.accounts.password_authentication import AuthenticatedUser, wrong_credentials
from server.services.accounts.security_alerts import SecurityAlerts
from server.services.accounts.sessions import Rotation, Sessions, SignIn
from server.services.accounts.sign_in_limits import SignInAttempt, SignInLimits
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.records import (
    Client,
    SecondFactorMethod,
    SignInChallenge,
    SignInMethod,
    TokenPair,
)

CHALLENGE_TTL_MS = 300_000
MAX_ATTEMPTS = 5


class SignIns:
    """`limits` is None if rate limiting is off."""

    def __init__(
        self,
        sessions: Sessions,
        logins: LoginRepository,
        challenges: SignInChallengeRepository,
        codes: SecondFactorCodes,
        alerts: SecurityAlerts,
        unit_of_work: UnitOfWork,
        limits: SignInLimits | None = None,
    ) -> None:
        self._sessions = sessions
        self._logins = logins
        self._challenges = challenges
        self._codes = codes
        self._alerts = alerts
        self._unit_of_work = unit_of_work
        self._limits = limits

    async def open(self, account: AuthenticatedUser, client: Client) -> TokenPair | SignInChallenge:
        """Open a session; for an account with a second factor return a challenge instead, unless it was given.

        Raises as `Sessions.create`.
        """
        token = secrets.token_urlsafe(32)
        rotation = await self._unit_of_work.run(
            partial(self._open, account, client, token), changes=(CacheKey("person", account.id),)
        )
        if rotation is None:
            return SignInChallenge(token, tuple(SecondFactorMethod), CHALLENGE_TTL_MS // 1000)
        return self._sessions.issue(rotation, account.device_id)

    async def complete(self, token: str, code: str, client: Client) -> tuple[UserId, TokenPair]:
        """Open the session of a challenge.

        Raises Unauthenticated (`second_factor_failed`), with the same text for every cause: a wrong or used code, and
        an unknown, used, expired or exhausted challenge. Raises Throttled after many wrong codes for the account, and
        otherwise as `Sessions.create`.
        """
        challenge = await self._challenges.find(_hash(token), MAX_ATTEMPTS)
        if challenge is None:
            raise second_factor_failed()
        user_id = challenge.user_id
        attempt = await self._limits.begin_code(user_id) if self._limits is not None else None
        try:
            if not await self._challenges.count_attempt(challenge.id, MAX_ATTEMPTS):
                raise second_factor_failed()
            rotation = await self._unit_of_work.run(
                partial(self._complete, challenge, code, client), changes=(CacheKey("person", user_id),)
            )
        except AppError as error:
            await self._record_failure(user_id, attempt, error)
            raise
        if self._limits is not None and attempt is not None:
            await self._limits.succeed(attempt)
        return user_id, self._sessions.issue(rotation, challenge.device_id)

    async def _open(
        self, account: AuthenticatedUser, client: Client, token: str, work: WorkContext
    ) -> Rotation | None:
        """Return None if a second factor is missing; the lock keeps one from being enabled in between."""
        user = await self._logins.lock(account.id)
        if user is None or user.password_changed_at_ms != account.password_changed_at_ms:
            raise wrong_credentials()
        if account.has_all_factors or not await self._codes.is_enabled(account.id):
            return await self._sessions.open(work, _sign_in(account, client))
        await self._challenges.insert(
            NewSignInChallenge(
                id=work.new_id(),
                user_id=account.id,
                token_hash=_hash(token),
                password_changed_at_ms=account.password_changed_at_ms,
                method=account.method,
                device_id=account.device_id,
                new_device=account.new_device,
                created_at_ms=user.now_ms,
                expires_at_ms=user.now_ms + CHALLENGE_TTL_MS,
            )
        )
        return None

    async def _complete(
        self, challenge: SignInChallengeRow, code: str, client: Client, work: WorkContext
    ) -> Rotation:
        user = await self._logins.lock(challenge.user_id)
        if user is None or user.password_changed_at_ms != challenge.password_changed_at_ms:
            raise second_factor_failed()
        if not await self._challenges.delete(challenge.id):
            raise second_factor_failed()
        second_factor = await self._codes.use(work, challenge.user_id, code)
        if second_factor is None:
            raise second_factor_failed()
        return await self._sessions.open(
            work,
            SignIn(
                user_id=challenge.user_id,
                password_changed_at_ms=challenge.password_changed_at_ms,
                user_agent=client.user_agent,
                address=client.address,
                new_device=bool(challenge.new_device),
                method=SignInMethod(challenge.method),
                second_factor=second_factor,
                # A code is used once, so the user could not repeat the proof with the same one.
                has_all_factors=True,
            ),
        )

    async def _record_failure(self, user_id: UserId, attempt: SignInAttempt | None, error: AppError) -> None:
        if self._limits is None or attempt is None:
            return
        if not (isinstance(error, Unauthenticated) and error.code == "second_factor_failed"):
            await self._limits.abandon(attempt)
        elif await self._limits.should_alert_codes(user_id, attempt, MAX_ATTEMPTS):
            await self._alerts.report_failed_codes(user_id)


def second_factor_failed() -> Unauthenticated:
    return Unauthenticated(
        "The code is wrong or was used before, or this sign-in is no longer valid. Wait for the next code, or sign in"
        " again.",
        code="second_factor_failed",
    )


def _sign_in(account: AuthenticatedUser, client: Client) -> SignIn:
    return SignIn(
        user_id=account.id,
        password_changed_at_ms=account.password_changed_at_ms,
        user_agent=client.user_agent,
        address=client.address,
        new_device=account.new_device,
        method=account.method,
        has_all_factors=account.has_all_factors,
    )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
