"""Table `search_entries`: what is in the search index of each subject; its terms follow from its text and tier."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tortoise import fields
from tortoise.models import Model

from server.models.database import Database, placeholders
from server.models.discovery.search_terms import SearchKind


class SearchEntryTable(Model):
    """`text` has the folded words. `subject_id` is no foreign key: users, hashtags and posts share one space of ids."""

    subject_id = fields.BigIntField(primary_key=True, generated=False)
    kind = fields.SmallIntField()
    tier = fields.SmallIntField()
    text = fields.TextField()

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "search_entries"
        indexes = (("kind", "subject_id"),)


@dataclass(frozen=True, slots=True)
class SearchEntry:
    subject_id: int
    kind: SearchKind
    tier: int
    text: str


class SearchEntryRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def lock(self, subject_ids: Sequence[int]) -> dict[int, SearchEntry]:
        """Lock the entries of subjects until the commit; return those that exist."""
        return await self.get(subject_ids, self._database.for_update)

    async def get(self, subject_ids: Sequence[int], suffix: str = "") -> dict[int, SearchEntry]:
        """Return the entries that exist, by subject."""
        rows = await self._database.rows(
            "SELECT subject_id, kind, tier, text FROM search_entries"
            f" WHERE subject_id IN ({placeholders(len(subject_ids))}) ORDER BY subject_id{suffix}",
            sorted(subject_ids),
        )
        return {row["subject_id"]: _entry(row) for row in rows}

    async def insert(self, entries: Sequence[SearchEntry]) -> None:
        """Insert entries of subjects that are locked and have none."""
        values = [value for each in entries for value in (each.kind, each.tier, each.text, each.subject_id)]
        await self._database.execute(
            "INSERT INTO search_entries (kind, tier, text, subject_id) VALUES"
            f" {', '.join(['(?, ?, ?, ?)'] * len(entries))}",
            values,
        )

    async def update(self, entry: SearchEntry) -> None:
        await self._database.execute(
            "UPDATE search_entries SET tier = ?, text = ? WHERE subject_id = ?",
            [entry.tier, entry.text, entry.subject_id],
        )

    async def delete(self, subject_ids: Sequence[int]) -> None:
        await self._database.execute(
            f"DELETE FROM search_entries WHERE subject_id IN ({placeholders(len(subject_ids))})", subject_ids
        )

    async def list_after(self, kind: SearchKind, after_id: int, limit: int) -> list[SearchEntry]:
        """Return entries of a kind by id."""
        rows = await self._database.rows(
            "SELECT subject_id, kind, tier, text FROM search_entries WHERE kind = ? AND subject_id > ?"
            " ORDER BY subject_id LIMIT ?",
            [kind, after_id, limit],
        )
        return [_entry(row) for row in rows]

    async def clear(self) -> None:
        """Delete all entries."""
        await self._database.execute(
            "TRUNCATE TABLE search_entries"
            if self._database.dialect == "mysql"
            else "DELETE FROM search_entries"
        )


def _entry(row: dict[str, Any]) -> SearchEntry:
    return SearchEntry(row["subject_id"], SearchKind(row["kind"]), row["tier"], row["text"])
