"""Database migrations with aerich: one folder per dialect, applied by one process at a time."""

import asyncio
import fcntl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncmy
from tortoise.exceptions import OperationalError

from server.errors import ConfigurationError
from server.models.database import Database

APP = "models"
LOCK_WAIT_S = 60
STATEMENT_TIMEOUT_S = 3600.0
LOCK_NAME = "photofeed.migrations"


class Migrations:
    """The migrations in `folder`/`dialect`/, and which of them were applied to `database`."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._location = folder / database.dialect

    def known(self) -> list[str]:
        """Return the file names of all migrations, oldest first."""
        files = (self._location / APP).glob("[0-9]*_*.py")
        return [file.name for file in sorted(files, key=lambda file: int(file.name.split("_")[0]))]

    async def pending(self) -> list[str]:
        """Return the migrations that were not applied yet, oldest first."""
        applied = await self._applied()
        return [version for version in self.known() if version not in applied]

    async def check(self) -> None:
        """Raise ConfigurationError if the schema is older or newer than this version."""
        applied, known = await self._applied(), set(self.known())
        if applied - known:
            raise ConfigurationError(
                f"The database was migrated by a newer version ({max(applied - known)}): run that version, or restore a"
                " backup from this one."
            )
        if known - applied:
            raise ConfigurationError(
                f"{len(known - applied)} migration(s) are pending: run `python run.py migrate` first."
            )

    async def upgrade(self, on_step: Callable[[str], None] = lambda version: None) -> list[str]:
        """Apply pending migrations in order and return their names, while other processes wait.

        `on_step` gets each name before it is applied.
        """
        if not await self.pending():
            return []
        async with self._exclusive():
            pending = await self.pending()
            for version in pending:
                on_step(version)
            return await self._apply() if pending else []

    async def _apply(self) -> list[str]:
        # aerich takes 0.05 s to import, and most starts have nothing to migrate.
        from aerich import Command
        from aerich.migrate import Migrate

        await self._database.close()
        await self._database.open(migrating=True)
        # Command.init would initialise Tortoise again; upgrade() needs only these two of its effects.
        Migrate.app, Migrate.migrate_location = APP, self._location / APP
        config = self._database.parameters.tortoise_config(migrating=True)
        command = Command(config, app=APP, location=str(self._location))
        with self._database.statement_timeout(STATEMENT_TIMEOUT_S):
            return await command.upgrade(run_in_transaction=True)

    async def _applied(self) -> set[str]:
        try:
            rows = await self._database.rows("SELECT version FROM aerich WHERE app = ?", [APP])
        except OperationalError:
            return set()  # the first migration creates the table
        return {row["version"] for row in rows}

    @asynccontextmanager
    async def _exclusive(self) -> AsyncIterator[None]:
        file = self._database.parameters.file
        if file is None:
            async with self._server_lock():
                yield
            return
        with file.with_suffix(".migrating").open("w") as lock:
            await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
            yield

    @asynccontextmanager
    async def _server_lock(self) -> AsyncIterator[None]:
        """Hold a lock of the database server on its own connection, because MySQL commits at every DDL statement."""
        where = self._database.parameters
        connection = await asyncmy.connect(
            host=where.host,
            port=where.port,
            user=where.username,
            password=where.password,
            db=where.name,
            ssl=where.tls_context(),
        )
        try:
            async with connection.cursor() as cursor:
                await cursor.execute("SELECT GET_LOCK(%s, %s)", (LOCK_NAME, LOCK_WAIT_S))
                if (await cursor.fetchone())[0] != 1:
                    raise ConfigurationError(
                        f"Another process has been migrating this database for {LOCK_WAIT_S} s: wait for it to finish."
                    )
            yield
        finally:
            connection.close()
