"""The database, migrated or checked, and the ids that a process creates under its node number."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from server.actors.supervisor import Supervisor
from server.assembly.resources import Instrumentation
from server.errors import ConfigurationError, Unavailable
from server.ids import IdGenerator
from server.models.database import Database, DatabaseParameters, SerializationFailure
from server.models.migrations import Migrations
from server.services.jobs.nodes import RENEW_RETRY_S, RENEW_S, NodeLease
from server.settings import Settings

log = structlog.get_logger(__name__)

MIGRATIONS = Path(__file__).parents[2] / "migrations"


def database_parameters(settings: Settings, var: Path) -> DatabaseParameters:
    database = settings.database
    if settings.embedded_database:
        return DatabaseParameters(file=var / "photofeed.sqlite3", timeout_s=database.timeout_s)
    return DatabaseParameters(
        host=database.host,
        port=database.port,
        username=database.username,
        password=database.password.get_secret_value(),
        name=database.name,
        pool_size=database.pool_size,
        timeout_s=database.timeout_s,
    )


@asynccontextmanager
async def server_database(settings: Settings, var: Path) -> AsyncGenerator[Database]:
    """Open the database; migrate it first if the settings say so. Raises ConfigurationError."""
    async with _connection(database_parameters(settings, var)) as database:
        migrations = Migrations(database, MIGRATIONS)
        if settings.migrate_at_start:
            applied = await migrations.upgrade()
            if applied:
                log.info("migrated", migrations=len(applied), newest=applied[-1])
        await migrations.check()
        yield database


@asynccontextmanager
async def existing_database(settings: Settings, var: Path) -> AsyncGenerator[Database]:
    """Open a database that exists with the current schema. Raises ConfigurationError, saying what to do."""
    parameters = database_parameters(settings, var)
    if parameters.file is not None and not parameters.file.exists():
        raise ConfigurationError(f"No database at {parameters.file}: start the server first.")
    async with _connection(parameters) as database:
        await Migrations(database, MIGRATIONS).check()
        yield database


async def migrate_database(settings: Settings, var: Path, on_step: Callable[[str], None]) -> list[str]:
    """Apply pending migrations and return their names. `on_step` gets each name before it is applied."""
    async with _connection(database_parameters(settings, var)) as database:
        return await Migrations(database, MIGRATIONS).upgrade(on_step)


@asynccontextmanager
async def node_ids(
    lease: NodeLease, supervisor: Supervisor, instrumentation: Instrumentation
) -> AsyncGenerator[IdGenerator]:
    """Create ids under a leased node number, renewed in the background and released at the end.

    The renewal also shows whether the database accepts writes, which `instrumentation` records.
    """
    ids = await lease.acquire()

    async def renew() -> None:
        while True:
            await asyncio.sleep(RENEW_RETRY_S if instrumentation.database_write_error else RENEW_S)
            try:
                await lease.renew(ids)
            except SerializationFailure:
                pass  # another writer was faster, so the database accepts writes
            except Unavailable as error:
                instrumentation.database_write_error = error.reason
                instrumentation.database.failed(error)
            else:
                instrumentation.database_write_error = ""

    try:
        async with supervisor.running("node lease", renew):
            yield ids
    finally:
        await lease.release(ids)


@asynccontextmanager
async def _connection(parameters: DatabaseParameters) -> AsyncGenerator[Database]:
    database = Database(parameters)
    try:
        await database.open()
        yield database
    finally:
        await database.close()
