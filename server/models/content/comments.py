"""Table `comments`: what people wrote under a post; a reply names its parent."""

from tortoise import fields
from tortoise.models import Model


class CommentTable(Model):
    id = fields.BigIntField(primary_key=True, generated=False)
    post_id: int
    post = fields.ForeignKeyField(
        "models.PostTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )
    author_id: int
    author = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=True
    )
    parent_id: fields.Field[int | None] = fields.BigIntField(null=True)
    content = fields.TextField()
    replies_count = fields.IntField(default=0)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "comments"
        indexes = (("post_id", "parent_id", "id"),)
