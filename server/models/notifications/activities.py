"""The rows that notifications are about: likes, follows, comments, captions and tags."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from server.ids import CommentId, PostId, UserId
from server.models.content.stored_mentions import unpack_mentions
from server.models.database import Database, placeholders


@dataclass(frozen=True, slots=True)
class Caption:
    text: str
    mentioned: tuple[UserId, ...]
    edited_at_ms: int | None


@dataclass(frozen=True, slots=True)
class CommentText:
    content: str
    mentioned: tuple[UserId, ...]
    edited_at_ms: int | None


class ActivityRepository:
    """Activities that exist; `activity_states.py` reads whether a recipient may see one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_like(self, post_id: PostId, actor_id: UserId) -> int | None:
        """Return the id of the like, if it exists; its post may be hidden."""
        rows = await self._database.rows(
            "SELECT id FROM likes WHERE user_id = ? AND post_id = ?", [actor_id, post_id]
        )
        return rows[0]["id"] if rows else None

    async def find_follow(self, follower_id: UserId, followee_id: UserId) -> int | None:
        """Return the id of the follow, if it exists."""
        rows = await self._database.rows(
            "SELECT id FROM follows WHERE follower_id = ? AND followee_id = ?", [follower_id, followee_id]
        )
        return rows[0]["id"] if rows else None

    async def find_follow_request(self, requester_id: UserId, target_id: UserId) -> int | None:
        """Return the id of the follow request, if it is not answered."""
        rows = await self._database.rows(
            "SELECT id FROM follow_requests WHERE requester_id = ? AND target_id = ?",
            [requester_id, target_id],
        )
        return rows[0]["id"] if rows else None

    async def find_comment_like(self, comment_id: CommentId, actor_id: UserId) -> int | None:
        """Return the id of the like, if it exists; its comment and post may be hidden."""
        rows = await self._database.rows(
            "SELECT id FROM comment_likes WHERE user_id = ? AND comment_id = ?", [actor_id, comment_id]
        )
        return rows[0]["id"] if rows else None

    async def find_comment(self, comment_id: CommentId) -> CommentText | None:
        """Return the text of an approved comment, if it and its post exist."""
        rows = await self._database.rows(
            "SELECT c.content, c.mentions, c.edited_at_ms FROM comments c JOIN posts p ON p.id = c.post_id"
            " WHERE c.id = ? AND c.hidden_by_id IS NULL AND c.pending = 0 AND p.deleted_at_ms IS NULL",
            [comment_id],
        )
        return CommentText(rows[0]["content"], _mentioned(rows[0]), rows[0]["edited_at_ms"]) if rows else None

    async def list_notified_of_comment(self, post_id: PostId, comment_id: CommentId) -> dict[UserId, str]:
        """Return who was notified of a comment or mentioned in it, with the type; also if that was retracted."""
        rows = await self._database.rows(
            "SELECT recipient_id, type FROM notifications WHERE post_id = ? AND comment_id = ?"
            " AND type IN ('comment', 'reply', 'mention')",
            [post_id, comment_id],
        )
        return {UserId(row["recipient_id"]): row["type"] for row in rows}

    async def find_caption(self, post_id: PostId) -> Caption | None:
        """Return the caption of a post, if it exists."""
        rows = await self._database.rows(
            "SELECT caption, mentions, edited_at_ms FROM posts WHERE id = ? AND deleted_at_ms IS NULL",
            [post_id],
        )
        if not rows:
            return None
        return Caption(rows[0]["caption"], _mentioned(rows[0]), rows[0]["edited_at_ms"])

    async def list_existing(self, user_ids: Sequence[UserId]) -> list[UserId]:
        """Return the users that still exist, in no particular order."""
        if not user_ids:
            return []
        rows = await self._database.rows(
            f"SELECT id FROM users WHERE id IN ({placeholders(len(user_ids))})", user_ids
        )
        return [UserId(row["id"]) for row in rows]

    async def list_mentioned_in_caption(self, post_id: PostId, mention: str) -> set[UserId]:
        """Return the recipients of notifications of the type `mention` about a post's caption."""
        rows = await self._database.rows(
            "SELECT recipient_id FROM notifications WHERE post_id = ? AND comment_id IS NULL AND type = ?",
            [post_id, mention],
        )
        return {UserId(row["recipient_id"]) for row in rows}

    async def list_tagged(self, post_id: PostId) -> dict[UserId, int]:
        """Return the users that are tagged in a post, which may be hidden, each with the id of the newest tag."""
        rows = await self._database.rows(
            "SELECT user_id, MAX(id) AS tag_id FROM post_tags WHERE post_id = ? AND status <> 'removed'"
            " GROUP BY user_id",
            [post_id],
        )
        return {UserId(row["user_id"]): row["tag_id"] for row in rows}

    async def list_recipients(self, post_id: PostId, type_: str) -> set[UserId]:
        """Return the recipients of notifications of a type about a post, retracted ones included."""
        rows = await self._database.rows(
            "SELECT recipient_id FROM notifications WHERE post_id = ? AND type = ?", [post_id, type_]
        )
        return {UserId(row["recipient_id"]) for row in rows}


def _mentioned(row: Mapping[str, Any]) -> tuple[UserId, ...]:
    return tuple(unpack_mentions(row["mentions"]).values())
