"""Roles, which are granted on the server's command line only."""

from functools import partial

from server.errors import NotFound
from server.events import CacheKey
from server.gateways.feed_store.cache_invalidations import InvalidationLog
from server.ids import ActionId
from server.models.accounts.users import UserRepository, UserRoleRow
from server.models.moderation.actions import OPERATOR, ModerationAction, ModerationActionRow
from server.models.moderation.audit_chain import AuditChainRepository
from server.services.accounts.usernames import normalize
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.records import Role


class Roles:
    def __init__(
        self,
        users: UserRepository,
        audit: AuditChainRepository,
        unit_of_work: UnitOfWork,
        invalidations: InvalidationLog,
    ) -> None:
        self._users = users
        self._audit = audit
        self._unit_of_work = unit_of_work
        self._invalidations = invalidations

    async def grant(self, username: str, role: Role) -> Role:
        """Grant a role and return the previous one. Raises NotFound.

        Both the permissions and the celebrity badge change at once.
        """
        user = await self._users.find_role(normalize(username))
        if user is None:
            raise NotFound(f"There is no user {username!r}.")
        keys = (CacheKey("person", user.id),)
        entries = await self._invalidations.begin(keys)
        await self._unit_of_work.run(partial(self._grant, user, role))
        await self._invalidations.drop(entries, keys)
        return Role(user.role)

    async def _grant(self, user: UserRoleRow, role: Role, work: WorkContext) -> None:
        await self._users.set_role(user.id, role)
        entry = ModerationActionRow(
            id=ActionId(work.new_id()),
            actor_id=OPERATOR,
            action=ModerationAction.GRANT_ROLE,
            subject_type="user",
            subject_id=user.id,
            author_id=user.id,
            created_at_ms=work.now_ms(),
            detail=f"{user.role} -> {role}",
        )
        await self._audit.append(entry)
