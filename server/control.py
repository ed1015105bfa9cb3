"""Contexts for commands and the seeder: database and services, with or without a running server."""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from server.actors.supervisor import Supervisor
from server.assembly import database as assembled
from server.assembly import gateways
from server.assembly.caches import cache_guard, feeds_name
from server.assembly.claims import create_work_folder, data_folder
from server.assembly.collaborators import build_timelines
from server.assembly.database import (
    Schema,
    existing_database,
    node_ids,
    open_epochs,
    read_epoch,
    server_database,
)
from server.assembly.discovery import IndexAdministration, build_index_administration
from server.assembly.identity_providers import identity_providers
from server.assembly.jobs import build_jobs, build_queue_administration
from server.assembly.redis import (
    feeds_redis_url,
    pipelined_redis,
    queue_brokers,
    redis_connections,
    redis_url,
)
from server.assembly.repositories import Repositories
from server.assembly.resources import Instrumentation, Resources
from server.assembly.services import Services, build_services
from server.clock import Clock, SystemClock
from server.epoch import DatabaseEpoch
from server.errors import ConfigurationError, NotFound, Unavailable
from server.gateways.feed_store.cache_invalidations import InvalidationLog
from server.gateways.feed_store.cached_users import CachedUsers
from server.gateways.feed_store.timeline_audit import TimelineAudit
from server.gateways.feed_store.timelines import Timelines
from server.gateways.images.processor import ImageProcessor
from server.gateways.media import MediaStore
from server.gateways.outbox import Outbox
from server.gateways.redis.cache_lease import CacheLease
from server.gateways.redis.lease_marks import LeaseMarks
from server.gateways.redis.pipelined_client import PipelinedRedis
from server.gateways.redis.rate_limits import RateLimits
from server.ids import NODES, IdGenerator, UserId
from server.models.accounts.former_usernames import FormerUsernameRepository
from server.models.accounts.users import UserRepository
from server.models.content.posts import PostRepository
from server.models.database import Database
from server.models.erasure.mentions import StoredMentionRepository
from server.models.erasure.user_rows import UserRowRepository
from server.models.feed.consistency import ConsistencyRepository
from server.models.feed.feeds import FeedRepository
from server.models.feed.tagged_posts import TaggedPostRepository
from server.models.jobs.cache_generations import CacheGenerationRepository
from server.models.jobs.nodes import NodeRepository
from server.models.moderation.audit_chain import AuditChainRepository
from server.pubsub.job_notifier import JobNotifier
from server.services.accounts.roles import Roles
from server.services.accounts.usernames import normalize
from server.services.content.visibility import Visibility
from server.services.erasure.leftovers import LeftoverSearch
from server.services.feed.consistency_check import ConsistencyCheck
from server.services.feed.queries import FeedQueries
from server.services.jobs.cache_guard import CacheGuard
from server.services.jobs.jobs import Jobs
from server.services.jobs.nodes import NodeLease
from server.services.jobs.queue_administration import QueueAdministration
from server.services.jobs.unit_of_work import UnitOfWork
from server.services.moderation.audit_log import AuditCheck
from server.services.portability.imports import Imports
from server.settings import Settings

# Deleting or counting all of a large index takes longer than a request may.
INDEX_STATEMENT_S = 600.0


@dataclass(frozen=True, slots=True)
class AdminContext:
    """Services for administrative commands."""

    queues: QueueAdministration
    roles: Roles


@dataclass(frozen=True, slots=True)
class ImportContext:
    """Services for imports of archives."""

    imports: Imports
    lookup: UserRepository

    async def find_user(self, username: str) -> UserId:
        """Return the user with this name. Raises NotFound."""
        user_id = await self.lookup.find_id(normalize(username.removeprefix("@")))
        if user_id is None:
            raise NotFound(f"There is no user {username!r}: register the account first.")
        return user_id


@dataclass(frozen=True, slots=True)
class SeedContext:
    """Services for the seeder, which sets the time itself."""

    database: Database
    services: Services
    roles: Roles
    timelines: Timelines
    media: MediaStore
    images: ImageProcessor
    ids: IdGenerator
    work_dir: Path


def open_schema(settings: Settings, *, create: bool = False) -> AbstractAsyncContextManager[Schema]:
    """Open a database with any schema. Raises ConfigurationError if it does not exist, unless `create`."""
    return assembled.open_schema(settings, data_folder(settings), create=create)


