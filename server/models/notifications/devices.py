"""Table `devices`: where pushes go."""

from tortoise import fields
from tortoise.models import Model


class DeviceTable(Model):
    """A registration token of Firebase Cloud Messaging, which belongs to the session that brought it last.

    The token is unique by its SHA-256: it is longer than an index may be. Where the session has ended, nothing is sent.
    """

    id = fields.BigIntField(primary_key=True, generated=False)
    token_hash = fields.CharField(max_length=64, unique=True)
    token = fields.CharField(max_length=2048)
    platform = fields.CharField(max_length=16)
    user_id: int
    user = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=True
    )
    session_id: int
    session = fields.ForeignKeyField(
        "models.SessionTable", related_name=False, on_delete=fields.CASCADE, db_index=True
    )
    created_at_ms = fields.BigIntField()
    registered_at_ms = fields.BigIntField()

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "devices"
