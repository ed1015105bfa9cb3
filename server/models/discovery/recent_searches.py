"""Table `recent_searches`: what users searched for, as they choose to keep it."""

from dataclasses import dataclass

from tortoise import fields
from tortoise.models import Model

from server.ids import RecentSearchId, UserId
from server.models.database import Database


class RecentSearchTable(Model):
    """A text is kept once per user. The id contains the time of the last search."""

    id = fields.BigIntField(primary_key=True, generated=False)
    user_id: int
    user = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )
    text = fields.CharField(max_length=100)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "recent_searches"
        unique_together = (("user_id", "text"),)
        indexes = (("user_id", "id"),)


@dataclass(frozen=True, slots=True)
class RecentSearchRow:
    id: RecentSearchId
    text: str


class RecentSearchRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_by_user(self, user_id: UserId, before_id: int, limit: int) -> list[RecentSearchRow]:
        """Return what a user searched for, newest first."""
        rows = await self._database.rows(
            "SELECT id, text FROM recent_searches WHERE user_id = ? AND id < ? ORDER BY id DESC LIMIT ?",
            [user_id, before_id, limit],
        )
        return [RecentSearchRow(RecentSearchId(row["id"]), row["text"]) for row in rows]

    async def insert(self, search_id: RecentSearchId, user_id: UserId, text: str) -> None:
        await RecentSearchTable.create(id=search_id, user_id=user_id, text=text)

    async def delete_text(self, user_id: UserId, text: str) -> None:
        await self._database.execute(
            "DELETE FROM recent_searches WHERE user_id = ? AND text = ?", [user_id, text]
        )

    async def delete(self, user_id: UserId, search_id: RecentSearchId) -> None:
        await self._database.execute(
            "DELETE FROM recent_searches WHERE user_id = ? AND id = ?", [user_id, search_id]
        )

    async def clear(self, user_id: UserId) -> None:
        await self._database.execute("DELETE FROM recent_searches WHERE user_id = ?", [user_id])

    async def delete_beyond(self, user_id: UserId, kept: int) -> None:
        """Delete all but the newest `kept`."""
        rows = await self._database.rows(
            "SELECT id FROM recent_searches WHERE user_id = ? ORDER BY id DESC LIMIT 1 OFFSET ?",
            [user_id, kept],
        )
        if rows:
            await self._database.execute(
                "DELETE FROM recent_searches WHERE user_id = ? AND id <= ?", [user_id, rows[0]["id"]]
            )
