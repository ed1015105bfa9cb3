"""Reads notifications as the list and the live stream show them, and marks them as read."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from server.ids import CommentId, NotificationId, PostId, UserId
from server.models.accounts.user_cards import USER_COLUMNS, UserCardRow
from server.models.conditions import Column
from server.models.database import Database, placeholders, retry_on_deadlock
from server.models.notifications.previews import PREVIEW_COLUMNS, PREVIEW_JOINS, PreviewRow
from server.models.notifications.visibility import RECIPIENT, SHOWN, SHOWN_ACTOR, VISIBLE_ACTOR
from server.models.people.relationships import RelationshipRow, relationship_columns

RELATED = relationship_columns(RECIPIENT, Column("u.id")).sql

ACTOR = f"CASE WHEN {VISIBLE_ACTOR} THEN n.actor_id END"


@dataclass(frozen=True, slots=True)
class NotificationRow:
    id: NotificationId
    recipient_id: UserId
    sequence: int
    type: str
    actor: UserCardRow
    relationship: RelationshipRow
    post_id: PostId | None
    comment_id: CommentId | None
    target_id: int
    others_count: int
    read_at_ms: int | None
    created_at_ms: int
    preview: PreviewRow


@dataclass(frozen=True, slots=True)
class SequenceRange:
    """The notifications of one recipient with a sequence above `after`, up to and including `last`."""

    recipient_id: UserId
    after: int
    last: int


class NotificationListRepository:
    """Reads what a recipient may see, as SHOWN states.

    Rows that are not shown in the app have no sequence, so that no condition on the sequence selects them.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_page(
        self,
        recipient_id: UserId,
        before: int,
        limit: int,
        types: Collection[str] = (),
        *,
        unread: bool = False,
    ) -> list[NotificationRow]:
        """Return listed notifications with a sequence below `before`, newest first; all types if `types` is empty."""
        of_types = f" AND n.type IN ({placeholders(len(types))})" if types else ""
        is_unread = " AND n.read_at_ms IS NULL" if unread else ""
        return await self._list(
            f"n.recipient_id = ? AND n.listed = 1 AND n.sequence < ?{of_types}{is_unread}"
            " ORDER BY n.sequence DESC LIMIT ?",
            [recipient_id, before, *sorted(types), limit],
            SHOWN_ACTOR,
        )

    async def list_after(self, recipient_id: UserId, after: int, limit: int) -> list[NotificationRow]:
        """Return notifications with a sequence above `after`, oldest first."""
        return await self._list(
            "n.recipient_id = ? AND n.sequence > ? ORDER BY n.sequence LIMIT ?", [recipient_id, after, limit]
        )

    async def list_ranges(self, ranges: Sequence[SequenceRange]) -> list[NotificationRow]:
        """Return the notifications of many recipients, in the order of their sequences, in one query."""
        within = " OR ".join(["(n.recipient_id = ? AND n.sequence > ? AND n.sequence <= ?)"] * len(ranges))
        parameters = [value for each in ranges for value in (each.recipient_id, each.after, each.last)]
        return await self._list(f"({within}) ORDER BY n.sequence", parameters)

    async def count_unread(self, recipient_id: UserId, maximum: int) -> int:
        """Return the number of unread listed notifications, counted up to `maximum`."""
        rows = await self._database.rows(
            f"SELECT COUNT(*) AS n FROM (SELECT n.id FROM notifications n WHERE n.recipient_id = ? AND n.listed = 1"
            f" AND n.read_at_ms IS NULL AND {SHOWN} AND {SHOWN_ACTOR} IS NOT NULL LIMIT ?) unread",
            [recipient_id, maximum],
        )
        return rows[0]["n"]

    async def list_listed_ids(
        self, recipient_id: UserId, notification_ids: Sequence[NotificationId]
    ) -> set[NotificationId]:
        """Return the rows under which the recipient's notifications among these ids are listed."""
        rows = await self._database.rows(
            "SELECT COALESCE(h.id, n.id) AS id FROM notifications n LEFT JOIN notifications h ON n.listed = 0 AND"
            " h.recipient_id = n.recipient_id AND h.type = n.type AND h.target_id = n.target_id AND h.listed = 1"
            f" WHERE n.recipient_id = ? AND n.id IN ({placeholders(len(notification_ids))})",
            [recipient_id, *notification_ids],
        )
        return {NotificationId(row["id"]) for row in rows}

    async def list_unread_ids(self, recipient_id: UserId, last: int, limit: int) -> set[NotificationId]:
        """Return unread listed notifications with a sequence up to `last`, oldest first."""
        rows = await self._database.rows(
            "SELECT id FROM notifications WHERE recipient_id = ? AND listed = 1 AND read_at_ms IS NULL"
            " AND sequence <= ? ORDER BY sequence LIMIT ?",
            [recipient_id, last, limit],
        )
        return {NotificationId(row["id"]) for row in rows}

    async def find_sequence(self, recipient_id: UserId, notification_id: NotificationId) -> int | None:
        """Return the sequence, 0 if the notification is not shown in the app, None if it is not the recipient's."""
        rows = await self._database.rows(
            "SELECT COALESCE(sequence, 0) AS sequence FROM notifications WHERE recipient_id = ? AND id = ?",
            [recipient_id, notification_id],
        )
        return rows[0]["sequence"] if rows else None

    async def mark_read(self, notification_ids: Collection[NotificationId], read_at_ms: int) -> int:
        """Mark these as read, except those that are read already; return how many were unread."""
        if not notification_ids:
            return 0
        sql = (
            f"UPDATE notifications SET read_at_ms = ? WHERE id IN ({placeholders(len(notification_ids))})"
            " AND read_at_ms IS NULL"
        )
        parameters = [read_at_ms, *sorted(notification_ids)]
        return await retry_on_deadlock(lambda: self._database.execute(sql, parameters))

    async def list_of_deleted_comments(self, post_id: PostId, limit: int) -> list[NotificationId]:
        """Return notifications about a post's comments that no longer exist, in id order."""
        rows = await self._database.rows(
            "SELECT n.id FROM notifications n WHERE n.post_id = ? AND n.comment_id IS NOT NULL AND NOT EXISTS"
            "(SELECT 1 FROM comments c WHERE c.id = n.comment_id) LIMIT ?",
            [post_id, limit],
        )
        return sorted(NotificationId(row["id"]) for row in rows)

    async def delete(self, notification_ids: Sequence[NotificationId]) -> None:
        sql = f"DELETE FROM notifications WHERE id IN ({placeholders(len(notification_ids))})"
        await retry_on_deadlock(lambda: self._database.execute(sql, notification_ids))

    async def _list(
        self, condition: str, parameters: Sequence[Any], actor: str = ACTOR
    ) -> list[NotificationRow]:
        rows = await self._database.rows(
            "SELECT n.id, n.recipient_id, n.sequence, n.type, n.post_id, n.comment_id, n.target_id, n.others_count,"
            " n.read_at_ms,"
            f" n.created_at_ms, {USER_COLUMNS}, {RELATED}, {PREVIEW_COLUMNS}"
            f" FROM notifications n JOIN users u ON u.id = {actor}{PREVIEW_JOINS}"
            f" WHERE {SHOWN} AND {condition}",
            parameters,
        )
        return [_row(row) for row in rows]


def _row(row: Mapping[str, Any]) -> NotificationRow:
    return NotificationRow(
        id=NotificationId(row["id"]),
        recipient_id=UserId(row["recipient_id"]),
        sequence=row["sequence"],
        type=row["type"],
        actor=UserCardRow.from_row(row),
        relationship=RelationshipRow.from_row(row),
        post_id=row["post_id"],
        comment_id=row["comment_id"],
        target_id=row["target_id"],
        others_count=row["others_count"],
        read_at_ms=row["read_at_ms"],
        created_at_ms=row["created_at_ms"],
        preview=PreviewRow.from_row(row),
    )
