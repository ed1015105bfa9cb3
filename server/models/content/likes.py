"""Table `likes`: who likes which post, once."""

from tortoise import fields
from tortoise.models import Model


class LikeTable(Model):
    id = fields.BigIntField(primary_key=True, generated=False)
    user_id: int
    user = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )
    post_id: int
    post = fields.ForeignKeyField(
        "models.PostTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "likes"
        unique_together = (("user_id", "post_id"),)
        indexes = (("post_id", "id"),)
