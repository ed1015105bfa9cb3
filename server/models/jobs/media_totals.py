"""Table `media_totals`: files and bytes in the media store by kind, as the last media sweep counted them."""

from dataclasses import dataclass

from tortoise import fields
from tortoise.models import Model

from server.models.database import Database, retry_on_deadlock


class MediaTotalTable(Model):
    """One row per kind. `counted_at_ms` is the time of the sweep."""

    kind = fields.CharField(max_length=16, primary_key=True)
    files = fields.BigIntField()
    bytes = fields.BigIntField()
    counted_at_ms = fields.BigIntField()

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "media_totals"


@dataclass(frozen=True, slots=True)
class MediaTotal:
    kind: str
    files: int
    bytes: int
    counted_at_ms: int


class MediaTotalRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_all(self) -> list[MediaTotal]:
        """Return the totals by kind; none before the first sweep."""
        rows = await self._database.rows(
            "SELECT kind, files, bytes, counted_at_ms FROM media_totals ORDER BY kind"
        )
        return [MediaTotal(**row) for row in rows]

    async def replace(self, totals: list[MediaTotal]) -> None:
        """Store the totals of a sweep in place of the previous ones."""
        await retry_on_deadlock(lambda: self._replace(totals))

    async def _replace(self, totals: list[MediaTotal]) -> None:
        async with self._database.transaction():
            await self._database.execute("DELETE FROM media_totals")
            for total in totals:
                await self._database.execute(
                    "INSERT INTO media_totals (kind, files, bytes, counted_at_ms) VALUES (?, ?, ?, ?)",
                    [total.kind, total.files, total.bytes, total.counted_at_ms],
                )
