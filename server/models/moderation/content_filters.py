"""Table `content_filters`: words, phrases and domains that are refused or reported."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tortoise import fields
from tortoise.models import Model

from server.ids import FilterId
from server.models.database import Database


class FilterKind(StrEnum):
    """`phrase`: a word or several; `domain`: a host name with all below it."""

    PHRASE = "phrase"
    DOMAIN = "domain"


class FilterAction(StrEnum):
    REFUSE = "refuse"
    REPORT = "report"


class ContentFilterTable(Model):
    """`pattern_key` is the pattern as it is compared, so that each is there once."""

    id = fields.BigIntField(primary_key=True, generated=False)
    kind = fields.CharField(max_length=8)
    pattern = fields.CharField(max_length=253)
    pattern_key = fields.CharField(max_length=300)
    action = fields.CharField(max_length=8)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "content_filters"
        unique_together = (("kind", "pattern_key"),)


@dataclass(frozen=True, slots=True)
class FilterRow:
    id: FilterId
    kind: FilterKind
    pattern: str
    action: FilterAction


class ContentFilterRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_all(self) -> list[FilterRow]:
        """Return all filters, oldest first."""
        rows = await self._database.rows("SELECT id, kind, pattern, action FROM content_filters ORDER BY id")
        return [_row(row) for row in rows]

    async def count(self) -> int:
        (row,) = await self._database.rows("SELECT COUNT(*) AS n FROM content_filters")
        return row["n"]

    async def lock(self, filter_id: FilterId) -> FilterRow | None:
        """Lock a filter until the commit."""
        rows = await self._database.rows(
            f"SELECT id, kind, pattern, action FROM content_filters WHERE id = ?{self._database.for_update}",
            [filter_id],
        )
        return _row(rows[0]) if rows else None

    async def insert(self, row: FilterRow, pattern_key: str) -> None:
        """Raise DuplicateKey if there is such a filter."""
        await ContentFilterTable.create(
            id=row.id, kind=row.kind, pattern=row.pattern, pattern_key=pattern_key, action=row.action
        )

    async def set_action(self, filter_id: FilterId, action: FilterAction) -> None:
        await self._database.execute(
            "UPDATE content_filters SET action = ? WHERE id = ?", [action, filter_id]
        )

    async def delete(self, filter_id: FilterId) -> None:
        await self._database.execute("DELETE FROM content_filters WHERE id = ?", [filter_id])


def _row(row: Mapping[str, Any]) -> FilterRow:
    return FilterRow(
        FilterId(row["id"]), FilterKind(row["kind"]), row["pattern"], FilterAction(row["action"])
    )
