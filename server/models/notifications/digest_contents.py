"""Reads what a digest says about the notifications that wait for it."""

from collections.abc import Sequence
from dataclasses import dataclass

from server.ids import CommentId, NotificationId, PostId, UserId
from server.models.database import Database, placeholders
from server.models.notifications.deliverables import LISTED_INSTEAD
from server.models.notifications.visibility import (
    SHOWN_COMMENT,
    UNMUTED_ACTOR,
    VISIBLE_ACTOR,
    VISIBLE_POST,
)


@dataclass(frozen=True, slots=True)
class DigestRow:
    """An entry that the recipient may see. `shown` is false if its activity was undone or its actor is hidden.

    `grouped`: the row stands for a group, of which others may be shown even so.
    """

    id: NotificationId
    type: str
    target_id: int
    sequence: int | None
    grouped: bool
    shown: bool
    actor_id: UserId
    actor: str
    post_id: PostId | None
    comment_id: CommentId | None
    text: str


@dataclass(frozen=True, slots=True)
class DigestPerson:
    id: UserId
    username: str


@dataclass(frozen=True, slots=True)
class DigestRecipient:
    username: str
    name: str
    email: str


class DigestContentRepository:
    """Reads by the same rules as the e-mail about one notification, at the time of the call."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_recipient(self, user_id: UserId) -> DigestRecipient | None:
        """Return None for a user whose account is not active."""
        rows = await self._database.rows(
            "SELECT username, full_name, email FROM users WHERE id = ? AND status = 'active'", [user_id]
        )
        if not rows:
            return None
        row = rows[0]
        return DigestRecipient(row["username"], row["full_name"] or row["username"], row["email"])

    async def list_rows(self, user_id: UserId, entries: Sequence[NotificationId]) -> list[DigestRow]:
        """Return the entries that are unread, of a type that is e-mailed, and about what the user may see.

        The newest comes first. A group counts as read if the row that is listed in its place was read.
        """
        if not entries:
            return []
        rows = await self._database.rows(
            "SELECT n.id, n.type, n.target_id, n.sequence, n.actor_id, u.username AS actor, n.post_id, n.comment_id,"
            " n.type IN ('like', 'comment_like') AND n.in_app = 1 AS grouped,"
            f" (n.retracted = 0 AND {VISIBLE_ACTOR} AND {UNMUTED_ACTOR}) AS shown,"
            " CASE WHEN n.comment_id IS NOT NULL THEN c.content WHEN n.type = 'mention' THEN p.caption END AS text"
            " FROM notifications n JOIN users u ON u.id = n.actor_id"
            f" LEFT JOIN posts p ON p.id = n.post_id AND {VISIBLE_POST}"
            f" LEFT JOIN comments c ON c.id = n.comment_id AND c.hidden_by_id IS NULL AND {SHOWN_COMMENT}"
            f" LEFT JOIN notifications h ON {LISTED_INSTEAD}"
            " LEFT JOIN notification_preferences f ON f.user_id = n.recipient_id AND f.type = n.type"
            f" WHERE n.id IN ({placeholders(len(entries))}) AND n.recipient_id = ?"
            " AND n.read_at_ms IS NULL AND h.read_at_ms IS NULL"
            " AND (n.post_id IS NULL OR p.id IS NOT NULL) AND (n.comment_id IS NULL OR c.id IS NOT NULL)"
            " AND COALESCE(f.email, 1) = 1 ORDER BY n.id DESC",
            [*entries, user_id],
        )
        return [
            DigestRow(
                id=row["id"],
                type=row["type"],
                target_id=row["target_id"],
                sequence=row["sequence"],
                grouped=bool(row["grouped"]),
                shown=bool(row["shown"]),
                actor_id=row["actor_id"],
                actor=row["actor"],
                post_id=row["post_id"],
                comment_id=row["comment_id"],
                text=row["text"] or "",
            )
            for row in rows
        ]

    async def list_people(self, user_id: UserId, row: DigestRow, limit: int) -> list[DigestPerson]:
        """Return the users in a group since its entry `row`, the newest first, without those that the user muted."""
        rows = await self._database.rows(
            "SELECT n.actor_id AS id, u.username FROM notifications n JOIN users u ON u.id = n.actor_id"
            " WHERE n.recipient_id = ? AND n.type = ? AND n.target_id = ? AND n.listed IN (0, 1)"
            " AND n.sequence >= ? AND n.in_app = 1 AND n.retracted = 0"
            f" AND {VISIBLE_ACTOR} AND {UNMUTED_ACTOR}"
            " ORDER BY n.sequence DESC LIMIT ?",
            [user_id, row.type, row.target_id, row.sequence, limit],
        )
        return [DigestPerson(**each) for each in rows]
