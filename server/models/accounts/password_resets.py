"""Table `password_resets`: SHA-256 hashes of the tokens that reset e-mails contain."""

from dataclasses import asdict, dataclass

from tortoise import fields
from tortoise.models import Model

from server.ids import UserId
from server.models.batch_delete import DELETE_BATCH, delete_in_batches
from server.models.database import Database


class PasswordResetTable(Model):
    """Using one token deletes all tokens of the user."""

    id = fields.BigIntField(primary_key=True, generated=False)
    user_id: int
    user = fields.ForeignKeyField("models.UserTable", related_name=False, on_delete=fields.CASCADE)
    token_hash = fields.CharField(max_length=64, unique=True)
    expires_at_ms = fields.BigIntField(db_index=True)
    created_at_ms = fields.BigIntField()

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "password_resets"


@dataclass(frozen=True, slots=True)
class PasswordResetRow:
    id: int
    user_id: UserId
    token_hash: str
    created_at_ms: int
    expires_at_ms: int


class PasswordResetRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(self, reset: PasswordResetRow) -> None:
        await PasswordResetTable.create(**asdict(reset))

    async def find_user_id(self, token_hash: str) -> UserId | None:
        """Return the user of an unexpired token."""
        rows = await self._database.rows(
            f"SELECT user_id FROM password_resets WHERE token_hash = ? AND expires_at_ms > {self._database.now_ms}",
            [token_hash],
        )
        return UserId(rows[0]["user_id"]) if rows else None

    async def delete_by_user(self, user_id: UserId) -> None:
        await self._database.execute("DELETE FROM password_resets WHERE user_id = ?", [user_id])

    async def delete_expired(self) -> int:
        """Delete expired tokens. Return how many."""
        select = (
            f"SELECT id FROM password_resets WHERE expires_at_ms < {self._database.now_ms}"
            f" ORDER BY expires_at_ms LIMIT {DELETE_BATCH}"
        )
        return await delete_in_batches(self._database, "password_resets", select)
