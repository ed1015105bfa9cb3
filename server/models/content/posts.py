"""Tables `posts` and `post_images`: what was published, and its pictures in their order."""

from tortoise import fields
from tortoise.models import Model


class PostTable(Model):
    """A deleted post is hidden at once by `deleted_at_ms`, and taken apart later, in pieces.

    `revision` grows with every change of what is shown of it, counters included: caches tell by it which is newer.
    """

    id = fields.BigIntField(primary_key=True, generated=False)
    author_id: int
    author = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )
    caption = fields.TextField()
    likes_count = fields.IntField(default=0)
    comments_count = fields.IntField(default=0)
    edited_at_ms = fields.BigIntField(null=True)
    revision = fields.IntField(default=0, db_default=0)
    deleted_at_ms = fields.BigIntField(null=True)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "posts"
        indexes = (("author_id", "id"),)


class PostImageTable(Model):
    """`media_key` is the folder of its renditions in the media store."""

    id = fields.BigIntField(primary_key=True, generated=False)
    post_id: int
    post = fields.ForeignKeyField(
        "models.PostTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )
    position = fields.SmallIntField()
    media_key = fields.CharField(max_length=100)
    width = fields.IntField()
    height = fields.IntField()
    blurhash = fields.CharField(max_length=64)
    alt_text = fields.CharField(max_length=1000, default="")
    variants = fields.TextField()

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "post_images"
        unique_together = (("post_id", "position"),)
        indexes = (("media_key",),)  # the sweep of the media store asks which of its folders belong to a row
