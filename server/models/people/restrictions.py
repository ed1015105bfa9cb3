"""Table `restrictions`: one row per user and restricted user, whose comments the user has to approve."""

from typing import ClassVar

from tortoise import fields
from tortoise.models import Model

from server.models.people.pairs import PairRepository


class RestrictionTable(Model):
    id = fields.BigIntField(primary_key=True, generated=False)
    owner_id: int
    owner = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )
    restricted_id: int
    restricted = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "restrictions"
        unique_together = (("owner_id", "restricted_id"),)
        indexes = (("restricted_id", "owner_id"), ("owner_id", "id"))


class RestrictionRepository(PairRepository):
    table: ClassVar[str] = "restrictions"
    subject: ClassVar[str] = "owner_id"
    target: ClassVar[str] = "restricted_id"
