"""Table `dismissed_suggestions`: one row per user and suggested user that the user does not want to see again."""

from typing import ClassVar

from tortoise import fields
from tortoise.models import Model

from server.models.people.pairs import PairRepository


class DismissedSuggestionTable(Model):
    id = fields.BigIntField(primary_key=True, generated=False)
    user_id: int
    user = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )
    dismissed_id: int
    dismissed = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "dismissed_suggestions"
        unique_together = (("user_id", "dismissed_id"),)
        indexes = (("dismissed_id", "user_id"), ("user_id", "id"))


class DismissedSuggestionRepository(PairRepository):
    table: ClassVar[str] = "dismissed_suggestions"
    subject: ClassVar[str] = "user_id"
    target: ClassVar[str] = "dismissed_id"
