"""Table `recovery_codes`: keyed hashes of unused codes that replace a code of the authenticator app."""

from collections.abc import Sequence

from tortoise import fields
from tortoise.models import Model

from server.ids import UserId
from server.models.database import Database, placeholders


class RecoveryCodeTable(Model):
    id = fields.BigIntField(primary_key=True, generated=False)
    user_id: int
    user = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )
    code_hash = fields.CharField(max_length=64)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "recovery_codes"
        unique_together = (("user_id", "code_hash"),)


class RecoveryCodeRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def replace(self, user_id: UserId, codes: Sequence[tuple[int, str]]) -> None:
        """Replace the user's codes by others, each an id and a hash."""
        await self.delete_by_user(user_id)
        values = [value for row_id, code_hash in codes for value in (row_id, user_id, code_hash)]
        await self._database.execute(
            "INSERT INTO recovery_codes (id, user_id, code_hash) VALUES "
            + ", ".join(f"({placeholders(3)})" for _ in codes),
            values,
        )

    async def count(self, user_id: UserId) -> int:
        rows = await self._database.rows(
            "SELECT COUNT(*) AS n FROM recovery_codes WHERE user_id = ?", [user_id]
        )
        return rows[0]["n"]

    async def delete(self, user_id: UserId, code_hash: str) -> bool:
        """Return whether the user had this code; of several concurrent calls one returns True."""
        return bool(
            await self._database.execute(
                "DELETE FROM recovery_codes WHERE user_id = ? AND code_hash = ?", [user_id, code_hash]
            )
        )

    async def delete_by_user(self, user_id: UserId) -> None:
        await self._database.execute("DELETE FROM recovery_codes WHERE user_id = ?", [user_id])
