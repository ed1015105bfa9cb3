"""Table `password_resets`: tokens that were mailed to people who forgot their password, as SHA-256."""

from tortoise import fields
from tortoise.models import Model


class PasswordResetTable(Model):
    """Deleted when it is used, with all others of the same user."""

    id = fields.BigIntField(primary_key=True, generated=False)
    user_id: int
    user = fields.ForeignKeyField("models.UserTable", related_name=False, on_delete=fields.CASCADE)
    token_hash = fields.CharField(max_length=64, unique=True)
    expires_at_ms = fields.BigIntField(db_index=True)
    created_at_ms = fields.BigIntField()

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "password_resets"
