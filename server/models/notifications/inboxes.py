"""Table `inboxes`: the last notification sequence per recipient, and the jobs reserved for the recipient."""

from collections.abc import Mapping, Sequence

from tortoise import fields
from tortoise.models import Model

from server.ids import UserId
from server.models.database import (
    Database,
    DuplicateKey,
    SerializationFailure,
    placeholders,
    retry_on_deadlock,
)

SKIP_BATCH = 1000


class InboxTable(Model):
    """One row per recipient. Its lock serializes the changes to one recipient's notifications.

    badge_due_at_ms: when the job runs that updates the badges of the recipient's devices; NULL without one.
    email_frequency: an `EmailFrequency`; NULL for the default.
    digest_due_at_ms: when the job of the next digest is inserted; NULL without an entry that waits for one.
    digest_id: the digest whose job is unfinished; NULL without one.
    """

    user = fields.OneToOneField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, primary_key=True
    )
    last_sequence = fields.BigIntField(default=0)
    badge_due_at_ms: fields.Field[int | None] = fields.BigIntField(null=True)
    email_frequency: fields.Field[str | None] = fields.CharField(max_length=12, null=True)
    digest_due_at_ms: fields.Field[int | None] = fields.BigIntField(null=True, db_index=True)
    digest_id: fields.Field[int | None] = fields.BigIntField(null=True)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "inboxes"


class InboxRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def lock(self, recipient_ids: Sequence[UserId]) -> dict[UserId, int]:
        """Lock the inboxes until the commit; return the last sequence of each.

        Missing inboxes are created; users who do not exist are left out. Rows are locked in id order, so that two jobs
        with the same recipients cannot deadlock.
        """
        wanted = sorted(set(recipient_ids))
        rows = await self._database.rows(
            f"SELECT user_id, last_sequence FROM inboxes WHERE user_id IN ({placeholders(len(wanted))})"
            f" ORDER BY user_id{self._database.for_update}",
            wanted,
        )
        locked = {UserId(row["user_id"]): int(row["last_sequence"]) for row in rows}
        for user_id in wanted:
            if user_id not in locked:
                try:
                    created = await self._database.execute(
                        "INSERT INTO inboxes (user_id, last_sequence) SELECT id, 0 FROM users WHERE id = ?",
                        [user_id],
                    )
                except DuplicateKey as error:
                    raise SerializationFailure(
                        "Another worker created this inbox at the same time."
                    ) from error
                if created:
                    locked[user_id] = 0
        return locked

    async def lock_existing(self, recipient_id: UserId) -> None:
        """Lock one inbox until the commit, if it exists."""
        await self._database.rows(
            f"SELECT user_id FROM inboxes WHERE user_id = ?{self._database.for_update}", [recipient_id]
        )

    async def list_last_sequences(self, recipient_ids: Sequence[UserId]) -> Mapping[UserId, int]:
        """Return the last sequence of each recipient who has an inbox."""
        if not recipient_ids:
            return {}
        rows = await self._database.rows(
            f"SELECT user_id, last_sequence FROM inboxes WHERE user_id IN ({placeholders(len(recipient_ids))})",
            recipient_ids,
        )
        return {UserId(row["user_id"]): row["last_sequence"] for row in rows}

    async def reserve_badge(self, recipient_id: UserId, due_at_ms: int, overdue_ms: int) -> bool:
        """Reserve the job that updates badges, unless one is reserved that is less than `overdue_ms` late.

        Return whether the caller has to insert it, in the same transaction.
        """
        changed = await self._database.execute(
            "UPDATE inboxes SET badge_due_at_ms = ? WHERE user_id = ?"
            " AND (badge_due_at_ms IS NULL OR badge_due_at_ms < ?)",
            [due_at_ms, recipient_id, due_at_ms - overdue_ms],
        )
        return changed > 0

    async def release_badge(self, recipient_id: UserId) -> None:
        """Let the next read notification reserve another job."""
        await retry_on_deadlock(
            lambda: self._database.execute(
                "UPDATE inboxes SET badge_due_at_ms = NULL WHERE user_id = ?", [recipient_id]
            )
        )

    async def skip_sequences(self, count: int) -> None:
        """Raise the last sequence of every inbox by `count`, so that no sequence is used twice after a restore."""
        after = 0
        while True:
            rows = await self._database.rows(
                "SELECT user_id FROM inboxes WHERE user_id > ? ORDER BY user_id LIMIT ?", [after, SKIP_BATCH]
            )
            if not rows:
                return
            last = rows[-1]["user_id"]
            await retry_on_deadlock(lambda after=after, last=last: self._skip(count, after, last))
            after = last

    async def _skip(self, count: int, after: int, last: int) -> None:
        await self._database.execute(
            "UPDATE inboxes SET last_sequence = last_sequence + ? WHERE user_id > ? AND user_id <= ?",
            [count, after, last],
        )

    async def set_last_sequence(self, recipient_id: UserId, sequence: int) -> None:
        await self._database.execute(
            "UPDATE inboxes SET last_sequence = ? WHERE user_id = ?", [sequence, recipient_id]
        )
