"""Database migrations: one folder per dialect, applied by one process at a time, one statement after the other.

A process can run on a schema that is newer than itself, as far as the migrations say so. `CONTRIBUTING.md` has the rule
for writing them.
"""

import asyncio
import fcntl
import secrets
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tortoise.exceptions import OperationalError

from server.errors import ConfigurationError, Unavailable
from server.models.database import Database
from server.models.schema.migration_file import MigrationFile, list_files, number_of
from server.models.schema.progress import APP, Progress, Step, open_progress
from server.models.schema.schema_state import SchemaStateRepository

WAIT_S = 60
LEASE_S = 30.0
POLL_S = 0.2
# What `schema_state` names while a backup is restored, in place of a migration.
RESTORE = "restore of "


class SchemaStatus(StrEnum):
    """The relation between the schema and this version of the program."""

    CURRENT = "current"
    NEWER = "newer"  # and this version can use it
    PENDING = "pending"
    INCOMPATIBLE = "incompatible"


@dataclass(frozen=True, slots=True)
class SchemaReport:
    """The status of the schema, and one sentence about it."""

    status: SchemaStatus
    sentence: str


@dataclass(frozen=True, slots=True)
class PlannedMigration:
    """A migration that would run: its name and its remaining statements."""

    name: str
    statements: Sequence[str]


