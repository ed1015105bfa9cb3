"""Removal of second factors without their codes: by the operator, or when the owner takes an account back."""

from functools import partial

from server.errors import NotFound
from server.ids import UserId
from server.models.accounts.logins import LoginRepository
from server.models.accounts.recovery_codes import RecoveryCodeRepository
from server.models.accounts.second_factors import SecondFactorRepository
from server.models.accounts.users import UserRepository
from server.services.accounts.second_factor_changes import SecondFactorChange, SecondFactorChanges
from server.services.accounts.usernames import normalize
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext


class SecondFactorRemoval:
    def __init__(
        self,
        factors: SecondFactorRepository,
        recovery_codes: RecoveryCodeRepository,
        logins: LoginRepository,
        users: UserRepository,
        changes: SecondFactorChanges,
        unit_of_work: UnitOfWork,
    ) -> None:
        self._factors = factors
        self._recovery_codes = recovery_codes
        self._logins = logins
        self._users = users
        self._changes = changes
        self._unit_of_work = unit_of_work

    async def remove(self, username: str) -> bool:
        """Remove a user's second factor; return False if there is none. The owner gets an e-mail. Raises NotFound."""
        user_id = await self._users.find_id(normalize(username))
        if user_id is None:
            raise NotFound(f"There is no user {username!r}.")
        return await self._unit_of_work.run(partial(self._remove, user_id, 0))

    async def remove_newer(self, work: WorkContext, user_id: UserId, enabled_after_ms: int) -> None:
        """Remove a second factor that was enabled later, or not yet, in the transaction of a recovery."""
        await self._remove(user_id, enabled_after_ms, work)

    async def _remove(self, user_id: UserId, enabled_after_ms: int, work: WorkContext) -> bool:
        await self._logins.lock(user_id)
        was_enabled = await self._factors.is_enabled(user_id)
        if not await self._factors.delete_newer(user_id, enabled_after_ms) or not was_enabled:
            return False
        await self._recovery_codes.delete_by_user(user_id)
        await self._changes.report(work, user_id, SecondFactorChange.REMOVED)
        return True
