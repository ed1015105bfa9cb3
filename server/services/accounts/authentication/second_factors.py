"""Second factors: set-up, recovery codes, and removal.

Changes need a reauthentication. The owner gets an e-mail about each of them.
"""

from functools import partial

from server.errors import AppError, Conflict, InvalidInput, NotFound
from server.ids import UserId
from server.models.accounts.logins import LoginRepository
from server.models.accounts.recovery_codes import RecoveryCodeRepository
from server.models.accounts.second_factors import SecondFactorRepository
from server.models.accounts.sessions import SessionRepository
from server.models.accounts.users import UserRepository
from server.services.accounts.authentication.reauthentication import Reauthentication
from server.services.accounts.authentication.second_factor_codes import SecondFactorCodes, wrong_code
from server.services.accounts.authentication.totp import TotpSecrets, find_step
from server.services.accounts.second_factor_changes import SecondFactorChange, SecondFactorChanges
from server.services.accounts.sign_in_limits import SignInLimits
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.records import Confirmation, Principal, SecondFactorSetup, SecondFactorStatus

# How long a set-up can be confirmed.
SETUP_TTL_MS = 3_600_000


class SecondFactors:
    def __init__(  # noqa: PLR0913 - collaborators
        self,
        factors: SecondFactorRepository,
        recovery_codes: RecoveryCodeRepository,
        logins: LoginRepository,
        users: UserRepository,
        sessions: SessionRepository,
        codes: SecondFactorCodes,
        totp: TotpSecrets,
        reauthentication: Reauthentication,
        changes: SecondFactorChanges,
        unit_of_work: UnitOfWork,
        limits: SignInLimits | None = None,
    ) -> None:
        """`limits` is None if rate limiting is off."""
        self._factors = factors
        self._recovery_codes = recovery_codes
        self._logins = logins
        self._users = users
        self._sessions = sessions
        self._codes = codes
        self._totp = totp
        self._reauthentication = reauthentication
        self._changes = changes
        self._unit_of_work = unit_of_work
        self._limits = limits

    async def get_status(self, user_id: UserId) -> SecondFactorStatus:
        factor = await self._factors.get(user_id)
        if factor is None or factor.enabled_at_ms is None:
            return SecondFactorStatus(None, 0)
        return SecondFactorStatus(factor.enabled_at_ms, await self._recovery_codes.count(user_id))

    async def set_up(self, principal: Principal, confirmation: Confirmation) -> SecondFactorSetup:
        """Return a new secret, which counts once a code of it is confirmed. It replaces an earlier unconfirmed one.

        Raises Conflict (`second_factor_enabled`), and as `Reauthentication.reauthenticate`.
        """
        await self._reauthentication.confirm(principal, confirmation)
        user_id, secret = principal.user_id, self._totp.create()

        async def begin(_: WorkContext) -> str:
            await self._reauthentication.require(principal)
            if await self._factors.is_enabled(user_id):
                raise _enabled()
            await self._factors.replace_setup(user_id, self._totp.encrypt(user_id, secret))
            return (await self._users.get_usernames([user_id]))[user_id]

        username = await self._unit_of_work.run(begin)
        return SecondFactorSetup(secret, self._totp.uri(secret, username))

    async def enable(self, principal: Principal, code: str) -> list[str]:
        """Enable the second factor with a code of the new secret; return the recovery codes.

        Raises InvalidInput (`wrong_code`), and Conflict: `second_factor_enabled`; `no_second_factor_setup` if there is
        no set-up, or it was begun more than an hour ago. Raises Throttled after wrong codes: a thief of the session,
        who does not see the secret, must not get recovery codes by guessing.
        """
        enable = partial(self._enable, principal, code.replace(" ", ""))
        if self._limits is None:
            return await self._unit_of_work.run(enable)
        attempt = await self._limits.begin_code(principal.user_id)
        try:
            codes = await self._unit_of_work.run(enable)
        except AppError as error:
            if not isinstance(error, InvalidInput):
                await self._limits.abandon(attempt)
            raise
        await self._limits.succeed(attempt)
        return codes

    async def renew_recovery_codes(self, principal: Principal, confirmation: Confirmation) -> list[str]:
        """Return new recovery codes, which replace all earlier ones.

        Raises NotFound without a second factor, and as `Reauthentication.reauthenticate`.
        """
        await self._reauthentication.confirm(principal, confirmation)

        async def renew(work: WorkContext) -> list[str]:
            await self._reauthentication.require(principal)
            if not await self._factors.is_enabled(principal.user_id):
                raise _not_enabled()
            change = SecondFactorChange.RECOVERY_CODES_RENEWED
            await self._changes.report(work, principal.user_id, change)
            return await self._codes.replace_recovery_codes(work, principal.user_id)

        return await self._unit_of_work.run(renew)

    async def disable(self, principal: Principal, confirmation: Confirmation) -> None:
        """Remove the second factor and the recovery codes.

        Raises NotFound without a second factor, and as `Reauthentication.reauthenticate`.
        """
        await self._reauthentication.confirm(principal, confirmation)

        async def disable(work: WorkContext) -> None:
            await self._reauthentication.require(principal)
            if not await self._factors.is_enabled(principal.user_id):
                raise _not_enabled()
            await self._factors.delete(principal.user_id)
            await self._recovery_codes.delete_by_user(principal.user_id)
            await self._changes.report(work, principal.user_id, SecondFactorChange.DISABLED)

        await self._unit_of_work.run(disable)

    async def _enable(self, principal: Principal, code: str, work: WorkContext) -> list[str]:
        user_id = principal.user_id
        await self._logins.lock(user_id)
        factor = await self._factors.get(user_id)
        if factor is not None and factor.enabled_at_ms is not None:
            raise _enabled()
        if factor is None or factor.created_at_ms + SETUP_TTL_MS < factor.now_ms:
            raise Conflict("Begin the set-up of a second factor first.", code="no_second_factor_setup")
        secret = self._totp.decrypt(user_id, factor.secret)
        step = find_step(secret, code, factor.now_ms) if secret is not None else None
        if step is None:
            raise wrong_code()
        await self._factors.enable(user_id, step)
        await self._sessions.clear_reauthenticated(user_id, except_id=principal.session_id)
        await self._changes.report(work, user_id, SecondFactorChange.ENABLED)
        return await self._codes.replace_recovery_codes(work, user_id)


def _enabled() -> Conflict:
    return Conflict("You already have a second factor. Disable it first.", code="second_factor_enabled")


def _not_enabled() -> NotFound:
    return NotFound("You have no second factor.", code="no_second_factor")
