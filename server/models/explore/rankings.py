"""Table `rankings`: lists that scheduled jobs computed. A list is one row, so it appears at once or not at all."""

from enum import StrEnum
from typing import Any

import orjson
from tortoise import fields
from tortoise.models import Model

from server.ids import RankingId
from server.models.batch_delete import delete_in_batches
from server.models.database import Database


class RankingKind(StrEnum):
    EXPLORE = "explore"


class RankingTable(Model):
    """The id contains the time. `content` is JSON without ids of users, because an erasure would not find them."""

    id = fields.BigIntField(primary_key=True, generated=False)
    kind = fields.CharField(max_length=16)
    content = fields.TextField()

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "rankings"
        indexes = (("kind", "id"),)


class RankingRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_newest(self, kind: RankingKind) -> RankingId | None:
        rows = await self._database.rows("SELECT MAX(id) AS id FROM rankings WHERE kind = ?", [kind])
        return RankingId(rows[0]["id"]) if rows[0]["id"] is not None else None

    async def get(self, kind: RankingKind, ranking_id: RankingId) -> dict[str, Any] | None:
        """Return the content of a ranking."""
        rows = await self._database.rows(
            "SELECT content FROM rankings WHERE id = ? AND kind = ?", [ranking_id, kind]
        )
        return orjson.loads(rows[0]["content"]) if rows else None

    async def insert(self, ranking_id: RankingId, kind: RankingKind, content: dict[str, Any]) -> None:
        await self._database.execute(
            "INSERT INTO rankings (id, kind, content) VALUES (?, ?, ?)",
            [ranking_id, kind, orjson.dumps(content).decode()],
        )

    async def delete_older(self, kind: RankingKind, ranking_id: int) -> None:
        """Delete the rankings with ids below `ranking_id`."""
        await delete_in_batches(
            self._database,
            "rankings",
            "SELECT id FROM rankings WHERE kind = ? AND id < ? LIMIT 100",
            [kind, ranking_id],
        )
