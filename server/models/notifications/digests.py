"""Table `digest_entries`, and when the digest of an inbox is due: what the next e-mail to a user sums up."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from tortoise import fields
from tortoise.models import Model

from server.ids import NotificationId, UserId
from server.models.database import Database, placeholders, retry_on_deadlock


class EmailFrequency(StrEnum):
    """Frequency of the e-mails about notifications; HOURLY and DAILY ones sum them up."""

    IMMEDIATELY = "immediately"
    HOURLY = "hourly"
    DAILY = "daily"
    NEVER = "never"


DEFAULT_EMAIL_FREQUENCY = EmailFrequency.DAILY


class DigestEntryTable(Model):
    """One row per notification that waits for the digest of its recipient; of a group only the oldest.

    notification_id: a plain number, because the row is inserted before the notification, which may be deleted first.
    """

    notification_id = fields.BigIntField(primary_key=True, generated=False)
    user_id: int
    user = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=True
    )

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "digest_entries"


@dataclass(frozen=True, slots=True)
class DigestState:
    """Frequency of a user's e-mails, and the digest whose job is unfinished, if any."""

    frequency: EmailFrequency
    digest_id: int | None


class DigestRepository:
    """`lock` of the user's inbox precedes every change of its entries."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_state(self, user_id: UserId) -> DigestState | None:
        """Return None for a user without an inbox."""
        rows = await self._database.rows(
            "SELECT email_frequency, digest_id FROM inboxes WHERE user_id = ?", [user_id]
        )
        return DigestState(frequency_of(rows[0]["email_frequency"]), rows[0]["digest_id"]) if rows else None

    async def set_frequency(self, user_id: UserId, frequency: EmailFrequency, due_at_ms: int | None) -> None:
        """Set the frequency, and move the digest that is due; None: there is none any more."""
        await self._database.execute(
            "UPDATE inboxes SET email_frequency = ?,"
            " digest_due_at_ms = CASE WHEN digest_due_at_ms IS NULL THEN NULL ELSE ? END WHERE user_id = ?",
            [frequency, due_at_ms, user_id],
        )

    async def count_entries(self, user_id: UserId, limit: int) -> int:
        """Return the number of entries, at most `limit`."""
        rows = await self._database.rows(
            "SELECT COUNT(*) AS entries FROM (SELECT 1 AS entry FROM digest_entries WHERE user_id = ? LIMIT ?) e",
            [user_id, limit],
        )
        return rows[0]["entries"]

    async def find_group_entry(self, user_id: UserId, type_: str, target_id: int) -> NotificationId | None:
        """Return the entry that stands for a group of notifications that are shown in the app."""
        rows = await self._database.rows(
            "SELECT n.id FROM digest_entries e JOIN notifications n ON n.id = e.notification_id"
            " WHERE e.user_id = ? AND n.type = ? AND n.target_id = ? AND n.in_app = 1 LIMIT 1",
            [user_id, type_, target_id],
        )
        return NotificationId(rows[0]["id"]) if rows else None

    async def insert_entry(self, user_id: UserId, notification_id: NotificationId) -> None:
        """Insert an entry, unless there is one."""
        ignore = "IGNORE" if self._database.dialect == "mysql" else "OR IGNORE"
        await self._database.execute(
            f"INSERT {ignore} INTO digest_entries (notification_id, user_id) VALUES (?, ?)",
            [notification_id, user_id],
        )

    async def reserve(self, user_id: UserId, due_at_ms: int, lost_before_id: int) -> None:
        """Make the next digest due, unless one is, or its job is unfinished.

        The job of a digest with an id below `lost_before_id` counts as lost: an operator deleted it.
        """
        await self._database.execute(
            "UPDATE inboxes SET digest_due_at_ms = ? WHERE user_id = ? AND digest_due_at_ms IS NULL"
            " AND (digest_id IS NULL OR digest_id < ?)",
            [due_at_ms, user_id, lost_before_id],
        )

    async def list_due(self, limit: int) -> list[UserId]:
        """Return users whose digest is due, in database time, the longest due first."""
        rows = await self._database.rows(
            f"SELECT user_id FROM inboxes WHERE digest_due_at_ms <= {self._database.now_ms}"
            " ORDER BY digest_due_at_ms LIMIT ?",
            [limit],
        )
        return [UserId(row["user_id"]) for row in rows]

    async def begin(self, user_id: UserId, digest_id: int) -> bool:
        """Assign an id to the digest that is due; return whether there is one. Locks the inbox."""
        return bool(
            await self._database.execute(
                "UPDATE inboxes SET digest_id = ?, digest_due_at_ms = NULL"
                f" WHERE user_id = ? AND digest_due_at_ms <= {self._database.now_ms}",
                [digest_id, user_id],
            )
        )

    async def end(self, user_id: UserId, digest_id: int) -> bool:
        """Mark the job of a digest as finished; return False if another digest has taken its place."""
        return bool(
            await self._database.execute(
                "UPDATE inboxes SET digest_id = NULL WHERE user_id = ? AND digest_id = ?",
                [user_id, digest_id],
            )
        )

    async def list_entries(self, user_id: UserId, limit: int) -> list[NotificationId]:
        """Return the entries of the next digest, oldest first."""
        rows = await self._database.rows(
            "SELECT notification_id FROM digest_entries WHERE user_id = ? ORDER BY notification_id LIMIT ?",
            [user_id, limit],
        )
        return [NotificationId(row["notification_id"]) for row in rows]

    async def delete_entries(self, notification_ids: Sequence[NotificationId]) -> None:
        if notification_ids:
            ids = sorted(notification_ids)
            await self._database.execute(
                f"DELETE FROM digest_entries WHERE notification_id IN ({placeholders(len(ids))})", ids
            )

    async def delete_all(self, user_id: UserId) -> None:
        await self._database.execute("DELETE FROM digest_entries WHERE user_id = ?", [user_id])

    async def delete_older(self, before_id: int) -> None:
        """Delete the entries of notifications with an id below `before_id`."""
        await retry_on_deadlock(
            lambda: self._database.execute(
                "DELETE FROM digest_entries WHERE notification_id < ?", [before_id]
            )
        )

    async def clear_email(self, notification_ids: Sequence[NotificationId], bit: int) -> None:
        """Clear the channel `bit` of notifications that were not e-mailed."""
        if notification_ids:
            await self._database.execute(
                "UPDATE notifications SET channels = channels & ?"
                f" WHERE id IN ({placeholders(len(notification_ids))})",
                [~bit, *sorted(notification_ids)],
            )


def frequency_of(value: str | None) -> EmailFrequency:
    """Return the frequency that a value of the column `email_frequency` stands for."""
    return DEFAULT_EMAIL_FREQUENCY if value is None else EmailFrequency(value)
