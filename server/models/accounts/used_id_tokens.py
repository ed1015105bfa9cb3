"""Table `used_id_tokens`: hashes of ID tokens that were used, until they expire."""

from tortoise import fields
from tortoise.models import Model

from server.models.batch_delete import DELETE_BATCH, delete_in_batches
from server.models.database import Database


class UsedIdTokenTable(Model):
    """In the database, because a token must not be accepted again after Redis lost its data."""

    id = fields.BigIntField(primary_key=True, generated=False)
    token_hash = fields.CharField(max_length=64, unique=True)
    expires_at_ms = fields.BigIntField(db_index=True)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "used_id_tokens"


class UsedIdTokenRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(self, row_id: int, token_hash: str, expires_at_ms: int) -> None:
        """Raise DuplicateKey if the token was used before."""
        await UsedIdTokenTable.create(id=row_id, token_hash=token_hash, expires_at_ms=expires_at_ms)

    async def exists(self, token_hash: str) -> bool:
        return await UsedIdTokenTable.filter(token_hash=token_hash).exists()

    async def delete_expired(self) -> int:
        """Delete tokens that have expired. Return how many."""
        select = (
            f"SELECT id FROM used_id_tokens WHERE expires_at_ms < {self._database.now_ms}"
            f" ORDER BY expires_at_ms LIMIT {DELETE_BATCH}"
        )
        return await delete_in_batches(self._database, "used_id_tokens", select)
