"""Sessions of other users, as administrators list and end them."""

from dataclasses import dataclass
from functools import partial

from server.errors import NotFound
from server.ids import ActionId, SessionId, UserId
from server.models.accounts.sessions import SessionRepository
from server.models.accounts.users import UserRepository
from server.models.moderation.actions import ModerationAction, ModerationActionRow
from server.models.moderation.audit_chain import AuditChainRepository
from server.networks import networks_of
from server.paging import Page, PageRequest, cut
from server.services.accounts.active_sessions import ActiveSessions
from server.services.accounts.revocations import Revocations
from server.services.accounts.sessions import login_session
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.people.user_lookup import find_anyone
from server.services.records import LoginSession


@dataclass(frozen=True, slots=True)
class ListedSession:
    """A session, and its network: an IPv4 /24 or an IPv6 /48."""

    session: LoginSession
    network: str


class SessionAdministration:
    """Ended sessions are recorded in the audit log."""

    def __init__(
        self,
        users: UserRepository,
        sessions: SessionRepository,
        active: ActiveSessions,
        revocations: Revocations,
        audit: AuditChainRepository,
        unit_of_work: UnitOfWork,
    ) -> None:
        self._users = users
        self._sessions = sessions
        self._active = active
        self._revocations = revocations
        self._audit = audit
        self._unit_of_work = unit_of_work

    async def list_sessions(
        self, user: UserId | str, page: PageRequest, own: SessionId
    ) -> Page[ListedSession]:
        """Return a user's active sessions, newest first. `own` is that of the request. Raises NotFound."""
        user_id = await find_anyone(self._users, user)
        rows = await self._sessions.list_by_user(
            user_id, self._active.condition(), page.before_id, page.limit + 1
        )
        sessions = [ListedSession(login_session(row, own), networks_of(row.address).site) for row in rows]
        return cut(sessions, page.limit, lambda listed: listed.session.id)

    async def end(self, administrator_id: UserId, user: UserId | str, session_id: SessionId) -> None:
        """End one session; its next request is rejected. Raises NotFound."""
        user_id = await find_anyone(self._users, user)
        await self._unit_of_work.run(partial(self._end, administrator_id, user_id, session_id))
        await self._revocations.propagate(user_id)

    async def end_all(self, administrator_id: UserId, user: UserId | str) -> None:
        """End all sessions of a user; their next requests are rejected. Raises NotFound."""
        user_id = await find_anyone(self._users, user)
        await self._unit_of_work.run(partial(self._end_all, administrator_id, user_id))
        await self._revocations.propagate(user_id)

    async def _end(
        self, administrator_id: UserId, user_id: UserId, session_id: SessionId, work: WorkContext
    ) -> None:
        if not await self._revocations.revoke(work, user_id, session_id):
            raise NotFound("Session not found.")
        await self._record(administrator_id, user_id, f"session {session_id}", work)

    async def _end_all(self, administrator_id: UserId, user_id: UserId, work: WorkContext) -> None:
        await self._revocations.revoke_all(work, user_id)
        await self._record(administrator_id, user_id, "all sessions", work)

    async def _record(
        self, administrator_id: UserId, user_id: UserId, detail: str, work: WorkContext
    ) -> None:
        entry = ModerationActionRow(
            id=ActionId(work.new_id()),
            actor_id=administrator_id,
            action=ModerationAction.END_SESSIONS,
            subject_type="user",
            subject_id=user_id,
            author_id=user_id,
            created_at_ms=work.now_ms(),
            detail=detail,
        )
        await self._audit.append(entry)
