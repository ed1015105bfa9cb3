"""Table `cache_generations`: which Redis server holds the caches, and which of them may be used."""

from dataclasses import dataclass

from tortoise import fields
from tortoise.models import Model

from server.models.database import Database, DuplicateKey


class CacheGenerationTable(Model):
    """One row per Redis. `run_id` identifies the server; no process uses caches before `suspended_until_ms`."""

    name = fields.CharField(max_length=16, primary_key=True)
    generation = fields.BigIntField()
    run_id = fields.CharField(max_length=12)
    suspended_until_ms = fields.BigIntField()

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "cache_generations"


@dataclass(frozen=True, slots=True)
class CacheGeneration:
    generation: int
    run_id: str
    is_suspended: bool


@dataclass(frozen=True, slots=True)
class CacheState:
    """The caches on the Redis called `name`. `suspended_until_ms` is None unless they are suspended."""

    name: str
    generation: int
    suspended_until_ms: int | None


class CacheStateRepository:
    """Reads the state of all caches."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_all(self) -> list[CacheState]:
        rows = await self._database.rows(
            "SELECT name, generation, CASE WHEN suspended_until_ms >"
            f" {self._database.now_ms} THEN suspended_until_ms END AS suspended_until_ms FROM cache_generations"
            " ORDER BY name"
        )
        return [CacheState(**row) for row in rows]


class CacheGenerationRepository:
    """Generations of the caches on the Redis called `name`, on the database's clock."""

    def __init__(self, database: Database, name: str) -> None:
        self._database = database
        self._name = name

    async def get(self) -> CacheGeneration | None:
        rows = await self._database.rows(
            f"SELECT generation, run_id, suspended_until_ms > {self._database.now_ms} AS is_suspended"
            " FROM cache_generations WHERE name = ?",
            [self._name],
        )
        return (
            CacheGeneration(rows[0]["generation"], rows[0]["run_id"], bool(rows[0]["is_suspended"]))
            if rows
            else None
        )

    async def insert(self, run_id: str, suspend_ms: int = 0) -> None:
        """Insert the first generation, unless there is one."""
        try:
            await self._database.execute(
                "INSERT INTO cache_generations (name, generation, run_id, suspended_until_ms)"
                f" VALUES (?, 1, ?, {self._database.now_ms} + ?)",
                [self._name, run_id, suspend_ms],
            )
        except DuplicateKey:
            return

    async def move(self, generation: int, run_id: str, suspend_ms: int) -> None:
        """Begin a generation on another server, unless `generation` is over."""
        await self._database.execute(
            f"UPDATE cache_generations SET run_id = ?, suspended_until_ms = {self._database.now_ms} + ?,"
            " generation = generation + 1 WHERE name = ? AND generation = ?",
            [run_id, suspend_ms, self._name, generation],
        )

    async def suspend(self, suspend_ms: int, unless_ms: int) -> None:
        """Begin a generation that is suspended, unless the current one is for `unless_ms` more."""
        now = self._database.now_ms
        suspended = await self._database.execute(
            f"UPDATE cache_generations SET suspended_until_ms = {now} + ?, generation = generation + 1"
            f" WHERE name = ? AND suspended_until_ms < {now} + ?",
            [suspend_ms, self._name, unless_ms],
        )
        if not suspended:
            await self.insert("", suspend_ms)
