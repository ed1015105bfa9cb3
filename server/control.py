"""What an operator's commands work with: the database without the program around it, migrated or steered."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from server.assembly import business, foundations
from server.assembly.foundations import Telling
from server.errors import ConfigurationError
from server.gateways.embedded_redis import EmbeddedRedis
from server.lifecycle import MIGRATIONS
from server.models.database import Database
from server.models.migrations import Migrations
from server.pubsub.doorbell import Doorbell
from server.services.queue_control import QueueControl
from server.services.roles import Roles
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
async def open_control(settings: Settings) -> AsyncGenerator[Control]:
    """Open the database, and nothing else; Redis is only asked how much garbage there is, if it answers.

    Raises ConfigurationError, with what to do, when there is no database or not with this schema.
    """
    var = settings.app.var_dir.resolve()
    parameters = foundations.database_parameters(settings, var)
    if parameters.file is not None and not parameters.file.exists():
        raise ConfigurationError(f"There is no database at {parameters.file} yet: start the program first.")
    database = Database(parameters)
    url = EmbeddedRedis(var / "redis").url if settings.embedded_redis else foundations.redis_url(settings)
    brokers = foundations.brokers(settings, url, Telling())
    try:
        await database.open()
        await Migrations(database, MIGRATIONS).check()
        yield Control(business.queue_control(settings, database, Doorbell(brokers)), Roles(database))
    finally:
        for broker in brokers.values():
            await broker.shutdown()
        await database.close()
