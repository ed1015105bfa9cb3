"""Table `idempotency_keys`: completed requests that had an Idempotency-Key, and their responses."""

from dataclasses import dataclass

from tortoise import fields
from tortoise.models import Model

from server.models.batch_delete import DELETE_BATCH, delete_in_batches
from server.models.database import Database


class IdempotencyKeyTable(Model):
    """Inserted in the transaction of the effect, so neither exists without the other.

    `key_hash` identifies the client, the route and the key; `fingerprint` covers the content. `result_id` is the row
    that was created. `answer` is saved after the commit, so it is missing if the process was killed in between.
    """

    id = fields.BigIntField(primary_key=True, generated=False)
    key_hash = fields.CharField(max_length=64, unique=True)
    fingerprint = fields.CharField(max_length=64)
    result_id = fields.BigIntField()
    answer = fields.TextField(null=True)
    created_at_ms = fields.BigIntField(db_index=True)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "idempotency_keys"


@dataclass(frozen=True, slots=True)
class IdempotencyKeyRow:
    """A completed request; `response` is JSON text, or None if it was not saved."""

    fingerprint: str
    result_id: int
    response: str | None


class IdempotencyKeyRepository:
    """Saves and finds completed requests."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(
        self, row_id: int, key_hash: str, fingerprint: str, result_id: int, created_at_ms: int
    ) -> None:
        """Insert a request. Raises DuplicateKey, after waiting for a transaction that inserts the same key."""
        await IdempotencyKeyTable.create(
            id=row_id,
            key_hash=key_hash,
            fingerprint=fingerprint,
            result_id=result_id,
            created_at_ms=created_at_ms,
        )

    async def find(self, key_hash: str) -> IdempotencyKeyRow | None:
        """Return the request with this key."""
        row = await IdempotencyKeyTable.get_or_none(key_hash=key_hash)
        return row and IdempotencyKeyRow(row.fingerprint, row.result_id, row.answer)

    async def save_response(self, key_hash: str, response: str) -> None:
        """Save the response to a completed request."""
        await IdempotencyKeyTable.filter(key_hash=key_hash).update(answer=response)

    async def delete_older(self, age_ms: int) -> int:
        """Delete the keys older than `age_ms`. Return how many."""
        select = (
            f"SELECT id FROM idempotency_keys WHERE created_at_ms < {self._database.now_ms} - ?"
            f" ORDER BY created_at_ms LIMIT {DELETE_BATCH}"
        )
        return await delete_in_batches(self._database, "idempotency_keys", select, [age_ms])
