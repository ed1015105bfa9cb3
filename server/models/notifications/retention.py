"""Statements that delete old notifications and keep the counts of grouped ones correct."""

from collections.abc import Sequence
from dataclasses import dataclass

from server.models.batch_delete import DELETE_BATCH, delete_rows
from server.models.database import Database, placeholders


@dataclass(frozen=True, slots=True)
class NotificationGroup:
    """Notifications that are listed as one, such as the likes of a post."""

    recipient_id: int
    type: str
    target_id: int


class NotificationRetentionRepository:
    """Deletes old notifications."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_older(self, before_id: int) -> list[int]:
        """Return a batch of notification ids below `before_id`, oldest first."""
        rows = await self._database.rows(
            f"SELECT id FROM notifications WHERE id < ? ORDER BY id LIMIT {DELETE_BATCH}", [before_id]
        )
        return [row["id"] for row in rows]

    async def list_groups(self, notification_ids: Sequence[int]) -> list[NotificationGroup]:
        """Return the groups that count any of these notifications."""
        rows = await self._database.rows(
            "SELECT DISTINCT recipient_id, type, target_id FROM notifications WHERE listed = 0 AND in_app = 1"
            f" AND retracted = 0 AND id IN ({placeholders(len(notification_ids))})",
            notification_ids,
        )
        return [NotificationGroup(**row) for row in rows]

    async def delete(self, notification_ids: Sequence[int]) -> int:
        """Delete notifications. Return how many."""
        return await delete_rows(self._database, "notifications", notification_ids)

    async def recount(self, group: NotificationGroup) -> None:
        """Update the count of a group; call inside a transaction, which locks the recipient's inbox."""
        same = "recipient_id = ? AND type = ? AND target_id = ?"
        key = [group.recipient_id, group.type, group.target_id]
        await self._database.rows(
            f"SELECT user_id FROM inboxes WHERE user_id = ?{self._database.for_update}", [group.recipient_id]
        )
        rows = await self._database.rows(
            f"SELECT COUNT(*) AS others FROM notifications WHERE {same} AND listed = 0 AND in_app = 1"
            " AND retracted = 0",
            key,
        )
        await self._database.execute(
            f"UPDATE notifications SET others_count = ? WHERE {same} AND listed = 1",
            [rows[0]["others"], *key],
        )
