"""Table `blocks`: one row per user and blocked user."""

from typing import ClassVar

from tortoise import fields
from tortoise.models import Model

from server.models.people.pairs import PairRepository


class BlockTable(Model):
    id = fields.BigIntField(primary_key=True, generated=False)
    blocker_id: int
    blocker = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )
    blocked_id: int
    blocked = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "blocks"
        unique_together = (("blocker_id", "blocked_id"),)
        indexes = (("blocked_id", "blocker_id"), ("blocker_id", "id"))


class BlockRepository(PairRepository):
    table: ClassVar[str] = "blocks"
    subject: ClassVar[str] = "blocker_id"
    target: ClassVar[str] = "blocked_id"
