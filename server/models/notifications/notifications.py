"""Table `notifications`: one row per activity and recipient, and the statements that change it."""

from dataclasses import dataclass

from tortoise import fields
from tortoise.models import Model

from server.ids import CommentId, NotificationId, PostId, UserId
from server.models.database import Database, DuplicateKey, SerializationFailure

# Bits of the column `channels`.
PUSH, EMAIL = 1, 2


class NotificationTable(Model):
    """The unique key makes a repeated activity one notification. `target_id` is a post, a comment or a user.

    in_app: 0 if the recipient did not want this type in the app; the row then serves the other channels only.
    sequence: numbers the recipient's notifications that are shown in the app; NULL for the others.
    listed: 1 if the list shows the row; of the likes of a post or comment only the newest, whose `others_count` counts
        the others.
    retracted: 1 after the activity was undone. The row stays, so that repeating the activity is not news.
    channels: has the bit of each channel (PUSH, EMAIL) that was notified or has a pending job.
    post_id, comment_id: plain numbers, because post and comment may be deleted first.
    """

    id = fields.BigIntField(primary_key=True, generated=False)
    recipient_id: int
    recipient = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )
    sequence = fields.BigIntField(null=True)
    in_app = fields.SmallIntField(default=1, db_default=1)
    type = fields.CharField(max_length=16)
    actor_id: int
    actor = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=True
    )
    target_id = fields.BigIntField()
    post_id = fields.BigIntField(null=True)
    comment_id = fields.BigIntField(null=True)
    listed = fields.SmallIntField(default=1, db_default=1)
    retracted = fields.SmallIntField(default=0, db_default=0)
    others_count = fields.IntField(default=0, db_default=0)
    channels = fields.SmallIntField(default=0, db_default=0)
    read_at_ms = fields.BigIntField(null=True)
    created_at_ms = fields.BigIntField()

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "notifications"
        unique_together = (("recipient_id", "type", "actor_id", "target_id"), ("recipient_id", "sequence"))
        indexes = (
            ("recipient_id", "listed", "sequence"),
            ("recipient_id", "listed", "read_at_ms", "sequence"),
            ("recipient_id", "type", "target_id", "listed", "sequence", "id"),
            ("post_id", "comment_id"),
        )


@dataclass(frozen=True, slots=True)
class NotificationKey:
    """The unique key of a notification."""

    recipient_id: UserId
    type: str
    actor_id: UserId
    target_id: int


@dataclass(frozen=True, slots=True)
class NewNotification:
    """A notification to insert; `sequence` is None if it is not shown in the app."""

    id: NotificationId
    key: NotificationKey
    sequence: int | None
    post_id: PostId | None
    comment_id: CommentId | None
    others_count: int
    channels: int
    created_at_ms: int


class NotificationRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(self, new: NewNotification) -> None:
        """Insert a notification. Raises SerializationFailure if another worker inserted it at the same time."""
        shown = new.sequence is not None
        try:
            await NotificationTable.create(
                id=new.id,
                recipient_id=new.key.recipient_id,
                sequence=new.sequence,
                in_app=int(shown),
                type=new.key.type,
                actor_id=new.key.actor_id,
                target_id=new.key.target_id,
                post_id=new.post_id,
                comment_id=new.comment_id,
                listed=int(shown),
                others_count=new.others_count,
                channels=new.channels,
                created_at_ms=new.created_at_ms,
            )
        except DuplicateKey as error:
            raise SerializationFailure("Another worker stored this notification at the same time.") from error

    async def list_by_actor(
        self, recipient_id: UserId, actor_id: UserId, limit: int
    ) -> list[NotificationKey]:
        """Return the keys of notifications that one user caused for another one and that are not retracted."""
        rows = await self._database.rows(
            "SELECT type, target_id FROM notifications"
            " WHERE recipient_id = ? AND actor_id = ? AND retracted = 0 LIMIT ?",
            [recipient_id, actor_id, limit],
        )
        return [NotificationKey(recipient_id, row["type"], actor_id, row["target_id"]) for row in rows]

    async def set_listed(
        self, notification_id: NotificationId, *, listed: bool, others_count: int, retracted: bool = False
    ) -> None:
        await self._database.execute(
            "UPDATE notifications SET retracted = ?, listed = ?, others_count = ? WHERE id = ?",
            [int(retracted), int(listed), others_count, notification_id],
        )

    async def replace_listed(
        self, notification_id: NotificationId, others_count: int, read_at_ms: int | None
    ) -> None:
        """List a notification in place of another one that was read at `read_at_ms`, if at all."""
        await self._database.execute(
            "UPDATE notifications SET listed = 1, others_count = ?, read_at_ms = COALESCE(read_at_ms, ?) WHERE id = ?",
            [others_count, read_at_ms, notification_id],
        )

    async def set_channels(self, notification_id: NotificationId, channels: int) -> None:
        await self._database.execute(
            "UPDATE notifications SET channels = ? WHERE id = ?", [channels, notification_id]
        )

    async def find_newest_unlisted(self, key: NotificationKey) -> NotificationId | None:
        """Return the newest notification of the group that is shown in the app, not listed and not retracted."""
        rows = await self._database.rows(
            "SELECT id FROM notifications WHERE recipient_id = ? AND type = ? AND target_id = ? AND listed = 0"
            " AND in_app = 1 AND retracted = 0 ORDER BY sequence DESC LIMIT 1",
            [key.recipient_id, key.type, key.target_id],
        )
        return NotificationId(rows[0]["id"]) if rows else None

    async def find_newest_hidden_channels(self, key: NotificationKey, since_ms: int) -> int:
        """Return the channels of the group's newest notification that is not shown in the app.

        0 if there is none, or if its activity happened at or before `since_ms`.
        """
        rows = await self._database.rows(
            "SELECT channels, created_at_ms FROM notifications WHERE recipient_id = ? AND type = ? AND target_id = ?"
            " AND listed = 0 AND sequence IS NULL ORDER BY id DESC LIMIT 1",
            [key.recipient_id, key.type, key.target_id],
        )
        return rows[0]["channels"] if rows and rows[0]["created_at_ms"] > since_ms else 0
