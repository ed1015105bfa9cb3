"""Table `sessions`: a device that is signed in, and the one refresh token that it may use next."""

from tortoise import fields
from tortoise.models import Model


class SessionTable(Model):
    """Refresh tokens are kept as SHA-256 of their random `jti`; the previous one is kept for the overlap."""

    id = fields.BigIntField(primary_key=True, generated=False)
    user_id: int
    user = fields.ForeignKeyField("models.UserTable", related_name=False, on_delete=fields.CASCADE)
    refresh_hash = fields.CharField(max_length=64)
    previous_hash = fields.CharField(max_length=64, default="")
    rotated_at_ms = fields.BigIntField(default=0)
    user_agent = fields.CharField(max_length=200, default="")
    address = fields.CharField(max_length=45, default="")
    created_at_ms = fields.BigIntField()
    last_used_at_ms = fields.BigIntField()
    expires_at_ms = fields.BigIntField(db_index=True)
    revoked_at_ms = fields.BigIntField(null=True, db_index=True)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "sessions"
        indexes = (("user_id", "id"),)
