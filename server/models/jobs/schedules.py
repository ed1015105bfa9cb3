"""Table `schedules`: when each recurring job is due next."""

from dataclasses import dataclass

from tortoise import fields
from tortoise.models import Model

from server.models.database import Database, DuplicateKey


class ScheduleTable(Model):
    """`next_run_at_ms` is database time; it advances in the transaction that inserts the job."""

    name = fields.CharField(max_length=64, primary_key=True)
    next_run_at_ms = fields.BigIntField()

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "schedules"


@dataclass(frozen=True, slots=True)
class DueSchedule:
    """A schedule whose next run is in the past; `now_ms` is database time."""

    name: str
    next_run_at_ms: int
    now_ms: int


class ScheduleRepository:
    """Finds and advances schedules."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_due(self) -> list[DueSchedule]:
        """Return the schedules that are due."""
        now = self._database.now_ms
        rows = await self._database.rows(
            f"SELECT name, next_run_at_ms, {now} AS now_ms FROM schedules WHERE next_run_at_ms <= {now}"
        )
        return [DueSchedule(**row) for row in rows]

    async def advance(self, due: DueSchedule, next_run_at_ms: int) -> bool:
        """Set the next run; False if another process did so first."""
        return bool(
            await self._database.execute(
                "UPDATE schedules SET next_run_at_ms = ? WHERE name = ? AND next_run_at_ms = ?",
                [next_run_at_ms, due.name, due.next_run_at_ms],
            )
        )

    async def register(self, name: str, period_ms: int) -> None:
        """Insert a schedule that is due in `period_ms`, or make a known one due in `period_ms` at the latest."""
        now = self._database.now_ms
        if await ScheduleTable.exists(name=name):
            await self._database.execute(
                f"UPDATE schedules SET next_run_at_ms = {now} + ? WHERE name = ? AND next_run_at_ms > {now} + ?",
                [period_ms, name, period_ms],
            )
            return
        try:
            await self._database.execute(
                f"INSERT INTO schedules (name, next_run_at_ms) VALUES (?, {now} + ?)", [name, period_ms]
            )
        except DuplicateKey:
            return  # inserted by another process
