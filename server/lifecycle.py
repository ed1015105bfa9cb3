"""The order of life and death: opens every part once, from the ground up, and has them closed in reverse."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from socket import socket

import structlog
from aiohttp import web
from redis.asyncio import Redis

from server.actors.supervisor import Supervisor
from server.app import Observability, Services, build_app, build_worker_app
from server.assembly import actors, banner, http, resources, services
from server.assembly.resources import Instrumentation, Resources
from server.assembly.serving import Serving
from server.assembly.shutdown import CLOSE_S, ShutdownStages, at_once
from server.clock import SystemClock
from server.errors import ConfigurationError, Unavailable
from server.gateways.embedded_redis.embedded_redis import EmbeddedRedis
from server.gateways.process_claims import bind, claim_role
from server.gateways.redis.client import check, redis_client
from server.gateways.redis.pipelined_client import PipelinedRedis
from server.handlers.http.client_ip import ClientIps
from server.handlers.http.middleware import InFlight
from server.ids import IdGenerator
from server.metrics import Metrics
from server.models.database import Database
from server.models.migrations import Migrations
from server.pubsub.broker import QueueBroker
from server.pubsub.hub import Hub
from server.pubsub.job_notifier import JobNotifier
from server.pubsub.subscription import CloseReason
from server.services.jobs.jobs import Jobs
from server.services.jobs.nodes import RENEW_S, NodeLease
from server.settings import Settings

log = structlog.get_logger(__name__)

MIGRATIONS = Path(__file__).parent.parent / "migrations"


class ProcessRole(StrEnum):
    """What a process does: answer requests, run jobs, or both."""

    API = "api"
    WORKER = "worker"
    ALL = "all"

    @property
    def parts(self) -> "tuple[ProcessRole, ...]":
        return (ProcessRole.API, ProcessRole.WORKER) if self is ProcessRole.ALL else (self,)


class Lifecycle:
    """One process of the program. `open`, then work, then `close`; `close` also after an `open` that failed."""

    def __init__(self, settings: Settings, role: ProcessRole) -> None:
        self.settings = settings
        self.role = role
        self.told = Instrumentation(Metrics(of_process=True))
        self.supervisor = Supervisor(self.told.metrics)
        self.services: Services
        self.port = 0
        self._stages = ShutdownStages()
        self._opened = self._stages.opened
        self._in_flight = InFlight(self.told.metrics, ClientIps(settings.app.trusted_proxies))
        self._var = settings.app.var_dir.resolve()

    async def open(self) -> None:
        """Bring every part of the role up, HTTP last. Raises ConfigurationError with a sentence for a person."""
        listener = self._claim()
        redis_url = await self._open_embedded_redis()
        redis = await self._open_redis(redis_url)
        wire = self._open_wire(redis_url)
        feeds_url = self.settings.redis.feeds_url
        feed_wire = await self._open_feed_wire(feeds_url) if feeds_url else wire
        database = await self._open_database()
        ids = await self._open_ids(database)
        brokers = await self._open_brokers(redis_url)
        on = self._foundations(database, redis, (wire, feed_wire), ids, JobNotifier(brokers))
        self.services, jobs = services.services(self.settings, self._var, on)
        self._open_doorbell(on.doorbell)
        self._open_watch(on)
        if ProcessRole.WORKER in self.role.parts:
            self._open_workers(on, jobs, brokers)
        if ProcessRole.API in self.role.parts:
            assert listener is not None
            await self._open_http(listener, on)
        elif listener is not None:
            insight = self._insight(on)
            app = build_worker_app(self.settings, self.services, self._in_flight, insight)
            await self._serve(app, listener)

    async def close(self) -> bool:
        """Close everything in reverse; True if each part ended within its deadline and with nothing cut off."""
        self._in_flight.leaving = True
        return await self._stages.close()

    def described(self) -> dict[str, str]:
        """What runs where, for the banner."""
        settings, serves = self.settings, ProcessRole.API in self.role.parts
        return {
            **banner.addresses(settings, self.port, serves=serves),
            "role": f"{self.role}, {settings.app.env}",
            **banner.parts(settings, self._var),
        }

    def _claim(self) -> socket | None:
        """Take the port and the role before anything is started, so that a twin is refused at once."""
        app, listener = self.settings.app, None
        serves = ProcessRole.API in self.role.parts
        if serves or app.worker_port:
            listener = bind(app.host, app.port if serves else app.worker_port)
            self.port = listener.getsockname()[1]
            self._opened("port", at_once(listener.close))
        if serves:  # with port 0 only now is it known what stands in the links and media URLs
            settled = app.model_copy(update={"port": self.port})
            self.settings = self.settings.model_copy(update={"app": settled})
        try:
            (self._var / "tmp").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(
                f"{self._var} cannot be written ({error.strerror}): set VAR_DIR."
            ) from error
        if self.settings.embedded_database or self.settings.embedded_redis:
            for role in self.role.parts:
                self._opened(f"lock of role {role}", at_once(claim_role(self._var, role).close))
        return listener

    async def _open_embedded_redis(self) -> str:
        if not self.settings.embedded_redis:
            return resources.redis_url(self.settings)
        embedded = EmbeddedRedis(self._var / "redis")
        await embedded.start()
        keeper = self.supervisor.start("embedded redis", embedded.run)

        async def close() -> None:
            await embedded.stop()
            await self.supervisor.stop(keeper)

        self._opened("embedded redis", close, 10.0)
        return embedded.url

    async def _open_redis(self, url: str) -> Redis:
        redis = redis_client(url, self.settings.redis.timeout_s)
        self._opened("redis", redis.aclose)
        await check(redis, banner.redact_url(url))
        return redis

    def _open_wire(self, url: str) -> PipelinedRedis:
        wire = PipelinedRedis(url, self.settings.redis.timeout_s)
        self._opened("redis wire", wire.close)
        return wire

    async def _open_feed_wire(self, url: str) -> PipelinedRedis:
        wire = self._open_wire(url)
        try:
            await wire.command("PING")
        except Unavailable as error:
            raise ConfigurationError(
                f"No Redis answers at {banner.redact_url(url)} ({error.reason}) Check REDIS_FEEDS_URL."
            ) from error
        return wire

    async def _open_database(self) -> Database:
        database = Database(resources.database_parameters(self.settings, self._var))
        self._opened("database", database.close)
        await database.open()
        migrations = Migrations(database, MIGRATIONS)
        if self.settings.migrate_at_start:
            applied = await migrations.upgrade()
            if applied:
                log.info("migrated", migrations=len(applied), newest=applied[-1])
        await migrations.check()
        return database

    async def _open_ids(self, database: Database) -> IdGenerator:
        lease = NodeLease(database, SystemClock(), self.settings.ids.node)
        ids = await lease.take()

        async def keep() -> None:
            while True:
                await asyncio.sleep(RENEW_S)
                with suppress(Unavailable):
                    await lease.renew(ids)

        keeper = self.supervisor.start("node lease", keep)

        async def close() -> None:
            await self.supervisor.stop(keeper)
            await lease.give_back(ids)

        self._opened("node lease", close)
        return ids

    async def _open_brokers(self, redis_url: str) -> dict[str, QueueBroker]:
        brokers = resources.brokers(self.settings, redis_url, self.told)

        async def close() -> None:
            for broker in brokers.values():
                await broker.shutdown()

        self._opened("brokers", close)
        if ProcessRole.WORKER in self.role.parts:
            for broker in brokers.values():
                await broker.startup()
        return brokers

    def _foundations(
        self,
        database: Database,
        redis: Redis,
        wires: tuple[PipelinedRedis, PipelinedRedis],
        ids: IdGenerator,
        doorbell: JobNotifier,
    ) -> Resources:
        images = resources.image_processor(self.settings)
        passwords = resources.passwords(self.settings)
        self._opened("image children", images.stop)
        self._opened("password threads", passwords.close)
        media = resources.media_store(self.settings, self._var)
        self._opened("media store", media.close)
        email = resources.email(self.settings, self._var, self.told)
        push = resources.push(self.settings, self._var, self.told)
        self._opened("email", email.close)
        self._opened("push", push.close)
        return Resources(
            database, redis, *wires, ids, doorbell, media, images, passwords, email, push, self.told
        )

    def _open_doorbell(self, doorbell: JobNotifier) -> None:
        actor = self.supervisor.start("doorbell", doorbell.run)

        async def close() -> None:
            await self.supervisor.stop(actor)
            await doorbell.flush()

        self._opened("doorbell", close)

    def _open_watch(self, on: Resources) -> None:
        watching = self.supervisor.start("watch", actors.watch(on).run)
        sweeping = self.supervisor.start("cache sweep", self.services.freshness.run)

        async def close() -> None:
            await self.supervisor.stop(watching, sweeping)
            with suppress(Unavailable):
                await self.services.freshness.sweep()

        self._opened("watch", close)

    def _open_workers(self, on: Resources, jobs: Jobs, brokers: dict[str, QueueBroker]) -> None:
        workers = actors.workers(self.settings, on, self.services, jobs, brokers)
        running = [self.supervisor.start(f"{queue} worker", worker.run) for queue, worker in workers.items()]
        dispatching = self.supervisor.start(
            "dispatcher", actors.dispatcher(self.settings, on, self.services, jobs).run
        )

        async def close() -> None:
            await self.supervisor.stop(dispatching)
            cut_off = sum(await asyncio.gather(*(worker.drain() for worker in workers.values())))
            await self.supervisor.stop(*running)
            if cut_off:
                self._stages.cut_off()
                log.error("jobs_handed_back", jobs=cut_off)

        self._opened("jobs", close, self.settings.shutdown.jobs_s + CLOSE_S)

    async def _open_http(self, listener: socket, on: Resources) -> None:
        settings = self.settings
        hub = Hub(settings.stream.max_per_user)
        relaying = self.supervisor.start("relay", actors.relay(on, self.services, hub).run)
        watching = self.supervisor.start("session watch", actors.session_watch(on, self.services, hub).run)
        self._opened("relay", lambda: self.supervisor.stop(relaying, watching))
        uploads = http.uploads(settings, self._var / "tmp")
        insight, throttling = self._insight(on), http.throttling(settings, on.throttle)
        app = build_app(settings, self.services, uploads, on.media, hub, self._in_flight, insight, throttling)
        await self._serve(app, listener, on_close=lambda: hub.close_all(CloseReason.SHUTDOWN))

    def _insight(self, on: Resources) -> Observability:
        started = self.supervisor.actors
        return Observability(
            checks=http.checks(on, started),
            restarts=lambda: {actor.name: actor.restarts for actor in started},
            metrics=self.told.metrics,
        )

    async def _serve(
        self, app: web.Application, listener: socket, on_close: Callable[[], None] = lambda: None
    ) -> None:
        serving = Serving(app, self._in_flight, self.settings.shutdown.requests_s)
        await serving.open(listener)

        async def close() -> None:
            if not await serving.close(on_close):
                self._stages.cut_off()

        self._opened("http", close, serving.close_within_s)
