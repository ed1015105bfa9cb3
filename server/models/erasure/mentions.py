"""Removal of a user's id from the column `mentions` of posts and comments; the texts stay as they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from server.ids import UserId
from server.models.content.stored_mentions import pack_mentions, unpack_mentions
from server.models.database import Database


class MentioningTable(StrEnum):
    POSTS = "posts"
    COMMENTS = "comments"


@dataclass(frozen=True, slots=True)
class MentionBatch:
    """Rows up to `last_id` were read; `mentioning` are those that mention the user."""

    last_id: int
    mentioning: Sequence[int]


class StoredMentionRepository:
    """The column has no index: it is read in batches of bounded size, in the order of the ids."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(
        self, table: MentioningTable, user_id: UserId, after_id: int, limit: int
    ) -> MentionBatch | None:
        """Read the next `limit` rows; None after the last one."""
        rows = await self._database.rows(
            "SELECT id, CASE WHEN mentions LIKE ? OR mentions LIKE ? THEN 1 ELSE 0 END AS mentioning"
            f" FROM {table.value} WHERE id > ? ORDER BY id LIMIT ?",
            [f"%:{user_id},%", f"%:{user_id}}}%", after_id, limit],
        )
        if not rows:
            return None
        return MentionBatch(rows[-1]["id"], [row["id"] for row in rows if row["mentioning"]])

    async def remove(self, table: MentioningTable, row_id: int, user_id: UserId) -> None:
        """Drop the user from the mentions of a row; call inside a transaction."""
        rows = await self._database.rows(
            f"SELECT mentions FROM {table.value} WHERE id = ?{self._database.for_update}", [row_id]
        )
        for row in rows:
            kept: Mapping[str, UserId] = {
                name: mentioned
                for name, mentioned in unpack_mentions(row["mentions"]).items()
                if mentioned != user_id
            }
            await self._database.execute(
                f"UPDATE {table.value} SET mentions = ? WHERE id = ?", [pack_mentions(kept), row_id]
            )
