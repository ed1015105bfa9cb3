"""Sessions: the devices that are signed in, and the refresh token that each may spend next.

A session is the whole family of the tokens that followed one another since its sign-in. How a session that was ended is
kept out is `revocations`' affair, and what a token looks like is `tokens`'. Times are the database's own: processes may
disagree about the hour.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from server.errors import NotFound, Unauthenticated
from server.ids import SessionId, UserId
from server.models.accounts.sessions import SessionTable
from server.models.database import Database
from server.paging import Page, PageRequest, cut
from server.services.accounts.active_sessions import ActiveSessions
from server.services.accounts.revocations import Revocations
from server.services.accounts.tokens import RefreshClaim, Tokens, refused_refresh
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.records import LoginSession, Principal, Role, TokenPair

log = structlog.get_logger(__name__)

USER_AGENT_LENGTH = 200
ADDRESS_LENGTH = 45


@dataclass(frozen=True, slots=True)
class Rotation:
    """A refresh token was spent: which one follows, from when on, and until when its session may last."""

    following: RefreshClaim
    spent_at_ms: int
    session_ends_at_ms: int
    role: Role


class Sessions:
    def __init__(
        self, database: Database, unit_of_work: UnitOfWork, tokens: Tokens, revocations: Revocations
    ) -> None:
        self._database = database
        self._unit_of_work = unit_of_work
        self._tokens = tokens
        self._revocations = revocations

    async def open(
        self, user_id: UserId, password_changed_at_ms: int, user_agent: str, address: str
    ) -> TokenPair:
        """Sign a device in with a password that was right when it was last changed at `password_changed_at_ms`.

        Raises Unauthenticated if it was changed since: whoever changed it ended the sessions that there were, and this
        one would have been among them.
        """
        nonce = secrets.token_urlsafe(24)

        async def body(work: WorkContext) -> Rotation:
            rows = await self._database.rows(
                f"SELECT role, password_changed_at_ms, {self._database.now_ms} AS now_ms FROM users"
                f" WHERE id = ?{self._database.for_update}",
                [user_id],
            )
            if not rows or rows[0]["password_changed_at_ms"] != password_changed_at_ms:
                raise Unauthenticated("The user name or the password is wrong.", code="wrong_credentials")
            now_ms: int = rows[0]["now_ms"]
            session = await SessionTable.create(
                id=work.new_id(),
                user_id=user_id,
                refresh_hash=_hash(nonce),
                user_agent=user_agent[:USER_AGENT_LENGTH],
                address=address[:ADDRESS_LENGTH],
                created_at_ms=now_ms,
                last_used_at_ms=now_ms,
                expires_at_ms=now_ms + self._tokens.rules.refresh_absolute_s * 1000,
            )
            first = RefreshClaim(user_id, SessionId(session.id), nonce)
            return Rotation(first, now_ms, session.expires_at_ms, Role(rows[0]["role"]))

        return self._pair(await self._unit_of_work.run(body))

    async def refresh(self, refresh_token: str, user_agent: str, address: str) -> TokenPair:
        """Spend a refresh token for a new pair, with the role that its owner has now.

        Whoever spends one that was spent already ends the session: either they have stolen it, or were stolen from.
        Except the one that was spent last, for a short while, since an answer may get lost and two tabs may refresh at
        once: it is answered with the refresh token of the first time. So however many spend one token at the same time,
        one refresh token is good afterwards, and all of them have it. Raises Unauthenticated, alike for everything.
        """
        spent = self._tokens.read_refresh(refresh_token)

        async def body(work: WorkContext) -> Rotation | None:
            return await self._spend(work, spent, user_agent, address)

        turn = await self._unit_of_work.run(body)
        if turn is None:
            await self._revocations.tell(spent.user_id)
            raise refused_refresh()
        return self._pair(turn)

    async def devices(self, viewer: Principal, page: PageRequest) -> Page[LoginSession]:
        """Where the viewer is signed in, the newest sign-in first."""
        standing = ActiveSessions(self._database, self._tokens.rules.refresh_idle_s).condition()
        rows = await self._database.rows(
            "SELECT s.id, s.user_agent, s.address, s.created_at_ms, s.last_used_at_ms FROM sessions s"
            f" WHERE s.user_id = ? AND s.id < ? AND {standing.sql} ORDER BY s.id DESC LIMIT ?",
            [viewer.user_id, page.before_id, *standing.parameters, page.limit + 1],
        )
        return cut([_device(row, viewer) for row in rows], page.limit, lambda device: device.id)

    async def end(self, user_id: UserId, session_id: SessionId) -> None:
        """Sign a device of this user out; it is refused from the next request on. Raises NotFound."""

        async def body(work: WorkContext) -> bool:
            return await self._revocations.revoke(work, user_id, session_id)

        if not await self._unit_of_work.run(body):
            raise NotFound("There is no such session.")
        await self._revocations.tell(user_id)

    async def _spend(
        self, work: WorkContext, spent: RefreshClaim, user_agent: str, address: str
    ) -> Rotation | None:
        rows = await self._database.rows(
            "SELECT user_id, refresh_hash, previous_hash, rotated_at_ms, expires_at_ms, revoked_at_ms,"
            f" {self._database.now_ms} AS now_ms FROM sessions WHERE id = ?{self._database.for_update}",
            [spent.session_id],
        )
        if not rows or rows[0]["user_id"] != spent.user_id or not _stands(rows[0]):
            return None
        now_ms, hashed = rows[0]["now_ms"], _hash(spent.nonce)
        spent_at_ms = now_ms
        if hashed == rows[0]["refresh_hash"]:
            following = self._tokens.successor(spent, now_ms)
            await SessionTable.filter(id=spent.session_id).update(
                refresh_hash=_hash(following.nonce),
                previous_hash=hashed,
                rotated_at_ms=now_ms,
                last_used_at_ms=now_ms,
                user_agent=user_agent[:USER_AGENT_LENGTH],
                address=address[:ADDRESS_LENGTH],
            )
        elif hashed == rows[0]["previous_hash"] and self._overlaps(rows[0]):
            spent_at_ms = rows[0]["rotated_at_ms"]
            following = self._tokens.successor(spent, spent_at_ms)
        else:
            await self._revocations.revoke(work, spent.user_id, spent.session_id)
            log.warning("refresh_reused", user_id=spent.user_id, session_id=spent.session_id)
            return None
        (user,) = await self._database.rows("SELECT role FROM users WHERE id = ?", [spent.user_id])
        return Rotation(following, spent_at_ms, rows[0]["expires_at_ms"], Role(user["role"]))

    def _overlaps(self, row: Mapping[str, Any]) -> bool:
        return row["now_ms"] - row["rotated_at_ms"] <= self._tokens.rules.refresh_overlap_s * 1000

    def _pair(self, turn: Rotation) -> TokenPair:
        follows, ends_at_ms = turn.following, turn.session_ends_at_ms
        principal = Principal(follows.user_id, follows.session_id, turn.role)
        return TokenPair(
            self._tokens.access(principal, ends_at_ms),
            self._tokens.refresh(follows, turn.spent_at_ms, ends_at_ms),
            self._tokens.rules.access_ttl_s,
        )


def _stands(row: Mapping[str, Any]) -> bool:
    return row["revoked_at_ms"] is None and row["expires_at_ms"] > row["now_ms"]


def _device(row: Mapping[str, Any], viewer: Principal) -> LoginSession:
    return LoginSession(
        id=SessionId(row["id"]),
        user_agent=row["user_agent"],
        address=row["address"],
        created_at_ms=row["created_at_ms"],
        last_used_at_ms=row["last_used_at_ms"],
        current=row["id"] == viewer.session_id,
    )


def _hash(nonce: str) -> str:
    return hashlib.sha256(nonce.encode()).hexdigest()
