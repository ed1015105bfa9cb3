"""Reads notifications with what an e-mail or a push says about them."""

from dataclasses import dataclass

from server.ids import CommentId, NotificationId, PostId, UserId
from server.models.database import Database
from server.models.notifications.visibility import (
    SHOWN_COMMENT,
    UNMUTED_ACTOR,
    VISIBLE_ACTOR,
    VISIBLE_POST,
)

# `h` is listed in place of `n`: a newer like of the same post or comment.
LISTED_INSTEAD = (
    "n.type IN ('like', 'comment_like') AND n.listed = 0 AND n.in_app = 1 AND h.recipient_id = n.recipient_id"
    " AND h.type = n.type AND h.target_id = n.target_id AND h.listed = 1"
)


@dataclass(frozen=True, slots=True)
class DeliverableRow:
    """`others_count` is the listed row's; `comment_text` is None for a notification that is not about a comment."""

    id: NotificationId
    type: str
    recipient_id: UserId
    post_id: PostId | None
    comment_id: CommentId | None
    created_at_ms: int
    others_count: int
    username: str
    full_name: str
    email: str
    actor_id: UserId
    actor_username: str
    comment_text: str | None
    caption: str | None


class DeliverableRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, notification_id: NotificationId, channel_column: str) -> DeliverableRow | None:
        """Return a notification that is still wanted, visible and unread, by a user that the recipient did not mute.

        None for a recipient whose account is not active. It counts as read if the row that is listed in its place was
        read. `channel_column` is the recipient's preference for the channel.
        """
        rows = await self._database.rows(
            "SELECT n.id, n.type, n.recipient_id, n.post_id, n.comment_id, n.created_at_ms,"
            " COALESCE(h.others_count, n.others_count) AS others_count,"
            " r.username, r.full_name, r.email, u.id AS actor_id, u.username AS actor_username,"
            " c.content AS comment_text, p.caption FROM notifications n"
            " JOIN users r ON r.id = n.recipient_id AND r.status = 'active' JOIN users u ON u.id = n.actor_id"
            f" LEFT JOIN posts p ON p.id = n.post_id AND {VISIBLE_POST}"
            f" LEFT JOIN comments c ON c.id = n.comment_id AND c.hidden_by_id IS NULL AND {SHOWN_COMMENT}"
            f" LEFT JOIN notifications h ON {LISTED_INSTEAD}"
            " LEFT JOIN notification_preferences f ON f.user_id = n.recipient_id AND f.type = n.type"
            " WHERE n.id = ? AND n.retracted = 0 AND n.read_at_ms IS NULL AND h.read_at_ms IS NULL"
            " AND (n.post_id IS NULL OR p.id IS NOT NULL) AND (n.comment_id IS NULL OR c.id IS NOT NULL)"
            f" AND {VISIBLE_ACTOR} AND {UNMUTED_ACTOR} AND COALESCE(f.{channel_column}, 1) = 1",
            [notification_id],
        )
        return DeliverableRow(**rows[0]) if rows else None

    async def list_covered_unread(self, notification_id: NotificationId, bit: int) -> list[NotificationId]:
        """Return the unread row listed in place of an unread one, if the channel `bit` covered both of them."""
        rows = await self._database.rows(
            f"SELECT h.id FROM notifications n JOIN notifications h ON {LISTED_INSTEAD}"
            " WHERE n.id = ? AND n.read_at_ms IS NULL AND n.channels & ? AND h.channels & ? AND h.read_at_ms IS NULL",
            [notification_id, bit, bit],
        )
        return [NotificationId(row["id"]) for row in rows]

    async def clear_channel(self, notification_id: NotificationId, bit: int) -> None:
        await self._database.execute(
            "UPDATE notifications SET channels = channels & ? WHERE id = ?", [~bit, notification_id]
        )
