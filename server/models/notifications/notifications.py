"""Tables `notifications` and `inboxes`: what a person is told, and the running number of what they were told."""

from tortoise import fields
from tortoise.models import Model

PUSH, EMAIL = 1, 2


class NotificationTable(Model):
    """The unique key makes a repeated act one notification; `target_id` is the post, the comment or the followee.

    `sequence` is negative for somebody who wants none of this kind in the app: then it is there for the other channels.
    `listed` are those that the list shows: of the likes of one post only the newest, which counts the others. An act
    that was taken back leaves its row, `withdrawn`, so that doing it again is nothing new. `owed` has a bit for each of
    PUSH and EMAIL by which it was sent, or by which a job is to send it. The cause may be deleted
    before anybody looks, so post and comment are plain numbers here.
    """

    id = fields.BigIntField(primary_key=True, generated=False)
    recipient_id: int
    recipient = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )
    sequence = fields.BigIntField()
    type = fields.CharField(max_length=16)
    actor_id: int
    actor = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=True
    )
    target_id = fields.BigIntField()
    post_id = fields.BigIntField(null=True)
    comment_id = fields.BigIntField(null=True)
    listed = fields.SmallIntField(default=1, db_default=1)
    withdrawn = fields.SmallIntField(default=0, db_default=0)
    others_count = fields.IntField(default=0, db_default=0)
    owed = fields.SmallIntField(default=0, db_default=0)
    read_at_ms = fields.BigIntField(null=True)
    created_at_ms = fields.BigIntField()

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "notifications"
        unique_together = (("recipient_id", "type", "actor_id", "target_id"), ("recipient_id", "sequence"))
        indexes = (
            ("recipient_id", "listed", "sequence"),
            ("recipient_id", "listed", "read_at_ms", "sequence"),
            ("recipient_id", "type", "target_id", "listed", "sequence"),
            ("post_id", "comment_id"),
        )


class InboxTable(Model):
    """One row a recipient; its lock puts the notifications of one person into one order."""

    user = fields.OneToOneField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, primary_key=True
    )
    last_sequence = fields.BigIntField(default=0)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "inboxes"
