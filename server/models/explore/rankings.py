"""Table `rankings`: lists that scheduled jobs computed. A list is one row, so it appears at once or not at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson
from tortoise import fields
from tortoise.models import Model

from server.ids import HashtagId, RankingId
from server.models.batch_delete import delete_in_batches
from server.models.database import Database


class RankingKind(StrEnum):
    EXPLORE = "explore"
    TRENDS = "trends"


class RankingTable(Model):
    """The id contains the time. `content` is JSON without ids of users, because an erasure would not find them."""

    id = fields.BigIntField(primary_key=True, generated=False)
    kind = fields.CharField(max_length=16)
    content = fields.TextField()

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "rankings"
        indexes = (("kind", "id"),)


@dataclass(frozen=True, slots=True)
class TrendRow:
    """A trending hashtag as stored: its people in the last day, and in a usual one."""

    hashtag_id: HashtagId
    authors: int
    usual_authors: float


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

    async def insert_trends(self, ranking_id: RankingId, trends: Sequence[TrendRow]) -> None:
        """Store trending hashtags, the strongest first."""
        content = {"trends": [[row.hashtag_id, row.authors, row.usual_authors] for row in trends]}
        await self.insert(ranking_id, RankingKind.TRENDS, content)

    async def list_trends(self) -> list[TrendRow]:
        """Return the hashtags that were stored last."""
        newest = await self.find_newest(RankingKind.TRENDS)
        content = None if newest is None else await self.get(RankingKind.TRENDS, newest)
        return [TrendRow(*values) for values in content["trends"]] if content is not None else []

    async def delete_older(self, kind: RankingKind, ranking_id: int) -> None:
        """Delete the rankings with ids below `ranking_id`."""
        await delete_in_batches(
            self._database,
            "rankings",
            "SELECT id FROM rankings WHERE kind = ? AND id < ? LIMIT 100",
            [kind, ranking_id],
        )
