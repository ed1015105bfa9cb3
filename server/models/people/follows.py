"""Table `follows`: one row per follower and followee."""

from collections.abc import Mapping
from typing import ClassVar

from tortoise import fields
from tortoise.models import Model

from server.models.people.pairs import PairRepository


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
        # A fan-out pages through an author's followers by (followee_id, follower_id).
        indexes = (("followee_id", "follower_id"), ("followee_id", "id"), ("follower_id", "id"))


class FollowRepository(PairRepository):
    """The subject of a pair is the follower, the target the followee."""

    table: ClassVar[str] = "follows"
    subject: ClassVar[str] = "follower_id"
    target: ClassVar[str] = "followee_id"
    # MariaDB reads all followers by (followee_id, follower_id) and sorts them.
    list_indexes: ClassVar[Mapping[str, str]] = {
        "follower_id": "idx_follows_followe_4f0477",
        "followee_id": "idx_follows_followe_1e4087",
    }
