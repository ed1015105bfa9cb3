"""Table `follow_requests`: requests to follow private accounts that are not answered yet."""

from typing import ClassVar

from tortoise import fields
from tortoise.models import Model

from server.models.people.pairs import PairRepository


class FollowRequestTable(Model):
    id = fields.BigIntField(primary_key=True, generated=False)
    requester_id: int
    requester = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )
    target_id: int
    target = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "follow_requests"
        unique_together = (("requester_id", "target_id"),)
        indexes = (("target_id", "requester_id"), ("target_id", "id"), ("requester_id", "id"))


class FollowRequestRepository(PairRepository):
    table: ClassVar[str] = "follow_requests"
    subject: ClassVar[str] = "requester_id"
    target: ClassVar[str] = "target_id"
