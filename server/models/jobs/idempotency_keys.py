"""Table `idempotency_keys`: which requests with an Idempotency-Key were carried out, and what was answered."""

from tortoise import fields
from tortoise.models import Model


class IdempotencyKeyTable(Model):
    """Inserted in the transaction of the effect, so that one is never there without the other.

    `key_hash` is of who asked, of the route and of the key; `fingerprint` is of the body. `result_id` is the row that
    was made. `answer` comes after the commit, and is missing when the process was killed in between.
    """

    id = fields.BigIntField(primary_key=True, generated=False)
    key_hash = fields.CharField(max_length=64, unique=True)
    fingerprint = fields.CharField(max_length=64)
    result_id = fields.BigIntField()
    answer = fields.TextField(null=True)
    created_at_ms = fields.BigIntField(db_index=True)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "idempotency_keys"
