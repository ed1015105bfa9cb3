"""Fan-out mode of authors: on write or on read."""

from dataclasses import dataclass

from server.ids import PostId, UserId
from server.models.audience import Audience
from server.models.database import Database


@dataclass(frozen=True, slots=True)
class FanOutAuthor:
    """Author of a post, as far as the fan-out needs it, and the audience of the post."""

    followers_count: int
    role: str
    fan_out_on_read: bool
    audience: Audience


class FanOutRepository:
    """Authors and their fan-out mode."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get_author(self, post_id: PostId) -> FanOutAuthor | None:
        """Return the author of a post, or None if the post was deleted or archived."""
        rows = await self._database.rows(
            "SELECT u.followers_count, u.role, u.fan_out_on_read, p.audience FROM posts p"
            " JOIN users u ON u.id = p.author_id WHERE p.id = ? AND p.deleted_at_ms IS NULL"
            " AND p.archived_at_ms IS NULL",
            [post_id],
        )
        if not rows:
            return None
        (row,) = rows
        return FanOutAuthor(
            row["followers_count"], row["role"], bool(row["fan_out_on_read"]), Audience(row["audience"])
        )

    async def set_fan_out_on_read(self, author_id: UserId, enabled: bool) -> None:
        await self._database.execute(
            "UPDATE users SET fan_out_on_read = ? WHERE id = ?", [int(enabled), author_id]
        )

    async def has_fan_out_on_read(self, author_id: UserId) -> bool:
        rows = await self._database.rows(
            "SELECT 1 FROM users WHERE id = ? AND fan_out_on_read = 1", [author_id]
        )
        return bool(rows)
