"""Rows of other tables that belong to a post and are deleted with it, in batches."""

from collections.abc import Sequence
from enum import StrEnum

from server.ids import PostId
from server.models.database import Database, placeholders, retry_on_deadlock


class PostPart(StrEnum):
    """The tables, in the order in which they are emptied."""

    LIKES = "likes"
    SAVES = "saves"
    COMMENTS = "comments"
    NOTIFICATIONS = "notifications"
    VERSIONS = "post_versions"
    TAGS = "post_tags"


class PostPartRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_ids(self, part: PostPart, post_id: PostId, limit: int) -> list[int]:
        """Return rows in no particular order, because sorting would cost time for each batch."""
        rows = await self._database.rows(
            f"SELECT id FROM {part.value} WHERE post_id = ? LIMIT ?", [post_id, limit]
        )
        return [row["id"] for row in rows]

    async def list_comment_likes(self, comment_ids: Sequence[int], limit: int) -> list[int]:
        """Return likes of these comments, in no particular order."""
        rows = await self._database.rows(
            f"SELECT id FROM comment_likes WHERE comment_id IN ({placeholders(len(comment_ids))}) LIMIT ?",
            [*comment_ids, limit],
        )
        return [row["id"] for row in rows]

    async def delete_comment_likes(self, ids: Sequence[int]) -> None:
        """Delete likes of comments, as `delete`."""
        await self._delete("comment_likes", ids)

    async def delete(self, part: PostPart, ids: Sequence[int]) -> None:
        """Delete rows in one auto-committed statement; ascending ids avoid deadlocks."""
        await self._delete(part.value, ids)

    async def _delete(self, table: str, ids: Sequence[int]) -> None:
        sql = f"DELETE FROM {table} WHERE id IN ({placeholders(len(ids))})"
        await retry_on_deadlock(lambda: self._database.execute(sql, sorted(ids)))
