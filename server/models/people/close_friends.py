"""Table `close_friends`: one row per user and close friend, who sees the user's posts for close friends."""

from typing import ClassVar

from tortoise import fields
from tortoise.models import Model

from server.models.people.pairs import PairRepository


class CloseFriendTable(Model):
    id = fields.BigIntField(primary_key=True, generated=False)
    owner_id: int
    owner = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )
    friend_id: int
    friend = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "close_friends"
        unique_together = (("owner_id", "friend_id"),)
        indexes = (("friend_id", "owner_id"), ("owner_id", "id"))


class CloseFriendRepository(PairRepository):
    table: ClassVar[str] = "close_friends"
    subject: ClassVar[str] = "owner_id"
    target: ClassVar[str] = "friend_id"
