"""Table `exports`: archives of a user's data, from the request until they are deleted."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tortoise import fields
from tortoise.models import Model

from server.ids import ExportId, UserId
from server.models.batch_delete import DELETE_BATCH, delete_in_batches
from server.models.database import Database

COLUMNS = "id, user_id, status, progress, size, folder, problem, updated_at_ms, expires_at_ms"


class ExportStatus(StrEnum):
    """Only `ready` exports have an archive; `expired` ones had one."""

    QUEUED = "queued"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"
    EXPIRED = "expired"


UNFINISHED = (ExportStatus.QUEUED, ExportStatus.RUNNING)


class ExportTable(Model):
    """`folder` holds the archive in the media store, or is empty. `progress` is in percent.

    The id contains the time of the request; `updated_at_ms` is that of the last progress, by the database's clock.
    """

    id = fields.BigIntField(primary_key=True, generated=False)
    user_id: int
    user = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )
    status = fields.CharField(max_length=8)
    progress = fields.SmallIntField(default=0)
    size = fields.BigIntField(default=0)
    folder = fields.CharField(max_length=100, default="")
    problem = fields.CharField(max_length=64, default="")
    updated_at_ms = fields.BigIntField()
    expires_at_ms: fields.Field[int | None] = fields.BigIntField(null=True)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "exports"
        indexes = (("user_id", "id"), ("folder",), ("status", "updated_at_ms"), ("expires_at_ms",))


@dataclass(frozen=True, slots=True)
class ExportRow:
    """`now_ms` is the database's time when the row was read."""

    id: ExportId
    user_id: UserId
    status: ExportStatus
    progress: int
    size: int
    folder: str
    problem: str
    updated_at_ms: int
    expires_at_ms: int | None
    now_ms: int


class ExportRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(self, export_id: ExportId, user_id: UserId) -> None:
        """Insert a queued export."""
        await self._database.execute(
            "INSERT INTO exports (id, user_id, status, progress, size, folder, problem, updated_at_ms)"
            f" VALUES (?, ?, ?, 0, 0, '', '', {self._database.now_ms})",
            [export_id, user_id, ExportStatus.QUEUED],
        )

    async def find(self, export_id: ExportId) -> ExportRow | None:
        return await self._find("id = ?", export_id)

    async def find_newest(self, user_id: UserId) -> ExportRow | None:
        """Return the export that the user requested last."""
        return await self._find("user_id = ? ORDER BY id DESC LIMIT 1", user_id)

    async def save_progress(self, export_id: ExportId, percent: int) -> bool:
        """Mark an unfinished export as running. Return False if it is not unfinished."""
        changed = await self._database.execute(
            f"UPDATE exports SET status = ?, progress = ?, updated_at_ms = {self._database.now_ms}"
            " WHERE id = ? AND status IN (?, ?)",
            [ExportStatus.RUNNING, percent, export_id, *UNFINISHED],
        )
        return changed > 0

    async def set_ready(self, export_id: ExportId, folder: str, size: int, kept_ms: int) -> bool:
        """Record the archive of an unfinished export. Return False if it is not unfinished."""
        now = self._database.now_ms
        changed = await self._database.execute(
            "UPDATE exports SET status = ?, progress = 100, folder = ?, size = ?,"
            f" updated_at_ms = {now}, expires_at_ms = {now} + ? WHERE id = ? AND status IN (?, ?)",
            [ExportStatus.READY, folder, size, kept_ms, export_id, *UNFINISHED],
        )
        return changed > 0

    async def set_failed(self, export_id: ExportId, problem: str) -> None:
        await self._database.execute(
            f"UPDATE exports SET status = ?, problem = ?, updated_at_ms = {self._database.now_ms}"
            " WHERE id = ? AND status IN (?, ?)",
            [ExportStatus.FAILED, problem, export_id, *UNFINISHED],
        )

    async def fail_interrupted(self, idle_ms: int, problem: str) -> int:
        """Mark unfinished exports without progress for `idle_ms` as failed. Return how many."""
        return await self._database.execute(
            f"UPDATE exports SET status = ?, problem = ?, updated_at_ms = {self._database.now_ms}"
            f" WHERE status IN (?, ?) AND updated_at_ms < {self._database.now_ms} - ?",
            [ExportStatus.FAILED, problem, *UNFINISHED, idle_ms],
        )

    async def list_expired(self, limit: int) -> list[ExportRow]:
        """Return ready exports whose time has passed."""
        return await self._list(
            f"status = ? AND expires_at_ms < {self._database.now_ms} ORDER BY expires_at_ms LIMIT ?",
            [ExportStatus.READY, limit],
        )

    async def set_expired(self, export_id: ExportId) -> None:
        await self._database.execute(
            "UPDATE exports SET status = ?, folder = '' WHERE id = ? AND status = ?",
            [ExportStatus.EXPIRED, export_id, ExportStatus.READY],
        )

    async def delete_older(self, first_kept_id: int) -> int:
        """Delete finished exports without an archive whose id is below `first_kept_id`. Return how many."""
        select = f"SELECT id FROM exports WHERE id < ? AND status IN (?, ?) ORDER BY id LIMIT {DELETE_BATCH}"
        parameters = [first_kept_id, ExportStatus.FAILED, ExportStatus.EXPIRED]
        return await delete_in_batches(self._database, "exports", select, parameters)

    async def delete(self, export_id: ExportId, user_id: UserId) -> None:
        await self._database.execute("DELETE FROM exports WHERE id = ? AND user_id = ?", [export_id, user_id])

    async def _find(self, where: str, parameter: int) -> ExportRow | None:
        rows = await self._list(where, [parameter])
        return rows[0] if rows else None

    async def _list(self, where: str, parameters: list[Any]) -> list[ExportRow]:
        rows = await self._database.rows(
            f"SELECT {COLUMNS}, {self._database.now_ms} AS now_ms FROM exports WHERE {where}", parameters
        )
        for row in rows:
            row["status"] = ExportStatus(row["status"])
        return [ExportRow(**row) for row in rows]
