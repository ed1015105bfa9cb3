"""Table `mutes`: one row per user and muted user."""

from typing import ClassVar

from tortoise import fields
from tortoise.models import Model

from server.models.people.pairs import PairRepository


class MuteTable(Model):
    id = fields.BigIntField(primary_key=True, generated=False)
    muter_id: int
    muter = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )
    muted_id: int
    muted = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "mutes"
        unique_together = (("muter_id", "muted_id"),)
        indexes = (("muted_id", "muter_id"), ("muter_id", "id"))


class MuteRepository(PairRepository):
    table: ClassVar[str] = "mutes"
    subject: ClassVar[str] = "muter_id"
    target: ClassVar[str] = "muted_id"
