"""Table `sessions`: signed-in devices, each with the one refresh token that it may use next."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tortoise import fields
from tortoise.models import Model

from server.ids import SessionId, UserId
from server.models.batch_delete import DELETE_BATCH, delete_in_batches
from server.models.conditions import Condition
from server.models.database import Database, placeholders


class SessionTable(Model):
    """Refresh tokens are stored as SHA-256 of their random `jti`; the previous one is kept for the overlap.

    `method` and `second_factor` say how the session was opened; `second_factor` is empty without one.
    `reauthenticated_at_ms` is when its user last proved to be the owner again, with all factors.
    """

    id = fields.BigIntField(primary_key=True, generated=False)
    user_id: int
    user = fields.ForeignKeyField("models.UserTable", related_name=False, on_delete=fields.CASCADE)
    refresh_hash = fields.CharField(max_length=64)
    previous_hash = fields.CharField(max_length=64, default="")
    rotated_at_ms = fields.BigIntField(default=0)
    user_agent = fields.CharField(max_length=200, default="")
    address = fields.CharField(max_length=45, default="")
    created_at_ms = fields.BigIntField()
    last_used_at_ms = fields.BigIntField()
    expires_at_ms = fields.BigIntField(db_index=True)
    revoked_at_ms = fields.BigIntField(null=True, db_index=True)
    method = fields.CharField(max_length=16, default="password", db_default="password")
    second_factor = fields.CharField(max_length=16, default="", db_default="")
    reauthenticated_at_ms = fields.BigIntField(null=True)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "sessions"
        indexes = (("user_id", "id"),)


@dataclass(frozen=True, slots=True)
class NewSession:
    id: SessionId
    user_id: UserId
    refresh_hash: str
    user_agent: str
    address: str
    created_at_ms: int
    expires_at_ms: int
    method: str
    second_factor: str
    reauthenticated_at_ms: int | None


@dataclass(frozen=True, slots=True)
class LockedSession:
    """A locked session, and the database's time when the lock was acquired."""

    user_id: UserId
    refresh_hash: str
    previous_hash: str
    rotated_at_ms: int
    expires_at_ms: int
    revoked_at_ms: int | None
    now_ms: int

    @property
    def active(self) -> bool:
        return self.revoked_at_ms is None and self.expires_at_ms > self.now_ms


@dataclass(frozen=True, slots=True)
class RotatedSession:
    """The columns that a rotation of the refresh token sets."""

    refresh_hash: str
    previous_hash: str
    rotated_at_ms: int
    user_agent: str
    address: str


@dataclass(frozen=True, slots=True)
class SessionRow:
    id: SessionId
    user_agent: str
    address: str
    created_at_ms: int
    last_used_at_ms: int
    method: str
    second_factor: str


class SessionRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    def active(self, idle_ms: int, alias: str) -> Condition:
        """Return the condition that a session is not revoked, not expired, and was used within `idle_ms`."""
        now = self._database.now_ms
        return Condition(
            f"{alias}.revoked_at_ms IS NULL AND {alias}.expires_at_ms > {now}"
            f" AND {alias}.last_used_at_ms > {now} - ?",
            (idle_ms,),
        )

    async def insert(self, session: NewSession) -> None:
        await SessionTable.create(**asdict(session), last_used_at_ms=session.created_at_ms)

    async def lock(self, session_id: SessionId) -> LockedSession | None:
        """Lock the session until the commit."""
        rows = await self._database.rows(
            "SELECT user_id, refresh_hash, previous_hash, rotated_at_ms, expires_at_ms, revoked_at_ms,"
            f" {self._database.now_ms} AS now_ms FROM sessions WHERE id = ?{self._database.for_update}",
            [session_id],
        )
        return LockedSession(**rows[0]) if rows else None

    async def rotate(self, session_id: SessionId, rotated: RotatedSession) -> None:
        await SessionTable.filter(id=session_id).update(
            **asdict(rotated), last_used_at_ms=rotated.rotated_at_ms
        )

    async def list_by_user(
        self, user_id: UserId, active: Condition, before_id: int, limit: int
    ) -> list[SessionRow]:
        """Return sessions `s` that satisfy `active`, newest first."""
        rows = await self._database.rows(
            "SELECT s.id, s.user_agent, s.address, s.created_at_ms, s.last_used_at_ms, s.method,"
            " s.second_factor FROM sessions s"
            f" WHERE s.user_id = ? AND s.id < ? AND {active.sql} ORDER BY s.id DESC LIMIT ?",
            [user_id, before_id, *active.parameters, limit],
        )
        return [SessionRow(**row) for row in rows]

    async def revoke(self, user_id: UserId, session_id: SessionId) -> bool:
        """Return False if the user has no such session, or it was revoked before."""
        return await self._revoke(user_id, "AND id = ?", [session_id])

    async def revoke_all(self, user_id: UserId, except_id: SessionId | None = None) -> bool:
        """Return False if there was nothing to revoke."""
        if except_id is None:
            return await self._revoke(user_id, "", [])
        return await self._revoke(user_id, "AND id <> ?", [except_id])

    async def set_reauthenticated(self, user_id: UserId, session_id: SessionId) -> bool:
        """Record that the user proved to be the owner. Return False for a session that was revoked."""
        return bool(
            await self._database.execute(
                f"UPDATE sessions SET reauthenticated_at_ms = {self._database.now_ms}"
                " WHERE id = ? AND user_id = ? AND revoked_at_ms IS NULL",
                [session_id, user_id],
            )
        )

    async def is_reauthenticated(self, user_id: UserId, session_id: SessionId, within_ms: int) -> bool:
        """Return whether a session that was not revoked was reauthenticated within this time."""
        now = self._database.now_ms
        return bool(
            await self._database.rows(
                "SELECT 1 FROM sessions WHERE id = ? AND user_id = ? AND revoked_at_ms IS NULL"
                f" AND reauthenticated_at_ms > {now} - ?{self._database.for_update}",
                [session_id, user_id, within_ms],
            )
        )

    async def clear_reauthenticated(self, user_id: UserId, except_id: SessionId | None = None) -> None:
        """Let the user prove again to be the owner in every session, or in all but one."""
        await self._database.execute(
            "UPDATE sessions SET reauthenticated_at_ms = NULL"
            " WHERE user_id = ? AND id <> ? AND reauthenticated_at_ms IS NOT NULL",
            [user_id, except_id or 0],
        )

    async def list_revoked(self, within_ms: int) -> list[SessionId]:
        """Return the sessions that were revoked within the last `within_ms`."""
        rows = await self._database.rows(
            f"SELECT id FROM sessions WHERE revoked_at_ms > {self._database.now_ms} - ?", [within_ms]
        )
        return [SessionId(row["id"]) for row in rows]

    async def list_remaining_ms(
        self, retention_ms: int, user_id: UserId | None = None
    ) -> dict[SessionId, int]:
        """Return the sessions revoked within `retention_ms`, each with the milliseconds left of it."""
        now = self._database.now_ms
        of_user, parameters = ("", []) if user_id is None else ("AND user_id = ?", [user_id])
        rows = await self._database.rows(
            f"SELECT id, revoked_at_ms - {now} + ? AS remaining_ms FROM sessions"
            f" WHERE revoked_at_ms > {now} - ? {of_user}",
            [retention_ms, retention_ms, *parameters],
        )
        return {SessionId(row["id"]): row["remaining_ms"] for row in rows}

    async def list_unrevoked(self, session_ids: Sequence[SessionId]) -> set[SessionId]:
        rows = await self._database.rows(
            f"SELECT id FROM sessions WHERE id IN ({placeholders(len(session_ids))}) AND revoked_at_ms IS NULL",
            session_ids,
        )
        return {SessionId(row["id"]) for row in rows}

    async def delete_expired(self) -> int:
        """Delete sessions that can no longer be refreshed. Return how many."""
        select = (
            f"SELECT id FROM sessions WHERE expires_at_ms < {self._database.now_ms}"
            f" ORDER BY expires_at_ms LIMIT {DELETE_BATCH}"
        )
        return await delete_in_batches(self._database, "sessions", select)

    async def _revoke(self, user_id: UserId, which: str, parameters: Sequence[Any]) -> bool:
        revoked = await self._database.execute(
            f"UPDATE sessions SET revoked_at_ms = {self._database.now_ms}"
            f" WHERE user_id = ? AND revoked_at_ms IS NULL {which}",
            [user_id, *parameters],
        )
        return revoked > 0
