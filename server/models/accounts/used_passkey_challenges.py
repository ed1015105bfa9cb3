"""Table `used_passkey_challenges`: hashes of challenges that were used, until they expire."""

from tortoise import fields
from tortoise.models import Model

from server.models.batch_delete import DELETE_BATCH, delete_in_batches
from server.models.database import Database


class UsedPasskeyChallengeTable(Model):
    """In the database, because a challenge must not be accepted again after Redis lost its data."""

    id = fields.BigIntField(primary_key=True, generated=False)
    challenge_hash = fields.CharField(max_length=64, unique=True)
    expires_at_ms = fields.BigIntField(db_index=True)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "used_passkey_challenges"


class UsedPasskeyChallengeRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(self, row_id: int, challenge_hash: str, expires_at_ms: int) -> None:
        """Raise DuplicateKey if the challenge was used before."""
        await UsedPasskeyChallengeTable.create(
            id=row_id, challenge_hash=challenge_hash, expires_at_ms=expires_at_ms
        )

    async def delete_expired(self) -> int:
        """Delete challenges that have expired. Return how many."""
        select = (
            f"SELECT id FROM used_passkey_challenges WHERE expires_at_ms < {self._database.now_ms}"
            f" ORDER BY expires_at_ms LIMIT {DELETE_BATCH}"
        )
        return await delete_in_batches(self._database, "used_passkey_challenges", select)
