"""Table `queues`: whether an operator paused a queue. A queue without a row runs."""

from tortoise import fields
from tortoise.models import Model

from server.models.database import Database, DuplicateKey, retry_on_deadlock


class QueueStateTable(Model):
    """Both times are database time."""

    name = fields.CharField(max_length=32, primary_key=True)
    paused_at_ms = fields.BigIntField(null=True)
    changed_at_ms = fields.BigIntField()

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "queues"


class QueueStateRepository:
    """Pauses and resumes queues."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get_pauses(self) -> dict[str, int | None]:
        """Return, by name, since when a queue has been paused; None for one that was resumed."""
        rows = await self._database.rows("SELECT name, paused_at_ms FROM queues")
        return {row["name"]: row["paused_at_ms"] for row in rows}

    async def pause(self, queue: str) -> None:
        """Pause a queue; a second pause keeps the time of the first."""
        now = self._database.now_ms
        await self._set(queue, f"COALESCE(paused_at_ms, {now})", now)

    async def resume(self, queue: str) -> None:
        """Resume a queue."""
        await self._set(queue, "NULL", "NULL")

    async def _set(self, queue: str, updated: str, inserted: str) -> None:
        now = self._database.now_ms
        sql = f"UPDATE queues SET paused_at_ms = {updated}, changed_at_ms = {now} WHERE name = ?"
        if await retry_on_deadlock(lambda: self._database.execute(sql, [queue])):
            return
        try:
            await self._database.execute(
                f"INSERT INTO queues (name, paused_at_ms, changed_at_ms) VALUES (?, {inserted}, {now})",
                [queue],
            )
        except DuplicateKey:
            await self._database.execute(sql, [queue])
