"""What an operator's commands work with: the database without the program around it, migrated, steered or filled."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from server.app import Services
from server.assembly import resources, services
from server.assembly.resources import Instrumentation, Resources
from server.clock import Clock, SystemClock
from server.errors import ConfigurationError, Unavailable
from server.gateways.embedded_redis.embedded_redis import EmbeddedRedis
from server.gateways.feed_store.cache_invalidations import InvalidationLog
from server.gateways.feed_store.timeline_audit import TimelineAudit
from server.gateways.feed_store.timelines import Timelines
from server.gateways.images.processor import ImageProcessor
from server.gateways.media import MediaStore
from server.gateways.redis.client import redis_client
from server.gateways.redis.pipelined_client import PipelinedRedis
from server.ids import IdGenerator
from server.lifecycle import MIGRATIONS
from server.models.database import Database, DatabaseParameters
from server.models.migrations import Migrations
from server.pubsub.job_notifier import JobNotifier
from server.services.accounts.roles import Roles
from server.services.content.visibility import Visibility
from server.services.feed.consistency_check import ConsistencyCheck
from server.services.feed.queries import FeedQueries
from server.services.jobs.nodes import RENEW_S, NodeLease
from server.services.jobs.queue_administration import QueueAdministration
from server.settings import Settings


async def migrate(settings: Settings, on_step: Callable[[str], None]) -> list[str]:
    """Bring the schema up to date without starting anything else; the names of what was applied."""
    async with _opened(_parameters(settings)) as database:
        return await Migrations(database, MIGRATIONS).upgrade(on_step)


@dataclass(frozen=True, slots=True)
class AdminContext:
    """What an operator's commands work with, beside a running program or without one."""

    queues: QueueAdministration
    roles: Roles


@asynccontextmanager
async def open_consistency_check(settings: Settings) -> AsyncGenerator[ConsistencyCheck]:
    """The database and the Redis of a program that runs, to compare the one with the other.

    Raises ConfigurationError as `open_admin_context` does, and without a Redis that answers.
    """
    async with _database(settings) as database:
        url = _feeds_url(settings)
        wire = PipelinedRedis(url, settings.redis.timeout_s)
        try:
            await wire.command("PING")
            visibility = Visibility(database)
            source = FeedQueries(database, visibility, SystemClock())
            yield ConsistencyCheck(database, source, TimelineAudit(wire), settings.feed.window)
        except Unavailable as error:
            raise ConfigurationError(
                f"{error.reason} Is the program running, and does it use this Redis?"
            ) from error
        finally:
            await wire.close()


def _feeds_url(settings: Settings) -> str:
    return settings.redis.feeds_url or _redis_url(settings, settings.app.var_dir.resolve())


def _redis_url(settings: Settings, var: Path) -> str:
    return EmbeddedRedis(var / "redis").url if settings.embedded_redis else resources.redis_url(settings)


@asynccontextmanager
async def _database(settings: Settings) -> AsyncGenerator[Database]:
    parameters = _parameters(settings)
    if parameters.file is not None and not parameters.file.exists():
        raise ConfigurationError(f"There is no database at {parameters.file} yet: start the program first.")
    async with _opened(parameters) as database:
        await Migrations(database, MIGRATIONS).check()
        yield database


def _parameters(settings: Settings) -> DatabaseParameters:
    return resources.database_parameters(settings, settings.app.var_dir.resolve())


@asynccontextmanager
async def _opened(parameters: DatabaseParameters) -> AsyncGenerator[Database]:
    database = Database(parameters)
    try:
        await database.open()
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def open_admin_context(settings: Settings) -> AsyncGenerator[AdminContext]:
    """Open the database, and nothing else; Redis is only asked how much garbage there is, if it answers.

    Raises ConfigurationError, with what to do, when there is no database or not with this schema.
    """
    var = settings.app.var_dir.resolve()
    brokers = resources.brokers(settings, _redis_url(settings, var), Instrumentation())
    wire = PipelinedRedis(_feeds_url(settings), settings.redis.timeout_s)
    try:
        async with _database(settings) as database:
            roles = Roles(database, InvalidationLog(wire))
            yield AdminContext(services.queue_control(settings, database, JobNotifier(brokers)), roles)
    finally:
        await wire.close()
        for broker in brokers.values():
            await broker.shutdown()


@dataclass(frozen=True, slots=True)
class SeedContext:
    """What fills a database works with: the services as the program has them, at a time that can be set."""

    database: Database
    services: Services
    roles: Roles
    timelines: Timelines
    media: MediaStore
    images: ImageProcessor
    ids: IdGenerator
    work_dir: Path


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncGenerator[Database]:
    """The database alone, migrated as the program migrates it at its start. Raises ConfigurationError."""
    async with _opened(_parameters(settings)) as database:
        migrations = Migrations(database, MIGRATIONS)
        if settings.migrate_at_start:
            await migrations.upgrade()
        await migrations.check()
        yield database


@asynccontextmanager
async def open_seed_context(
    settings: Settings, database: Database, clock: Clock
) -> AsyncGenerator[SeedContext]:
    """The services on an open database, beside a running program or without one. Their jobs are the program's to do.

    Redis may be away. Nothing is rung for, as the dispatcher finds the rows. Ids are made under the free node number
    that was used longest ago, so that `clock` may stand in the past.
    """
    var = settings.app.var_dir.resolve()
    (var / "tmp").mkdir(parents=True, exist_ok=True)
    url = _redis_url(settings, var)
    told = Instrumentation()
    redis, brokers = redis_client(url, settings.redis.timeout_s), resources.brokers(settings, url, told)
    wire = PipelinedRedis(_feeds_url(settings), settings.redis.timeout_s)
    images, passwords = resources.image_processor(settings), resources.passwords(settings)
    media, push = resources.media_store(settings, var), resources.push(settings, var, told)
    try:
        async with _ids(database, clock) as ids:
            bell = JobNotifier(brokers)
            email = resources.email(settings, var, told)
            on = Resources(
                database, redis, wire, wire, ids, bell, media, images, passwords, email, push, told
            )
            built, _ = services.services(settings, var, on, clock)
            roles, timelines = Roles(database, InvalidationLog(wire)), services.timelines(settings, wire)
            yield SeedContext(database, built, roles, timelines, media, images, ids, var / "tmp")
    finally:
        await images.stop()
        await passwords.close()
        await media.close()
        await push.close()
        await wire.close()
        for broker in brokers.values():
            await broker.shutdown()
        await redis.aclose()


async def drop_feeds(settings: Settings) -> None:
    """Forget what Redis holds of feeds, to be built again when it is wanted; nothing if Redis does not answer."""
    wire = PipelinedRedis(_feeds_url(settings), settings.redis.timeout_s)
    try:
        with suppress(Unavailable):
            await services.timelines(settings, wire).drop_all()
    finally:
        await wire.close()


async def hash_password(settings: Settings, password: str) -> str:
    """The hash with which an account is made that `password` opens."""
    passwords = resources.passwords(settings)
    try:
        return await passwords.hash(password)
    finally:
        await passwords.close()


@asynccontextmanager
async def _ids(database: Database, clock: Clock) -> AsyncGenerator[IdGenerator]:
    """Ids under a leased node number, renewed meanwhile and given back."""
    lease = NodeLease(database, clock, longest_unused=True)
    ids = await lease.take()

    async def keep() -> None:
        while True:
            await asyncio.sleep(RENEW_S)
            with suppress(Unavailable):
                await lease.renew(ids)

    keeper = asyncio.create_task(keep())
    try:
        yield ids
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)
        await lease.give_back(ids)