@asynccontextmanager
async def open_admin_context(settings: Settings) -> AsyncGenerator[AdminContext]:
    """Open the database; Redis is optional.

    Raises ConfigurationError, saying what to do, if there is no database with the current schema.
    """
    var = data_folder(settings)
    async with (
        queue_brokers(settings, redis_url(settings, var), Instrumentation()) as brokers,
        pipelined_redis(settings, feeds_redis_url(settings, var)) as redis,
        existing_database(settings, var) as database,
    ):
        queues = build_queue_administration(settings, database, JobNotifier(brokers))
        guard = CacheGuard(redis, CacheGenerationRepository(database, feeds_name(settings)))
        # Without a lease on a node number: an id that another process hands out as well is refused by the database.
        ids = IdGenerator(SystemClock(), NODES - 1)
        jobs = build_jobs(settings, database, ids)
        yield AdminContext(queues, _roles(database, ids, jobs, InvalidationLog(redis, guard)))


@asynccontextmanager
async def open_audit_check(settings: Settings) -> AsyncGenerator[AuditCheck]:
    """Open the database. Raises ConfigurationError if there is none with the current schema."""
    async with existing_database(settings, data_folder(settings)) as database:
        yield AuditCheck(AuditChainRepository(database))


@asynccontextmanager
async def open_leftover_search(settings: Settings) -> AsyncGenerator[LeftoverSearch]:
    """Open the database and the Redis of a running server as `open_consistency_check`."""
    async with _database_and_redis(settings) as (database, redis):
        yield LeftoverSearch(
            UserRepository(database),
            FormerUsernameRepository(database),
            UserRowRepository(database),
            StoredMentionRepository(database),
            CachedUsers(redis),
            Outbox(data_folder(settings) / "outbox"),
        )


@asynccontextmanager
async def open_index_administration(settings: Settings) -> AsyncGenerator[IndexAdministration]:
    """Open the database for changes of the search index; Redis is optional, and a server may run at the same time.

    Raises ConfigurationError, saying what to do, if there is no database with the current schema.
    """
    var, instrumentation, epoch, clock = (
        data_folder(settings),
        Instrumentation(),
        DatabaseEpoch(),
        SystemClock(),
    )
    async with (
        existing_database(settings, var) as database,
        pipelined_redis(settings, feeds_redis_url(settings, var), epoch) as redis,
    ):
        await read_epoch(database, epoch, redis)
        lease = NodeLease(NodeRepository(database), clock)
        marks, supervisor = LeaseMarks(redis, epoch), Supervisor(instrumentation.metrics)
        epochs = open_epochs(database, epoch)
        async with node_ids(lease, epochs, marks, supervisor, instrumentation) as ids:
            jobs = build_jobs(settings, database, ids)
            # Its changes cause no jobs, so there is nothing to notify workers of.
            work = UnitOfWork(database, ids, clock, jobs, lambda _: None)
            with database.statement_timeout(INDEX_STATEMENT_S):
                yield build_index_administration(Repositories(database), work)


@asynccontextmanager
async def open_consistency_check(settings: Settings) -> AsyncGenerator[ConsistencyCheck]:
    """Open the database and the Redis of a running server, to compare them.

    Raises ConfigurationError, saying what to do, if either is not there.
    """
    async with _database_and_redis(settings) as (database, redis):
        visibility = Visibility(PostRepository(database))
        queries = FeedQueries(
            FeedRepository(database), TaggedPostRepository(database), visibility, SystemClock()
        )
        repository, users = ConsistencyRepository(database), UserRepository(database)
        audit = TimelineAudit(redis)
        yield ConsistencyCheck(repository, users, queries, audit, settings.feed.window)


@asynccontextmanager
async def _database_and_redis(settings: Settings) -> AsyncGenerator[tuple[Database, PipelinedRedis]]:
    """Open both as they are used by a running server. Raises ConfigurationError if either is not there."""
    var, epoch = data_folder(settings), DatabaseEpoch()
    async with (
        existing_database(settings, var) as database,
        pipelined_redis(settings, feeds_redis_url(settings, var), epoch) as redis,
    ):
        await open_epochs(database, epoch).refresh()
        try:
            await redis.command("PING")
            state = await CacheGenerationRepository(database, feeds_name(settings)).get()
            redis.lease = CacheLease(lasting=True, generation=state.generation if state else 0)
            yield database, redis
        except Unavailable as error:
            raise ConfigurationError(
                f"{error.reason} Check that the server is running and uses this Redis."
            ) from error


async def begin_epoch(settings: Settings) -> None:
    """Begin a new epoch of the database. Running processes notice it within a second. Raises ConfigurationError."""
    async with existing_database(settings, data_folder(settings)) as database:
        await open_epochs(database, DatabaseEpoch()).begin()


