"""Table `users`: accounts and their public profile, with counters kept by the services that change them."""

from tortoise import fields
from tortoise.models import Model


class UserTable(Model):
    """`*_key` columns hold the normalised form (NFKC, casefolded) by which names and addresses are unique.

    `revision` increases with every change of what a card shows. While `fan_out_on_read` is 1, new posts are not
    written to followers' feeds; readers merge them in from the author's own list.
    """

    id = fields.BigIntField(primary_key=True, generated=False)
    username = fields.CharField(max_length=30)
    username_key = fields.CharField(max_length=60, unique=True)
    email = fields.CharField(max_length=254)
    email_key = fields.CharField(max_length=254, unique=True)
    password_hash = fields.CharField(max_length=72)
    password_changed_at_ms = fields.BigIntField()
    full_name = fields.CharField(max_length=100, default="")
    bio = fields.CharField(max_length=500, default="")
    website = fields.CharField(max_length=200, default="")
    avatar_key = fields.CharField(max_length=120, default="")
    role = fields.CharField(max_length=16, default="user")
    posts_count = fields.IntField(default=0)
    followers_count = fields.IntField(default=0)
    following_count = fields.IntField(default=0)
    created_at_ms = fields.BigIntField()
    revision = fields.IntField(default=0, db_default=0)
    fan_out_on_read = fields.SmallIntField(default=0, db_default=0)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "users"
        # By avatar_key the sweep of the media store asks which of its folders belong to a row.
        indexes = (("avatar_key",), ("fan_out_on_read", "id"))
