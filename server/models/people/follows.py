"""Table `follows`: who follows whom, once."""

from tortoise import fields
from tortoise.models import Model


class FollowTable(Model):
    id = fields.BigIntField(primary_key=True, generated=False)
    follower_id: int
    follower = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )
    followee_id: int
    followee = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "follows"
        unique_together = (("follower_id", "followee_id"),)
        # By follower id: the keyset in which a fan-out walks through the followers of an author.
        indexes = (("followee_id", "follower_id"), ("followee_id", "id"), ("follower_id", "id"))
