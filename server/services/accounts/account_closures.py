"""Deactivation and deletion of accounts by their owners, who have to reauthenticate.

Both hide the account at once and end all sessions. A sign-in cancels them; see `AccountStatuses.admit`.
"""

from functools import partial

from server.errors import Forbidden
from server.events import AccountDeletionRequested, CacheKey
from server.models.accounts.users import UserRepository
from server.services.accounts.account_statuses import AccountStatuses
from server.services.accounts.authentication.reauthentication import Reauthentication
from server.services.accounts.revocations import Revocations
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.records import AccountStatus, Confirmation, Principal


class AccountClosures:
    def __init__(
        self,
        users: UserRepository,
        statuses: AccountStatuses,
        revocations: Revocations,
        reauthentication: Reauthentication,
        unit_of_work: UnitOfWork,
        grace_ms: int,
    ) -> None:
        """`grace_ms`: how long a sign-in cancels a deletion."""
        self._users = users
        self._statuses = statuses
        self._revocations = revocations
        self._reauthentication = reauthentication
        self._unit_of_work = unit_of_work
        self._grace_ms = grace_ms

    async def deactivate(self, principal: Principal, confirmation: Confirmation) -> None:
        """Hide the account until the next sign-in. Raises as `Reauthentication.reauthenticate`."""
        await self._run(principal, confirmation, AccountStatus.DEACTIVATED)

    async def delete(self, principal: Principal, confirmation: Confirmation) -> int:
        """Hide the account, and return the time after which it is erased, in milliseconds since the epoch.

        Raises as `Reauthentication.reauthenticate`.
        """
        return await self._run(principal, confirmation, AccountStatus.DELETING)

    async def _run(self, principal: Principal, confirmation: Confirmation, status: AccountStatus) -> int:
        await self._reauthentication.confirm(principal, confirmation)
        delete_after_ms = await self._unit_of_work.run(
            partial(self._close, principal, status), changes=(CacheKey("person", principal.user_id),)
        )
        await self._revocations.propagate(principal.user_id)
        return delete_after_ms

    async def _close(self, principal: Principal, status: AccountStatus, work: WorkContext) -> int:
        """Change the status; return the time of the erasure, or 0.

        Of several concurrent requests one succeeds: it revokes the sessions of the others.
        """
        user_id = principal.user_id
        await self._reauthentication.require(principal)
        user = await self._users.lock_status(user_id)
        if user is None or user.status == AccountStatus.SUSPENDED:
            raise Forbidden("This account is suspended.", code="account_suspended")
        await self._statuses.change(work, user_id, status)
        if status is not AccountStatus.DELETING:
            return 0
        delete_after_ms = user.now_ms + self._grace_ms
        await self._users.set_delete_after(user_id, delete_after_ms)
        work.emit(AccountDeletionRequested(user_id, delete_after_ms))
        return delete_after_ms
