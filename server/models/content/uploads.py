"""Tables `uploads` and `upload_parts`: resumable uploads, and what of them has arrived."""

from dataclasses import dataclass

from tortoise import fields
from tortoise.models import Model

from server.ids import MediaId, UserId
from server.models.batch_delete import DELETE_BATCH, delete_in_batches
from server.models.database import Database


class UploadTable(Model):
    """The first `received` of `length` bytes are stored in parts, in the folder `folder` of the media store.

    The id is that of the media that a complete upload becomes, and contains the time of creation. `metadata` is the
    client's own, as it was sent.
    """

    id = fields.BigIntField(primary_key=True, generated=False)
    owner_id: int
    owner = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )
    length = fields.BigIntField()
    received = fields.BigIntField(default=0)
    folder = fields.CharField(max_length=100)
    alt_text = fields.CharField(max_length=1000, default="")
    metadata = fields.TextField()

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "uploads"
        indexes = (("owner_id", "id"), ("folder",))  # The sweep looks up which folders belong to a row.


class UploadPartTable(Model):
    """`name` is the object in the folder of the upload that has the bytes from `start` on."""

    id = fields.BigIntField(primary_key=True, generated=False)
    upload_id: int
    upload = fields.ForeignKeyField(
        "models.UploadTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )
    start = fields.BigIntField()
    name = fields.CharField(max_length=64)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "upload_parts"
        unique_together = (("upload_id", "start"),)


@dataclass(frozen=True, slots=True)
class UploadRow:
    id: MediaId
    owner_id: UserId
    length: int
    received: int
    folder: str
    alt_text: str
    metadata: str


@dataclass(frozen=True, slots=True)
class UnfinishedUploads:
    """The number of a user's unfinished uploads, and their bytes when they are complete."""

    count: int
    total_bytes: int


class UploadRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(self, upload: UploadRow) -> None:
        await UploadTable.create(
            id=upload.id,
            owner_id=upload.owner_id,
            length=upload.length,
            folder=upload.folder,
            alt_text=upload.alt_text,
            metadata=upload.metadata,
        )

    async def find(self, upload_id: MediaId, owner_id: UserId | None = None) -> UploadRow | None:
        """Return an upload; with `owner_id` only one of this user."""
        own, parameters = ("", []) if owner_id is None else (" AND owner_id = ?", [owner_id])
        rows = await self._database.rows(
            f"SELECT id, owner_id, length, received, folder, alt_text, metadata FROM uploads WHERE id = ?{own}",
            [upload_id, *parameters],
        )
        return UploadRow(**rows[0]) if rows else None

    async def get_unfinished(self, owner_id: UserId) -> UnfinishedUploads:
        (row,) = await self._database.rows(
            "SELECT COUNT(*) AS n, COALESCE(SUM(length), 0) AS total FROM uploads"
            " WHERE owner_id = ? AND received < length",
            [owner_id],
        )
        return UnfinishedUploads(row["n"], int(row["total"]))

    async def advance(self, upload_id: MediaId, start: int, end: int) -> bool:
        """Record that the bytes from `start` to `end` have arrived.

        Return False, without an effect, unless exactly the bytes before `start` had arrived. Of concurrent calls with
        the same `start` one returns True.
        """
        changed = await self._database.execute(
            "UPDATE uploads SET received = ? WHERE id = ? AND received = ?", [end, upload_id, start]
        )
        return changed > 0

    async def insert_part(self, part_id: int, upload_id: MediaId, start: int, name: str) -> None:
        await UploadPartTable.create(id=part_id, upload_id=upload_id, start=start, name=name)

    async def list_part_names(self, upload_id: MediaId) -> list[str]:
        """Return the names of the parts, in the order of their bytes."""
        rows = await self._database.rows(
            "SELECT name FROM upload_parts WHERE upload_id = ? ORDER BY start", [upload_id]
        )
        return [row["name"] for row in rows]

    async def delete_parts(self, upload_id: MediaId) -> None:
        await self._database.execute("DELETE FROM upload_parts WHERE upload_id = ?", [upload_id])

    async def delete(self, upload_id: MediaId) -> None:
        await self._database.execute("DELETE FROM uploads WHERE id = ?", [upload_id])

    async def delete_older(self, first_kept_id: int) -> int:
        """Delete the uploads whose id is below `first_kept_id`. Return how many."""
        select = f"SELECT id FROM uploads WHERE id < ? ORDER BY id LIMIT {DELETE_BATCH}"
        return await delete_in_batches(self._database, "uploads", select, [first_kept_id])
