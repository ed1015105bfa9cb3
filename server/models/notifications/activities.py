"""The rows that notifications are about: likes, follows, comments and captions."""

from collections.abc import Sequence
from dataclasses import dataclass

from server.ids import CommentId, PostId, UserId
from server.models.conditions import Condition
from server.models.database import Database, placeholders


@dataclass(frozen=True, slots=True)
class Caption:
    text: str
    edited_at_ms: int | None


class ActivityRepository:
    """`visible` is the condition under which a recipient sees a post `p`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_like(self, post_id: PostId, actor_id: UserId, visible: Condition) -> int | None:
        """Return the id of the like, if it exists and the post is visible."""
        rows = await self._database.rows(
            "SELECT l.id FROM likes l JOIN posts p ON p.id = l.post_id WHERE l.user_id = ? AND l.post_id = ?"
            f" AND {visible.sql}",
            [actor_id, post_id, *visible.parameters],
        )
        return rows[0]["id"] if rows else None

    async def find_follow(self, follower_id: UserId, followee_id: UserId) -> int | None:
        """Return the id of the follow, if it exists."""
        rows = await self._database.rows(
            "SELECT id FROM follows WHERE follower_id = ? AND followee_id = ?", [follower_id, followee_id]
        )
        return rows[0]["id"] if rows else None

    async def find_comment(self, comment_id: CommentId, visible: Condition) -> str | None:
        """Return the text of a comment, if it exists and its post is visible."""
        rows = await self._database.rows(
            "SELECT c.content FROM comments c JOIN posts p ON p.id = c.post_id"
            f" WHERE c.id = ? AND {visible.sql}",
            [comment_id, *visible.parameters],
        )
        return rows[0]["content"] if rows else None

    async def find_caption(self, post_id: PostId, visible: Condition) -> Caption | None:
        """Return the caption of a post, if the post is visible."""
        rows = await self._database.rows(
            f"SELECT p.caption, p.edited_at_ms FROM posts p WHERE p.id = ? AND {visible.sql}",
            [post_id, *visible.parameters],
        )
        return Caption(rows[0]["caption"], rows[0]["edited_at_ms"]) if rows else None

    async def has_caption(self, post_id: PostId, text: str) -> bool:
        """Return whether the post exists and its caption is `text`."""
        rows = await self._database.rows("SELECT caption FROM posts WHERE id = ?", [post_id])
        return bool(rows) and rows[0]["caption"] == text

    async def list_user_ids(self, username_keys: Sequence[str]) -> list[UserId]:
        """Return the ids of the users with these names, in no particular order."""
        if not username_keys:
            return []
        rows = await self._database.rows(
            f"SELECT id FROM users WHERE username_key IN ({placeholders(len(username_keys))})", username_keys
        )
        return [UserId(row["id"]) for row in rows]

    async def list_mentioned_in_caption(self, post_id: PostId, mention: str) -> set[UserId]:
        """Return the recipients of notifications of the type `mention` about a post's caption."""
        rows = await self._database.rows(
            "SELECT recipient_id FROM notifications WHERE post_id = ? AND comment_id IS NULL AND type = ?",
            [post_id, mention],
        )
        return {UserId(row["recipient_id"]) for row in rows}
