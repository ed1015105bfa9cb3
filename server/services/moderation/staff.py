"""Roles of users, as administrators grant and withdraw them. `services/accounts/roles.py` is for the operator."""

from dataclasses import dataclass
from functools import partial

from server.errors import Conflict, Forbidden
from server.events import CacheKey
from server.ids import ActionId, UserId
from server.models.accounts.users import UserRepository
from server.models.moderation.actions import ModerationAction, ModerationActionRow
from server.models.moderation.audit_chain import AuditChainRepository
from server.services.accounts.authentication.reauthentication import Reauthentication
from server.services.content.cards import Cards
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.people.user_lookup import find_anyone, user_not_found
from server.services.records import Confirmation, Principal, Role, UserCard


@dataclass(frozen=True, slots=True)
class StaffMember:
    """A user with a role that lets others decide about users."""

    card: UserCard
    role: Role


class Staff:
    """Every change is recorded in the audit log."""

    def __init__(
        self,
        users: UserRepository,
        audit: AuditChainRepository,
        reauthentication: Reauthentication,
        cards: Cards,
        unit_of_work: UnitOfWork,
    ) -> None:
        self._users = users
        self._audit = audit
        self._reauthentication = reauthentication
        self._cards = cards
        self._unit_of_work = unit_of_work

    async def list_members(self) -> list[StaffMember]:
        """Return the administrators, then the moderators, each by age of the account."""
        rows = await self._users.list_with_roles(Role.ADMIN, Role.MODERATOR)
        cards = await self._cards.get_users([row.id for row in rows])
        members = [StaffMember(cards[row.id], Role(row.role)) for row in rows if row.id in cards]
        return sorted(members, key=lambda member: member.role is not Role.ADMIN)

    async def set_role(
        self, principal: Principal, confirmation: Confirmation, user: UserId | str, role: Role
    ) -> Role:
        """Give a user a role and return the previous one; permissions change with the user's next request.

        Raises as `Reauthentication.reauthenticate`, NotFound, Forbidden if `principal` is not an active administrator
        any more, and Conflict (`last_administrator`) if no other active administrator would be left.
        """
        await self._reauthentication.confirm(principal, confirmation)
        user_id = await find_anyone(self._users, user)
        change = partial(self._set_role, principal, user_id, role)
        return await self._unit_of_work.run(change, changes=(CacheKey("person", user_id),))

    async def _set_role(self, principal: Principal, user_id: UserId, role: Role, work: WorkContext) -> Role:
        # Two administrators who demote each other, or themselves, wait for each other here.
        administrators = await self._users.lock_administrators()
        await self._reauthentication.require(principal)
        if principal.user_id not in administrators:
            raise Forbidden("Only administrators may do this.")
        before = await self._users.lock_role(user_id)
        if before is None:
            raise user_not_found()
        if before == role:
            return role
        if before == Role.ADMIN and not administrators - {user_id}:
            raise Conflict(
                "This is the last administrator: give another user this role first.",
                code="last_administrator",
            )
        await self._users.set_role(user_id, role)
        entry = ModerationActionRow(
            id=ActionId(work.new_id()),
            actor_id=principal.user_id,
            action=ModerationAction.GRANT_ROLE,
            subject_type="user",
            subject_id=user_id,
            author_id=user_id,
            created_at_ms=work.now_ms(),
            detail=f"{before} -> {role}",
        )
        await self._audit.append(entry)
        return Role(before)
