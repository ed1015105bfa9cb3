"""Table `installation`: what identifies the database and the media store that belongs to it."""

from tortoise import fields
from tortoise.models import Model

from server.models.database import Database, DuplicateKey

ROW_ID = 1


class InstallationTable(Model):
    """One row. `epoch` changes when the database is restored; `media_store_id` is empty before the first start."""

    id = fields.SmallIntField(primary_key=True, generated=False)
    epoch = fields.CharField(max_length=16)
    began_at_ms = fields.BigIntField()
    media_store_id = fields.CharField(max_length=40, db_default="")

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "installation"


class InstallationRepository:
    """The row of `installation`, which the first process that starts inserts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get_epoch(self) -> str | None:
        """Return the epoch, or None if there is no row."""
        rows = await self._database.rows("SELECT epoch FROM installation WHERE id = ?", [ROW_ID])
        return rows[0]["epoch"] if rows else None

    async def insert(self, epoch: str) -> None:
        """Insert the row, unless there is one."""
        try:
            await self._database.execute(
                "INSERT INTO installation (id, epoch, began_at_ms, media_store_id)"
                f" VALUES (?, ?, {self._database.now_ms}, '')",
                [ROW_ID, epoch],
            )
        except DuplicateKey:
            return

    async def get_media_store_id(self) -> str:
        """Return the id of the media store, or an empty string."""
        rows = await self._database.rows("SELECT media_store_id FROM installation WHERE id = ?", [ROW_ID])
        return rows[0]["media_store_id"] if rows else ""

    async def set_media_store_id(self, store_id: str) -> None:
        """Set the id of the media store, unless another process set it first."""
        await self._database.execute(
            "UPDATE installation SET media_store_id = ? WHERE id = ? AND media_store_id = ''",
            [store_id, ROW_ID],
        )

    async def replace_media_store_id(self, store_id: str) -> None:
        """Set the id of the media store, whatever it was."""
        await self._database.execute(
            "UPDATE installation SET media_store_id = ? WHERE id = ?", [store_id, ROW_ID]
        )

    async def get_epoch_age_ms(self) -> int:
        """Return for how long the epoch has lasted."""
        (row,) = await self._database.rows(
            f"SELECT {self._database.now_ms} - began_at_ms AS age_ms FROM installation WHERE id = ?", [ROW_ID]
        )
        return row["age_ms"]

    async def replace_epoch(self, before: str, after: str) -> None:
        """Replace an epoch, unless another process replaced it first."""
        await self._database.execute(
            f"UPDATE installation SET epoch = ?, began_at_ms = {self._database.now_ms}"
            " WHERE id = ? AND epoch = ?",
            [after, ROW_ID, before],
        )
