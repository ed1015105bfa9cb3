"""Status of accounts: active, or hidden from others because of a suspension, a deactivation or a pending deletion."""

from server.clock import isoformat
from server.errors import AccountSuspended
from server.events import AccountDeletionCancelled, AccountRestored, PersonChanged
from server.ids import UserId
from server.models.accounts.users import UserRepository, UserStatusRow
from server.models.moderation.actions import ModerationActionRepository
from server.services.accounts.appeal_tokens import AppealTokens, appealable_until_ms
from server.services.accounts.password_authentication import wrong_credentials
from server.services.accounts.revocations import Revocations
from server.services.jobs.unit_of_work import WorkContext
from server.services.records import AccountStatus


class AccountStatuses:
    """Changes run in the caller's unit of work, which names the user's card among its changes."""

    def __init__(
        self,
        users: UserRepository,
        revocations: Revocations,
        actions: ModerationActionRepository,
        appeal_tokens: AppealTokens,
    ) -> None:
        self._users = users
        self._revocations = revocations
        self._actions = actions
        self._appeal_tokens = appeal_tokens

    async def change(
        self,
        work: WorkContext,
        user_id: UserId,
        status: AccountStatus,
        suspended_until_ms: int | None = None,
    ) -> AccountStatus | None:
        """Set the status, and end the sessions of an account that is not active any more.

        suspended_until_ms: When a sign-in ends the suspension; None: never.
        Return the previous status, or None for an unknown user. Call `Revocations.propagate` after the commit.
        """
        user = await self._users.lock_status(user_id)
        if user is None:
            return None
        previous = AccountStatus(user.status)
        if previous is status and user.suspended_until_ms == suspended_until_ms:
            return previous
        hidden, revision = status is not AccountStatus.ACTIVE, user.revision + 1
        await self._users.set_status(user_id, status, revision, suspended_until_ms)
        work.emit(PersonChanged(user_id, revision, hidden))
        if hidden:
            await self._revocations.revoke_all(work, user_id)
        else:
            work.emit(AccountRestored(user_id))
        return previous

    async def admit(self, work: WorkContext, user_id: UserId) -> None:
        """Let a user sign in: an account that is deactivated, being deleted or no longer suspended becomes active.

        Raises AccountSuspended, and Unauthenticated for one whose deletion is final.
        """
        user = await self._users.lock_status(user_id)
        if user is not None and user.status == AccountStatus.SUSPENDED and not _is_over(user):
            raise await self._suspended(user_id, user)
        if user is None or user.status == AccountStatus.ACTIVE:
            return
        if user.delete_after_ms is not None:
            if user.delete_after_ms <= user.now_ms:
                raise wrong_credentials()
            work.emit(AccountDeletionCancelled(user_id))
        await self.change(work, user_id, AccountStatus.ACTIVE)

    async def _suspended(self, user_id: UserId, user: UserStatusRow) -> AccountSuspended:
        action = await self._actions.find_closing(user_id)
        may_appeal = action is not None and user.now_ms < appealable_until_ms(action.created_at_ms)
        token = self._appeal_tokens.encode(user_id, action.id) if action is not None and may_appeal else None
        until_ms = user.suspended_until_ms
        return AccountSuspended(None if until_ms is None else isoformat(until_ms), token)


def _is_over(user: UserStatusRow) -> bool:
    return user.suspended_until_ms is not None and user.suspended_until_ms <= user.now_ms
