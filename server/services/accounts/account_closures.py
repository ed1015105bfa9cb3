"""Deactivation and deletion of accounts by their owners, who confirm both with the password.

Both hide the account at once and end all sessions. A sign-in cancels them; see `AccountStatuses.admit`.
"""

from functools import partial

from server.errors import Forbidden
from server.events import AccountDeletionRequested, CacheKey
from server.ids import UserId
from server.models.accounts.logins import LoginRepository
from server.models.accounts.users import UserRepository
from server.services.accounts.account_statuses import AccountStatuses
from server.services.accounts.password_authentication import PasswordAuthentication, wrong_password
from server.services.accounts.revocations import Revocations
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.records import AccountStatus


class AccountClosures:
    def __init__(
        self,
        users: UserRepository,
        logins: LoginRepository,
        statuses: AccountStatuses,
        revocations: Revocations,
        authentication: PasswordAuthentication,
        unit_of_work: UnitOfWork,
        grace_ms: int,
    ) -> None:
        """`grace_ms`: how long a sign-in cancels a deletion."""
        self._users = users
        self._logins = logins
        self._statuses = statuses
        self._revocations = revocations
        self._authentication = authentication
        self._unit_of_work = unit_of_work
        self._grace_ms = grace_ms

    async def deactivate(self, user_id: UserId, password: str) -> None:
        """Hide the account until the next sign-in. Raises InvalidInput (`wrong_password`) and Throttled."""
        await self._run(user_id, password, AccountStatus.DEACTIVATED)

    async def delete(self, user_id: UserId, password: str) -> int:
        """Hide the account, and return the time after which it is erased, in milliseconds since the epoch.

        Raises InvalidInput (`wrong_password`) and Throttled.
        """
        return await self._run(user_id, password, AccountStatus.DELETING)

    async def _run(self, user_id: UserId, password: str, status: AccountStatus) -> int:
        password_hash = await self._authentication.confirm(user_id, password)
        if password_hash is None:
            raise wrong_password()
        delete_after_ms = await self._unit_of_work.run(
            partial(self._close, user_id, password_hash, status), changes=(CacheKey("person", user_id),)
        )
        await self._revocations.propagate(user_id)
        return delete_after_ms

    async def _close(
        self, user_id: UserId, password_hash: str, status: AccountStatus, work: WorkContext
    ) -> int:
        """Change the status; return the time of the erasure, or 0. A second deletion does not postpone the first."""
        user = await self._users.lock_status(user_id)
        # A concurrent request may have changed the password since it was compared.
        if user is None or await self._logins.lock_password_hash(user_id) != password_hash:
            raise wrong_password()
        if user.status == AccountStatus.SUSPENDED:
            raise Forbidden("This account is suspended.", code="account_suspended")
        if user.delete_after_ms is not None:
            return user.delete_after_ms
        await self._statuses.change(work, user_id, status)
        if status is not AccountStatus.DELETING:
            return 0
        delete_after_ms = user.now_ms + self._grace_ms
        await self._users.set_delete_after(user_id, delete_after_ms)
        work.emit(AccountDeletionRequested(user_id, delete_after_ms))
        return delete_after_ms
