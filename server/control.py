"""What an operator's commands work with: the database without the program around it, migrated or steered."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from server.assembly import business, foundations
from server.assembly.foundations import Telling
from server.clock import SystemClock
from server.errors import ConfigurationError, Unavailable
from server.gateways.embedded_redis import EmbeddedRedis
from server.gateways.redis_wire import RedisWire
from server.gateways.timeline_audit import TimelineAudit
from server.gateways.touches import Touches
from server.lifecycle import MIGRATIONS
from server.models.database import Database
from server.models.migrations import Migrations
from server.pubsub.doorbell import Doorbell
from server.services.feed.checkup import Checkup
from server.services.feed.source import Source
from server.services.queue_control import QueueControl
from server.services.roles import Roles
from server.services.visibility import Visibility
from server.settings import Settings


async def migrate(settings: Settings, on_step: Callable[[str], None]) -> list[str]:
    """Bring the schema up to date without starting anything else; the names of what was applied."""
    database = Database(foundations.database_parameters(settings, settings.app.var_dir.resolve()))
    try:
        await database.open()
        return await Migrations(database, MIGRATIONS).upgrade(on_step)
    finally:
        await database.close()


@dataclass(frozen=True, slots=True)
class Control:
    """What an operator's commands work with, beside a running program or without one."""

    queues: QueueControl
    roles: Roles


@asynccontextmanager
async def open_checkup(settings: Settings) -> AsyncGenerator[Checkup]:
    """The database and the Redis of a program that runs, to compare the one with the other.

    Raises ConfigurationError as `open_control` does, and without a Redis that answers.
    """
    async with _database(settings) as database:
        url = _feeds_url(settings)
        wire = RedisWire(url, settings.redis.timeout_s)
        try:
            await wire.command("PING")
            visibility = Visibility(database)
            source = Source(database, visibility, SystemClock())
            yield Checkup(database, source, TimelineAudit(wire), settings.feed.window)
        except Unavailable as error:
            raise ConfigurationError(
                f"{error.detail} Is the program running, and does it use this Redis?"
            ) from error
        finally:
            await wire.close()


def _feeds_url(settings: Settings) -> str:
    if settings.redis.feeds_url:
        return settings.redis.feeds_url
    if settings.embedded_redis:
        return EmbeddedRedis(settings.app.var_dir.resolve() / "redis").url
    return foundations.redis_url(settings)


@asynccontextmanager
async def _database(settings: Settings) -> AsyncGenerator[Database]:
    parameters = foundations.database_parameters(settings, settings.app.var_dir.resolve())
    if parameters.file is not None and not parameters.file.exists():
        raise ConfigurationError(f"There is no database at {parameters.file} yet: start the program first.")
    database = Database(parameters)
    try:
        await database.open()
        await Migrations(database, MIGRATIONS).check()
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def open_control(settings: Settings) -> AsyncGenerator[Control]:
    """Open the database, and nothing else; Redis is only asked how much garbage there is, if it answers.

    Raises ConfigurationError, with what to do, when there is no database or not with this schema.
    """
    var = settings.app.var_dir.resolve()
    url = EmbeddedRedis(var / "redis").url if settings.embedded_redis else foundations.redis_url(settings)
    brokers = foundations.brokers(settings, url, Telling())
    wire = RedisWire(_feeds_url(settings), settings.redis.timeout_s)
    try:
        async with _database(settings) as database:
            roles = Roles(database, Touches(wire))
            yield Control(business.queue_control(settings, database, Doorbell(brokers)), roles)
    finally:
        await wire.close()
        for broker in brokers.values():
            await broker.shutdown()
