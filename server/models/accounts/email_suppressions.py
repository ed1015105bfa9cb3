"""Table `email_suppressions`: addresses that unsubscribed, with the topics of e-mails they no longer get."""

from tortoise import fields
from tortoise.models import Model

from server.models.database import Database


class EmailSuppressionTable(Model):
    """Has no user and only a hash of the address, because a suppression outlives the account."""

    id = fields.BigIntField(primary_key=True, generated=False)
    address_hash = fields.CharField(max_length=32)
    topic = fields.CharField(max_length=16)
    created_at_ms = fields.BigIntField()

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "email_suppressions"
        unique_together = (("address_hash", "topic"),)


class EmailSuppressionRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(self, row_id: int, address_hash: str, topic: str, at_ms: int) -> None:
        """Raise DuplicateKey if the address has unsubscribed from this topic."""
        await EmailSuppressionTable.create(
            id=row_id, address_hash=address_hash, topic=topic, created_at_ms=at_ms
        )

    async def list_topics(self, address_hash: str) -> set[str]:
        """Return the topics that the address has unsubscribed from."""
        rows = await self._database.rows(
            "SELECT topic FROM email_suppressions WHERE address_hash = ?", [address_hash]
        )
        return {row["topic"] for row in rows}

    async def delete(self, address_hash: str) -> None:
        await self._database.execute("DELETE FROM email_suppressions WHERE address_hash = ?", [address_hash])
