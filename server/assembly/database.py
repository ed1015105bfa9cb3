"""The database, migrated or checked, and the ids that a process creates under its node number."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from server.actors.supervisor import Supervisor
from server.assembly.resources import Instrumentation
from server.database_metrics import DatabaseMetrics
from server.epoch import DatabaseEpoch
from server.errors import ConfigurationError, Unavailable
from server.gateways.redis.error_replies import ReplyError
from server.gateways.redis.lease_marks import LeaseMarks
from server.gateways.redis.pipelined_client import PipelinedRedis
from server.ids import IdGenerator
from server.models.database import Database, DatabaseParameters, SerializationFailure
from server.models.engines.mysql_tls import TlsParameters, Verification
from server.models.jobs.installation import InstallationRepository
from server.models.jobs.nodes import NodeRepository
from server.models.migrations import Migrations, SchemaStatus
from server.models.notifications.inboxes import InboxRepository
from server.models.schema.losses import find_losses
from server.models.schema.migration_file import MigrationFile
from server.services.jobs.epochs import Epochs
from server.services.jobs.nodes import RENEW_RETRY_S, RENEW_S, NodeLease, has_renewals
from server.settings import DatabaseSettings, Settings

log = structlog.get_logger(__name__)

MIGRATIONS = Path(__file__).parents[2] / "migrations"


def database_parameters(settings: Settings, var: Path) -> DatabaseParameters:
    database = settings.database
    if settings.embedded_database and database.replicas:
        raise ConfigurationError("DB_REPLICAS is set and DB_HOST is not: set DB_HOST to the primary.")
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
        tls=_tls_parameters(database),
        replicas=database.replicas,
        replica_wait_s=database.replica_wait_s,
    )


@asynccontextmanager
async def server_database(
    settings: Settings, var: Path, instrumentation: Instrumentation | None = None
) -> AsyncGenerator[Database]:
    """Open the database; migrate it first if the settings say so. Raises ConfigurationError."""
    metrics = instrumentation.metrics.database if instrumentation else None
    async with _connection(database_parameters(settings, var), metrics) as database:
        if await database.is_read_only():
            where = f"{settings.database.host}:{settings.database.port}"
            raise ConfigurationError(
                f"The database at {where} is read-only, as a replica is: set DB_HOST to the primary, and list replicas"
                " in DB_REPLICAS."
            )
        migrations = Migrations(database, MIGRATIONS)
        if settings.migrate_at_start:
            applied = await migrations.upgrade()
            if applied:
                log.info("migrated", migrations=len(applied), newest=applied[-1])
        report = await migrations.check()
        if report.status is SchemaStatus.NEWER:
            log.info("schema_newer", reason=report.sentence)
        with suppress(Unavailable):
            await database.replicas.check()
        yield database


@asynccontextmanager
async def existing_database(settings: Settings, var: Path) -> AsyncGenerator[Database]:
    """Open a database that exists with the current schema. Raises ConfigurationError, saying what to do."""
    parameters = database_parameters(settings, var)
    require_file(parameters)
    async with _connection(parameters) as database:
        await Migrations(database, MIGRATIONS).check()
        yield database


@dataclass(frozen=True, slots=True)
class Schema:
    """The migrations of a database that is open."""

    database: Database
    migrations: Migrations

    async def find_losses(self, files: Sequence[MigrationFile]) -> list[str]:
        """Return what undoing these migrations would delete."""
        losses: list[str] = []
        for file in files:
            losses += await find_losses(self.database, await file.statements("down"))
        return losses


@asynccontextmanager
async def open_schema(settings: Settings, var: Path, *, create: bool = False) -> AsyncGenerator[Schema]:
    """Open a database with any schema. Raises ConfigurationError if it does not exist, unless `create`."""
    parameters = database_parameters(settings, var)
    if not create:
        require_file(parameters)
    async with _connection(parameters) as database:
        yield Schema(database, Migrations(database, MIGRATIONS))


def require_file(parameters: DatabaseParameters) -> None:
    """Raise ConfigurationError if the database is a file that does not exist."""
    if parameters.file is not None and not parameters.file.exists():
        raise ConfigurationError(f"No database at {parameters.file}: start the server first.")


def open_epochs(database: Database, epoch: DatabaseEpoch) -> Epochs:
    return Epochs(InstallationRepository(database), InboxRepository(database), epoch)


async def read_epoch(database: Database, epoch: DatabaseEpoch, redis: PipelinedRedis) -> None:
    """Read the epoch; begin a new one if Redis knows a committed lease renewal that the database lacks."""
    epochs = open_epochs(database, epoch)
    await epochs.refresh()
    with suppress(Unavailable, ReplyError):
        marks = await LeaseMarks(redis, epoch).get_all()
        if not await has_renewals(NodeRepository(database), marks):
            await _begin_epoch(epochs)


@asynccontextmanager
async def node_ids(
    lease: NodeLease,
    epochs: Epochs,
    marks: LeaseMarks,
    supervisor: Supervisor,
    instrumentation: Instrumentation,
) -> AsyncGenerator[IdGenerator]:
    """Create ids under a leased node number, renewed in the background and released at the end.

    The renewal also shows whether the database accepts writes, which `instrumentation` records, and whether it still
    has the previous renewal. If it has not, it was restored, and a new epoch begins.
    """
    ids = await lease.acquire()

    async def renew() -> None:
        loop = asyncio.get_running_loop()
        renewed_at, restored = loop.time(), False
        while True:
            await asyncio.sleep(RENEW_RETRY_S if instrumentation.database_write_error else RENEW_S)
            try:
                restored = not await lease.renew(ids) or restored
                if restored:
                    # Every process notices a restore; an epoch that began since then is the one for it.
                    await _begin_epoch(epochs, unless_within_s=loop.time() - renewed_at)
                    restored = False
            except SerializationFailure:
                pass  # another writer was faster, so the database accepts writes
            except Unavailable as error:
                instrumentation.database_write_error = error.reason
                instrumentation.database.failed(error)
            else:
                instrumentation.database_write_error = ""
                renewed_at = loop.time()
                await _record(lease, marks)

    try:
        async with supervisor.running("node lease", renew):
            yield ids
    finally:
        # A database that refuses writes keeps the lease until it expires.
        with suppress(Unavailable):
            await lease.release(ids)
            await _record(lease, marks)


async def _begin_epoch(epochs: Epochs, *, unless_within_s: float = 0) -> None:
    log.warning("database_restore_noticed", reason="A committed lease renewal is missing.")
    await epochs.begin(unless_within_s)


async def _record(lease: NodeLease, marks: LeaseMarks) -> None:
    with suppress(Unavailable, ReplyError):  # without it, a restore may go unnoticed
        await marks.record(*lease.mark)


def _tls_parameters(chosen: DatabaseSettings) -> TlsParameters | None:
    verify = chosen.ssl_verify or ("full" if chosen.ssl_ca or chosen.ssl_cert else "off")
    if verify == "off":
        return None
    ca, certificate, key = (
        Path(name) if name else None for name in (chosen.ssl_ca, chosen.ssl_cert, chosen.ssl_key)
    )
    return TlsParameters(Verification(verify), ca, certificate, key)


@asynccontextmanager
async def _connection(
    parameters: DatabaseParameters, metrics: DatabaseMetrics | None = None
) -> AsyncGenerator[Database]:
    database = Database(parameters, metrics)
    try:
        await database.open()
        yield database
    finally:
        await database.close()
