"""Tables `notifications` and `inboxes`: what a person is told, and the running number of what they were told."""

from tortoise import fields
from tortoise.models import Model


class Notification(Model):
    """The unique key makes a repeated act one notification; `target_id` is the post, the comment or the followee.

    The cause may be deleted before anybody looks, so post and comment are plain numbers here.
    """

    id = fields.BigIntField(primary_key=True, generated=False)
    recipient_id: int
    recipient = fields.ForeignKeyField(
        "models.User", related_name=False, on_delete=fields.CASCADE, db_index=False
    )
    sequence = fields.BigIntField()
    type = fields.CharField(max_length=16)
    actor_id: int
    actor = fields.ForeignKeyField("models.User", related_name=False, on_delete=fields.CASCADE, db_index=True)
    target_id = fields.BigIntField()
    post_id = fields.BigIntField(null=True)
    comment_id = fields.BigIntField(null=True)
    read_at_ms = fields.BigIntField(null=True)
    created_at_ms = fields.BigIntField()

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "notifications"
        unique_together = (("recipient_id", "type", "actor_id", "target_id"), ("recipient_id", "sequence"))


class Inbox(Model):
    """One row a recipient; its lock puts the notifications of one person into one order."""

    user = fields.OneToOneField("models.User", related_name=False, on_delete=fields.CASCADE, primary_key=True)
    last_sequence = fields.BigIntField(default=0)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "inboxes"
