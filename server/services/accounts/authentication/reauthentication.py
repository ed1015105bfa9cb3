"""Reauthentication: a signed-in user proves again to be the owner of the account.

Changes that a stolen access token must not make require it. The proof is the password, and a code for an account with a
second factor. It holds for `WINDOW_MS` in the session that gave it, where it is stored. A change of the password or of
the second factor ends it.
"""

from functools import partial

from server.errors import AppError, Forbidden, InvalidInput
from server.ids import UserId
from server.models.accounts.logins import LoginRepository
from server.models.accounts.sessions import SessionRepository
from server.services.accounts.authentication.second_factor_codes import SecondFactorCodes, wrong_code
from server.services.accounts.password_authentication import PasswordAuthentication, wrong_password
from server.services.accounts.sign_in_limits import SignInAttempt, SignInLimits
from server.services.accounts.tokens import invalid_access_token
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.records import Confirmation, Principal

WINDOW_MS = 300_000


class Reauthentication:
    """`limits` is None if rate limiting is off."""

    def __init__(
        self,
        logins: LoginRepository,
        sessions: SessionRepository,
        authentication: PasswordAuthentication,
        codes: SecondFactorCodes,
        unit_of_work: UnitOfWork,
        limits: SignInLimits | None = None,
    ) -> None:
        self._logins = logins
        self._sessions = sessions
        self._authentication = authentication
        self._codes = codes
        self._unit_of_work = unit_of_work
        self._limits = limits

    async def reauthenticate(
        self, principal: Principal, confirmation: Confirmation, field: str = "password"
    ) -> None:
        """Check the password, then the code if the account has a second factor, and record the proof.

        Raises InvalidInput (`wrong_password` for `field`, `wrong_code`), Forbidden (`reauthentication_required`) if one
        is missing, and Throttled after wrong ones.
        """
        if confirmation.password is None:
            raise reauthentication_required()
        hashed = await self._authentication.confirm(principal.user_id, confirmation.password)
        if hashed is None:
            raise wrong_password(field)
        await self.record(principal, confirmation.code, password_hash=hashed, field=field)

    async def record(
        self,
        principal: Principal,
        code: str | None = None,
        *,
        password_hash: str | None = None,
        field: str = "password",
        has_all_factors: bool = False,
    ) -> None:
        """Record a proof whose first factor was verified.

        password_hash: The hash that the password matched; it must still be the user's.
        has_all_factors: The first factor includes a second one, as a passkey does, so no code is needed.

        Raises as `reauthenticate`.
        """
        record = partial(self._record, principal, code, password_hash, field, has_all_factors)
        attempt = await self._begin_code(principal.user_id) if code is not None else None
        try:
            await self._unit_of_work.run(record)
        except AppError as error:
            if attempt is not None and not (isinstance(error, InvalidInput) and error.code == "wrong_code"):
                await self._abandon(attempt)
            raise
        if self._limits is not None and attempt is not None:
            await self._limits.succeed(attempt)

    async def confirm(
        self, principal: Principal, confirmation: Confirmation, field: str = "password"
    ) -> None:
        """Reauthenticate with what a request has; without anything it relies on an earlier proof (`require`)."""
        if confirmation != Confirmation():
            await self.reauthenticate(principal, confirmation, field)

    async def require(self, principal: Principal) -> None:
        """Raise Forbidden (`reauthentication_required`) unless the session has a proof.

        Call it in the transaction of the change: it locks the user, so that a concurrent change of the password either
        comes later or ended the proof.
        """
        await self._logins.lock(principal.user_id)
        if not await self._sessions.is_reauthenticated(principal.user_id, principal.session_id, WINDOW_MS):
            raise reauthentication_required()

    async def _record(
        self,
        principal: Principal,
        code: str | None,
        password_hash: str | None,
        field: str,
        has_all_factors: bool,
        work: WorkContext,
    ) -> None:
        user_id = principal.user_id
        locked_hash = await self._logins.lock_password_hash(user_id)
        # A concurrent request may have changed the password since it was compared.
        if password_hash is not None and locked_hash != password_hash:
            raise wrong_password(field)
        if not has_all_factors and await self._codes.is_enabled(user_id):
            if code is None:
                raise reauthentication_required()
            if await self._codes.use(work, user_id, code) is None:
                raise wrong_code()
        if not await self._sessions.set_reauthenticated(user_id, principal.session_id):
            raise invalid_access_token()

    async def _begin_code(self, user_id: UserId) -> SignInAttempt | None:
        return await self._limits.begin_code(user_id) if self._limits is not None else None

    async def _abandon(self, attempt: SignInAttempt) -> None:
        if self._limits is not None:
            await self._limits.abandon(attempt)


def reauthentication_required() -> Forbidden:
    return Forbidden(
        "Confirm this with your password, and with a code if your account has a second factor.",
        code="reauthentication_required",
    )