class Migrations:
    """The migrations in `folder`/`dialect`/, and which of them were applied to `database`.

    `lease_s`: after what time without a sign of life another process takes over from one that was killed. `wait_s`: how
    long to wait, in seconds, for a process that migrates.
    """

    def __init__(
        self, database: Database, folder: Path, *, lease_s: float = LEASE_S, wait_s: float = WAIT_S
    ) -> None:
        self._database = database
        self._folder = folder / database.dialect / APP
        self._state = SchemaStateRepository(database, round(lease_s * 1000))
        self._lease_s, self._wait_s = lease_s, wait_s

    def known(self) -> list[str]:
        """Return the file names of all migrations, oldest first."""
        return [file.name for file in list_files(self._folder)]

    async def pending(self) -> list[str]:
        """Return the migrations that were not applied yet, oldest first."""
        applied = await self._applied()
        return [version for version in self.known() if version not in applied]

    async def report(self) -> SchemaReport:
        """Compare the schema with this version of the program."""
        applied, known = await self._applied(), set(self.known())
        state = await self._state.get()
        if state.migration.startswith(RESTORE):
            return SchemaReport(
                SchemaStatus.INCOMPATIBLE,
                "A restore was interrupted: run the same `python run.py restore` again.",
            )
        newer = sorted(applied - known, key=number_of)
        number = max(map(number_of, known))
        if newer and (known - applied or number < (state.compatible_from or number + 1)):
            return SchemaReport(
                SchemaStatus.INCOMPATIBLE,
                f"The database was migrated by a newer version ({newer[-1]}) that this one cannot run beside: run that"
                " version, or undo its migrations with it (`python run.py migrate --down`).",
            )
        if known - applied:
            return SchemaReport(
                SchemaStatus.PENDING,
                f"{len(known - applied)} migration(s) are pending: run `python run.py migrate` first.",
            )
        if newer:
            return SchemaReport(
                SchemaStatus.NEWER,
                f"The database was migrated by a newer version ({newer[-1]}), which this one can run beside.",
            )
        return SchemaReport(SchemaStatus.CURRENT, "The database is up to date.")

    async def check(self) -> SchemaReport:
        """Return the report. Raises ConfigurationError if this version cannot run on the schema."""
        report = await self.report()
        if report.status in (SchemaStatus.PENDING, SchemaStatus.INCOMPATIBLE):
            raise ConfigurationError(report.sentence)
        return report

    async def newest(self) -> int:
        """Return the number of the newest migration that was applied, or -1."""
        return max(map(number_of, await self._applied()), default=-1)

    async def plan(self) -> list[PlannedMigration]:
        """Return what `upgrade` would run, in order, and nothing is changed."""
        applied, state = await self._applied(), await self._state.get()
        planned: list[PlannedMigration] = []
        for file in list_files(self._folder):
            if file.name not in applied:
                done = state.step if state.migration == file.name else 0
                planned.append(PlannedMigration(file.name, (await file.statements("up"))[done:]))
        return planned

    async def interrupted(self) -> str:
        """Return the name of the migration or restore that was interrupted, or an empty string."""
        return (await self._state.get()).migration

    async def mark(self, restore: str) -> None:
        """Record that a restore began, or with an empty string that it is complete."""
        await self._state.create()
        await self._state.set_migration(restore)

    async def upgrade(
        self, on_step: Callable[[str], None] = lambda version: None, *, until: int | None = None
    ) -> list[str]:
        """Apply pending migrations in order and return their names, while other processes wait.

        `on_step` gets each name before it is applied. A migration that was interrupted is continued. With `until`,
        migrations with a higher number stay pending.
        """
        if not await self.pending():
            return []
        names: list[str] = []
        async with self._exclusive() as progress:
            compatible_from = await self._compatible_from()
            for name in await self.pending():
                if until is not None and number_of(name) > until:
                    break
                state = await self._state.get()
                if state.migration and state.direction == "down":
                    raise ConfigurationError(
                        f"Undoing {state.migration} was interrupted: run the same `migrate --down` again first."
                    )
                on_step(name)
                file = MigrationFile(self._folder / name)
                compatible_from = max(compatible_from, file.compatible_from)
                statements = await file.statements("up")
                await progress.run(Step(name, "up", statements, compatible_from), state)
                names.append(name)
        return names

    async def reversible(self, target: str) -> list[MigrationFile]:
        """Return the migrations that `downgrade` to `target` would undo, newest first.

        `target` is the number of migrations to undo, or the name of the newest one to keep. Raises ConfigurationError.
        """
        applied, state = await self._applied(), await self._state.get()
        if applied - set(self.known()):
            raise ConfigurationError(
                "The database was migrated by a newer version: only that version can undo its migrations."
            )
        if state.migration and state.direction == "up":
            raise ConfigurationError(f"{state.migration} was interrupted: run `python run.py migrate` first.")
        interrupted = {state.migration} if state.migration else set[str]()
        files = [file for file in list_files(self._folder) if file.name in applied | interrupted]
        if target.isdecimal():
            count = int(target)
            if count > len(files):
                raise ConfigurationError(f"Cannot undo {count} migrations: only {len(files)} were applied.")
        else:
            names = [file.name for file in files]
            wanted = target.removesuffix(".py") + ".py"
            if wanted not in names:
                raise ConfigurationError(
                    f"Invalid version {target!r}: expected a number of migrations, or the name of an applied one."
                )
            count = len(names) - 1 - names.index(wanted)
        return files[len(files) - count :][::-1]

    async def downgrade(
        self, files: Sequence[MigrationFile], on_step: Callable[[str], None] = lambda version: None
    ) -> list[str]:
        """Undo these migrations in this order, and return their names. `on_step` gets each name first."""
        async with self._exclusive() as progress:
            for file in files:
                on_step(file.name)
                state = await self._state.get()
                statements = await file.statements("down")
                compatible_from = await self._compatible_from(without=file.name)
                await progress.run(Step(file.name, "down", statements, compatible_from), state)
        return [file.name for file in files]

    async def _compatible_from(self, *, without: str = "") -> int:
        """Return the oldest schema whose program can run, after what was applied `without` one."""
        applied = await self._applied()
        files = [file for file in list_files(self._folder) if file.name in applied and file.name != without]
        return max((file.compatible_from for file in files), default=0)

    async def _applied(self) -> set[str]:
        try:
            rows = await self._database.rows("SELECT version FROM aerich WHERE app = ?", [APP])
        except OperationalError:
            return set()  # the first migration creates the table
        return {row["version"] for row in rows}

    @asynccontextmanager
    async def _exclusive(self) -> AsyncGenerator[Progress]:
        """Hold the right to migrate. Raises ConfigurationError if another process has it for too long."""
        file = self._database.parameters.file
        if file is not None:
            with file.with_suffix(".migrating").open("w") as lock:
                await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
                await self._state.create()
                async with open_progress(self._database, "") as progress:
                    yield progress
            return
        await self._state.create()
        lease = secrets.token_hex(16)
        await self._claim(lease)
        heartbeat = asyncio.create_task(self._keep(lease))
        try:
            async with open_progress(self._database, lease) as progress:
                yield progress
        finally:
            heartbeat.cancel()
            await asyncio.gather(heartbeat, return_exceptions=True)
            await self._state.release(lease)

    async def _claim(self, lease: str) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._wait_s
        while True:
            try:
                if await self._state.claim(lease):
                    return
            except Unavailable:
                # A change of a table by the other process blocks every node of Galera, also for this statement.
                if loop.time() > deadline:
                    raise
            if loop.time() > deadline:
                raise ConfigurationError(
                    f"Another process has been migrating this database for {self._wait_s:g} s: wait for it to finish."
                )
            await asyncio.sleep(POLL_S)

    async def _keep(self, lease: str) -> None:
        while True:
            await asyncio.sleep(self._lease_s / 4)
            # A change of a table blocks every node of Galera, also for this statement; the next one follows.
            with suppress(Unavailable):
                await self._state.extend(lease)
