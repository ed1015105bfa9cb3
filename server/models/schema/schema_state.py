"""Table `schema_state`: which versions of the program the schema suits, and the migration that is being applied.

The table is created here and not by a migration, because migrations need it.
"""

from dataclasses import dataclass

from tortoise.exceptions import OperationalError

from server.models.database import Database, DuplicateKey, retry_on_deadlock
from server.models.schema.migration_file import Direction

ROW_ID = 1
TABLE = """CREATE TABLE IF NOT EXISTS schema_state (
    id SMALLINT NOT NULL PRIMARY KEY,
    compatible_from INT NOT NULL DEFAULT 0,
    migration VARCHAR(255) NOT NULL DEFAULT '',
    direction VARCHAR(4) NOT NULL DEFAULT '',
    step INT NOT NULL DEFAULT 0,
    started SMALLINT NOT NULL DEFAULT 0,
    lease VARCHAR(40) NOT NULL DEFAULT '',
    lease_until_ms BIGINT NOT NULL DEFAULT 0
)"""
CHARACTER_SET = {"sqlite": "", "mysql": " CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin"}


@dataclass(frozen=True, slots=True)
class SchemaState:
    """The row of `schema_state`.

    `compatible_from`: the number of the oldest schema whose program can run on this one. `migration`: the one that is
    being applied or undone, or was interrupted; empty if there is none. `step`: how many of its statements were done.
    `started`: whether the next one may have been done as well.
    """

    compatible_from: int = 0
    migration: str = ""
    direction: Direction = "up"
    step: int = 0
    started: bool = False


class SchemaStateRepository:
    """The row of `schema_state`, and the lease that lets one process at a time migrate.

    The lease is a row with a token and an expiry, because locks of a server, such as GET_LOCK, do not hold across the
    nodes of Galera. Each record of progress names the token, so a process that lost the lease records nothing more.
    """

    def __init__(self, database: Database, lease_ms: int) -> None:
        self._database = database
        self._lease_ms = lease_ms

    async def create(self) -> None:
        """Create the table and its row, unless they exist."""
        try:
            if await self._database.rows("SELECT id FROM schema_state"):
                return
        except OperationalError:
            await self._database.execute(TABLE + CHARACTER_SET[self._database.dialect])
        try:
            await retry_on_deadlock(
                lambda: self._database.execute("INSERT INTO schema_state (id) VALUES (?)", [ROW_ID])
            )
        except DuplicateKey:
            return

    async def get(self) -> SchemaState:
        """Return the row; the default if there is none."""
        try:
            rows = await self._database.rows(
                "SELECT compatible_from, migration, direction, step, started FROM schema_state WHERE id = ?",
                [ROW_ID],
            )
        except OperationalError:
            return SchemaState()  # the database was never migrated, or by an older version
        if not rows:
            return SchemaState()
        row = rows[0]
        return SchemaState(
            row["compatible_from"],
            row["migration"],
            row["direction"] or "up",
            row["step"],
            bool(row["started"]),
        )

    async def set_migration(self, migration: str) -> None:
        """Record the name of what is being done."""
        await self._database.execute(
            "UPDATE schema_state SET migration = ?, step = 0, started = 0 WHERE id = ?", [migration, ROW_ID]
        )

    async def claim(self, lease: str) -> bool:
        """Take the lease if it is free, has expired, or is ours without an answer. Return whether it is ours."""
        now = self._database.now_ms
        return bool(
            await retry_on_deadlock(
                lambda: self._database.execute(
                    f"UPDATE schema_state SET lease = ?, lease_until_ms = {now} + ?"
                    f" WHERE id = ? AND (lease IN ('', ?) OR lease_until_ms < {now})",
                    [lease, self._lease_ms, ROW_ID, lease],
                )
            )
        )

    async def extend(self, lease: str) -> None:
        """Extend the lease, if it is still ours."""
        await retry_on_deadlock(
            lambda: self._database.execute(
                f"UPDATE schema_state SET lease_until_ms = {self._database.now_ms} + ? WHERE id = ? AND lease = ?",
                [self._lease_ms, ROW_ID, lease],
            )
        )

    async def release(self, lease: str) -> None:
        """Give the lease back, if it is still ours."""
        await retry_on_deadlock(
            lambda: self._database.execute(
                "UPDATE schema_state SET lease = '', lease_until_ms = 0 WHERE id = ? AND lease = ?",
                [ROW_ID, lease],
            )
        )