@asynccontextmanager
async def open_existing_database(settings: Settings) -> AsyncGenerator[Database]:
    """Open a database that exists with the current schema. Raises ConfigurationError."""
    async with existing_database(settings, data_folder(settings)) as database:
        yield database


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncGenerator[Database]:
    """Open the database alone, migrated as the server does it at startup. Raises ConfigurationError."""
    async with server_database(settings, data_folder(settings)) as database:
        yield database


@asynccontextmanager
async def open_seed_context(
    settings: Settings, database: Database, clock: Clock
) -> AsyncGenerator[SeedContext]:
    """Open the services on an open database; Redis is optional.

    Jobs are left to the server, whose dispatcher finds their rows. Ids are created under the free node number that
    was used longest ago, so that `clock` may be in the past.
    """
    var = data_folder(settings)
    work_dir = create_work_folder(var)
    url, instrumentation, epoch = redis_url(settings, var), Instrumentation(), DatabaseEpoch()
    lease = NodeLease(NodeRepository(database), clock, longest_unused=True)
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        redis = await enter(redis_connections(settings, url, checked=False))
        pipelined = await enter(pipelined_redis(settings, feeds_redis_url(settings, var), epoch))
        await read_epoch(database, epoch, pipelined)
        epochs, marks = open_epochs(database, epoch), LeaseMarks(pipelined, epoch)
        supervisor = Supervisor(instrumentation.metrics)
        guard = await enter(cache_guard(pipelined, database, feeds_name(settings), supervisor))
        resources = Resources(
            database=database,
            epoch=epoch,
            redis=redis,
            pipelined_redis=pipelined,
            feeds_redis=pipelined,
            cache_guard=guard,
            feeds_guard=guard,
            job_notifier=JobNotifier(await enter(queue_brokers(settings, url, instrumentation))),
            images=await enter(gateways.image_processor(settings, instrumentation)),
            passwords=await enter(gateways.password_hasher(settings, instrumentation)),
            identity_providers=await enter(identity_providers(settings)),
            media=await enter(gateways.media_store(settings, var, database)),
            email=await enter(gateways.email_sender(settings, var, instrumentation)),
            push=await enter(gateways.push_sender(settings, var, instrumentation)),
            ids=await enter(node_ids(lease, epochs, marks, supervisor, instrumentation)),
            rate_limits=RateLimits(pipelined),
            instrumentation=instrumentation,
        )
        services, jobs = build_services(_without_avif(settings), var, resources, clock)
        yield SeedContext(
            database=database,
            services=services,
            roles=_roles(database, resources.ids, jobs, InvalidationLog(pipelined, guard)),
            timelines=build_timelines(settings, pipelined),
            media=resources.media,
            images=resources.images,
            ids=resources.ids,
            work_dir=work_dir,
        )


def _without_avif(settings: Settings) -> Settings:
    """Return the settings for sample data, whose AVIFs would keep the workers of a new installation busy."""
    uploads = settings.uploads.model_copy(update={"modern_format": False})
    return settings.model_copy(update={"uploads": uploads})


def _roles(database: Database, ids: IdGenerator, jobs: Jobs, invalidations: InvalidationLog) -> Roles:
    """Build the service. Its changes cause no jobs."""
    work = UnitOfWork(database, ids, SystemClock(), jobs, lambda _: None)
    return Roles(UserRepository(database), AuditChainRepository(database), work, invalidations)


@asynccontextmanager
async def open_import_context(settings: Settings) -> AsyncGenerator[ImportContext]:
    """Open the services on an existing database; Redis and a running server are optional.

    Raises ConfigurationError, saying what to do, if there is no database with the current schema.
    """
    async with (
        existing_database(settings, data_folder(settings)) as database,
        open_seed_context(settings, database, SystemClock()) as context,
    ):
        yield ImportContext(context.services.imports, UserRepository(database))


async def drop_feeds(settings: Settings) -> None:
    """Delete the cached feeds, which are rebuilt on demand. Does nothing if Redis is unavailable."""
    async with pipelined_redis(settings, feeds_redis_url(settings, data_folder(settings))) as redis:
        with suppress(Unavailable):
            await build_timelines(settings, redis).drop_all()


async def hash_password(settings: Settings, password: str) -> str:
    """Return the hash of `password` with the configured cost."""
    async with gateways.password_hasher(settings, Instrumentation()) as passwords:
        return await passwords.hash(password)
