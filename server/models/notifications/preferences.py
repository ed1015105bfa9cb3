"""Table `notification_preferences`: by which ways a person wants to be told of what."""

from tortoise import fields
from tortoise.models import Model


class NotificationPreferenceTable(Model):
    """What differs from the default, which is everything; a row a person and type."""

    id = fields.BigIntField(primary_key=True, generated=False)
    user_id: int
    user = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )
    type = fields.CharField(max_length=16)
    push = fields.SmallIntField(default=1)
    email = fields.SmallIntField(default=1)
    in_app = fields.SmallIntField(default=1)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "notification_preferences"
        unique_together = (("user_id", "type"),)
