"""Table `appeals`: appeals against decisions of moderators, one per decision."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tortoise import fields
from tortoise.models import Model

from server.ids import ActionId, AppealId, UserId
from server.models.database import Database, placeholders


class AppealStatus(StrEnum):
    """`reversed`: the decision was undone."""

    OPEN = "open"
    CLAIMED = "claimed"
    UPHELD = "upheld"
    REVERSED = "reversed"


class AppealTable(Model):
    """`action_id` is a row of the audit log, which has no foreign keys."""

    id = fields.BigIntField(primary_key=True, generated=False)
    action_id = fields.BigIntField()
    user_id: int
    user = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=True
    )
    comment = fields.TextField()
    status = fields.CharField(max_length=8, default="open")
    claimed_by_id: fields.Field[int | None] = fields.BigIntField(null=True)
    claimed_at_ms: fields.Field[int | None] = fields.BigIntField(null=True)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "appeals"
        unique_together = (("action_id",),)
        indexes = (("status", "id"),)


@dataclass(frozen=True, slots=True)
class AppealRow:
    id: AppealId
    action_id: ActionId
    user_id: UserId
    comment: str
    status: AppealStatus
    claimed_by_id: UserId | None
    claimed_at_ms: int | None


_COLUMNS = "id, action_id, user_id, comment, status, claimed_by_id, claimed_at_ms"


class AppealRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(self, appeal_id: AppealId, action_id: ActionId, user_id: UserId, comment: str) -> None:
        """Raise DuplicateKey if there was an appeal against this action."""
        await AppealTable.create(id=appeal_id, action_id=action_id, user_id=user_id, comment=comment)

    async def lock(self, appeal_id: AppealId) -> AppealRow | None:
        """Lock an appeal until the commit."""
        return await self._find("id", appeal_id, self._database.for_update)

    async def get(self, appeal_id: AppealId) -> AppealRow | None:
        return await self._find("id", appeal_id, "")

    async def lock_by_action(self, action_id: ActionId) -> AppealRow | None:
        """Lock the appeal against an action until the commit."""
        return await self._find("action_id", action_id, self._database.for_update)

    async def list_by_actions(self, action_ids: Sequence[ActionId]) -> dict[ActionId, AppealRow]:
        """Return the appeals against these actions, by action."""
        if not action_ids:
            return {}
        rows = await self._database.rows(
            f"SELECT {_COLUMNS} FROM appeals WHERE action_id IN ({placeholders(len(action_ids))})", action_ids
        )
        return {ActionId(row["action_id"]): _row(row) for row in rows}

    async def list_by_status(self, status: AppealStatus, after_id: int, limit: int) -> list[AppealRow]:
        """Return appeals, oldest first."""
        rows = await self._database.rows(
            f"SELECT {_COLUMNS} FROM appeals WHERE status = ? AND id > ? ORDER BY id LIMIT ?",
            [status, after_id, limit],
        )
        return [_row(row) for row in rows]

    async def count_by_status(self, user_id: UserId) -> dict[str, int]:
        """Return how many appeals of a user have each status."""
        rows = await self._database.rows(
            "SELECT status, COUNT(*) AS n FROM appeals WHERE user_id = ? GROUP BY status", [user_id]
        )
        return {row["status"]: row["n"] for row in rows}

    async def claim(self, appeal_id: AppealId, moderator_id: UserId, now_ms: int) -> None:
        await self._database.execute(
            "UPDATE appeals SET status = ?, claimed_by_id = ?, claimed_at_ms = ? WHERE id = ?",
            [AppealStatus.CLAIMED, moderator_id, now_ms, appeal_id],
        )

    async def resolve(self, appeal_id: AppealId, status: AppealStatus) -> None:
        await self._database.execute("UPDATE appeals SET status = ? WHERE id = ?", [status, appeal_id])

    async def _find(self, column: str, value: int, suffix: str) -> AppealRow | None:
        rows = await self._database.rows(
            f"SELECT {_COLUMNS} FROM appeals WHERE {column} = ?{suffix}", [value]
        )
        return _row(rows[0]) if rows else None


def _row(row: Mapping[str, Any]) -> AppealRow:
    return AppealRow(
        AppealId(row["id"]),
        ActionId(row["action_id"]),
        UserId(row["user_id"]),
        row["comment"],
        AppealStatus(row["status"]),
        row["claimed_by_id"],
        row["claimed_at_ms"],
    )
