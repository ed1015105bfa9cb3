"""Startup and shutdown of one server process: opens each resource in order and closes them in reverse."""

from collections.abc import Awaitable, Callable
from enum import StrEnum
from functools import partial
from socket import socket

from aiohttp import web

from server.actors.replica_monitor import ReplicaMonitor
from server.actors.supervisor import Supervisor
from server.app import build_app, build_worker_app
from server.assembly import actors, banner, gateways, http
from server.assembly.caches import FEEDS, MAIN, cache_guard
from server.assembly.claims import (
    claimed_port,
    claimed_role,
    closing_listener,
    create_work_folder,
    data_folder,
)
from server.assembly.database import node_ids, open_epochs, read_epoch, server_database
from server.assembly.identity_providers import identity_providers
from server.assembly.processes import describe_process
from server.assembly.redis import (
    embedded_redis,
    feeds_redis,
    job_notifier,
    pipelined_redis,
    queue_brokers,
    redis_connections,
    redis_url,
)
from server.assembly.resources import Instrumentation, Resources
from server.assembly.services import Services, build_services
from server.assembly.serving import Departure, serving, serving_deadline_s
from server.assembly.shutdown import CLOSE_S, ShutdownStages
from server.assembly.tracing import exported_traces
from server.clock import SystemClock
from server.epoch import DatabaseEpoch
from server.gateways.redis.lease_marks import LeaseMarks
from server.gateways.redis.rate_limits import RateLimits
from server.handlers.http.client_ip import ClientIps
from server.handlers.http.connections.connection_limits import ConnectionLimits
from server.handlers.http.middleware import InFlight
from server.metrics import Metrics
from server.models.jobs.nodes import NodeRepository
from server.outages import Outage
from server.processes.membership import Leave, Membership
from server.pubsub.broker import QueueBroker
from server.pubsub.hub import Hub
from server.pubsub.subscription import CloseReason
from server.services.jobs.nodes import NodeLease
from server.settings import Settings

EMBEDDED_REDIS_CLOSE_S = 10.0


class ProcessRole(StrEnum):
    """Duties of a process: answer requests, run jobs, or both."""

    API = "api"
    WORKER = "worker"
    ALL = "all"

    @property
    def parts(self) -> "tuple[ProcessRole, ...]":
        return (ProcessRole.API, ProcessRole.WORKER) if self is ProcessRole.ALL else (self,)


class Lifecycle:
    """One server process. Call `close` also after an `open` that failed."""

    def __init__(self, settings: Settings, role: ProcessRole, membership: Membership | None = None) -> None:
        """As a member of a group, the process has its port and its roles from the supervisor."""
        self.settings = settings
        self._membership = membership
        self._members = 1 if membership is None else membership.members
        self.role = role
        self.port = 0
        self._serves_api = ProcessRole.API in role.parts
        self._runs_jobs = ProcessRole.WORKER in role.parts
        self._instrumentation = Instrumentation(Metrics(of_process=True))
        self._supervisor = Supervisor(self._instrumentation.metrics)
        self._in_flight = InFlight(
            self._instrumentation.metrics,
            ClientIps(settings.trusted_proxies),
            self._instrumentation.tracer,
            continue_traces=settings.tracing.continue_from_proxies,
        )
        self._stages = ShutdownStages(settings.shutdown.total_s)
        # Balancers send no requests to a worker.
        self._departure = Departure(settings.lame_duck_s if self._serves_api else 0.0)
        self._drain_jobs: Callable[[], None] = lambda: None
        self._var = data_folder(settings)

    @property
    def metrics(self) -> Metrics:
        return self._instrumentation.metrics

    async def open(self) -> None:
        """Open everything the role needs, HTTP last. Raises ConfigurationError, saying what to do."""
        listener = await self._claim_port_and_roles()
        await self._stages.enter(
            "traces", exported_traces(self.settings, self._instrumentation, self.role.value)
        )
        resources, brokers = await self._open_resources()
        services, jobs = build_services(self.settings, self._var, resources)
        await self._start("health monitor", actors.health_monitor(resources).run)
        if resources.database.replicas.all:
            await self._start("replica monitor", ReplicaMonitor(resources.database.replicas.check).run)
        await self._stages.enter(
            "cache invalidation",
            actors.running_cache_invalidation(services.cache_invalidation, self._supervisor),
        )
        if self._runs_jobs:
            running = actors.running_workers(
                self.settings, resources, services, jobs, brokers, self._supervisor, self._stages.cut_off
            )
            deadline_s = self.settings.shutdown.jobs_s + CLOSE_S
            self._drain_jobs = await self._stages.enter("jobs", running, deadline_s, announced=True)
        if listener is not None and self._serves_api:
            await self._serve_api(listener, resources, services)
        elif listener is not None:
            observed = self._observe(resources)
            app = build_worker_app(self.settings, services, self._in_flight, observed)
            await self._serve(app, listener)

    async def close(self, leave: Leave = Leave.STOPPED) -> bool:
        """Close everything in reverse, within `shutdown.total_s`; requests and jobs are finished at the same time.

        Returns True if each stage ended in time with nothing cut off.
        """
        self._stages.begin()
        self._departure.replaced = leave is Leave.REPLACED
        if leave is Leave.ORPHANED:  # the port is needed to start the program again
            self._departure.lame_duck_s = 0.0
        self._in_flight.draining = True
        self._drain_jobs()
        await self._stages.aclose()
        return self._stages.clean

    def describe(self) -> dict[str, str]:
        """Return addresses, role and dependencies, for the banner."""
        return {
            **banner.addresses(self.settings, self.port, serves=self._serves_api),
            "role": f"{self.role}, {self.settings.app.env}",
            **banner.dependencies(self.settings, self._var),
        }

    async def _claim_port_and_roles(self) -> socket | None:
        """Fail before anything is started if another process has the port or a role."""
        app, enter, listener = self.settings.app, self._stages.enter, None
        if self._membership is not None:
            listener = self._membership.listener()
            if listener is not None:
                await enter("port", closing_listener(listener))
                self.port = listener.getsockname()[1]
        elif self._serves_api or app.worker_port:
            port = app.port if self._serves_api else app.worker_port
            listener = await enter("port", claimed_port(app.host, port))
            self.port = listener.getsockname()[1]
        if self._serves_api:  # port 0 becomes known only here, and links and media URLs contain it
            bound = app.model_copy(update={"port": self.port})
            self.settings = self.settings.model_copy(update={"app": bound})
        create_work_folder(self._var)
        if self._membership is None and (self.settings.embedded_database or self.settings.embedded_redis):
            for role in self.role.parts:
                await enter(f"{role} role", claimed_role(self._var, role))
        return listener

    async def _open_resources(self) -> tuple[Resources, dict[str, QueueBroker]]:
        settings, var, enter = self.settings, self._var, self._stages.enter
        url, instrumentation, epoch = redis_url(settings, var), self._instrumentation, DatabaseEpoch()
        if settings.embedded_redis:
            embedded = embedded_redis(var, self._supervisor)
            await enter("embedded redis", embedded, EMBEDDED_REDIS_CLOSE_S)
        redis = await enter("redis", redis_connections(settings, url))
        pipelined = feeds = await enter(
            "pipelined redis", pipelined_redis(settings, url, epoch, instrumentation)
        )
        if settings.redis.feeds_url:
            feeds = await enter("feeds redis", feeds_redis(settings, epoch, instrumentation))
        database = await enter("database", server_database(settings, var, instrumentation))
        await read_epoch(database, epoch, pipelined)
        listening = queue_brokers(settings, url, instrumentation, listening=self._runs_jobs)
        brokers = await enter("brokers", listening)
        pools = [redis.connection_pool, *(broker.connection_pool for broker in brokers.values())]
        guarded = cache_guard(pipelined, database, MAIN, self._supervisor, instrumentation.redis, pools)
        guard = feeds_guard = await enter("cache guard", guarded)
        if feeds is not pipelined:
            guarded = cache_guard(feeds, database, FEEDS, self._supervisor, Outage("feeds_redis"))
            feeds_guard = await enter("feeds cache guard", guarded)
        describe = partial(
            describe_process, self.role, SystemClock().now_ms(), self._supervisor, instrumentation
        )
        lease = NodeLease(NodeRepository(database), SystemClock(), settings.ids.node, describe=describe)
        epochs, marks = open_epochs(database, epoch), LeaseMarks(pipelined, epoch)
        leased = node_ids(lease, epochs, marks, self._supervisor, instrumentation)
        ids = await enter("node lease", leased)
        resources = Resources(
            database=database,
            epoch=epoch,
            redis=redis,
            pipelined_redis=pipelined,
            feeds_redis=feeds,
            cache_guard=guard,
            feeds_guard=feeds_guard,
            ids=ids,
            job_notifier=await enter("job notifier", job_notifier(brokers, self._supervisor)),
            images=await enter(
                "image processor", gateways.image_processor(settings, instrumentation, self._members)
            ),
            passwords=await enter(
                "password threads", gateways.password_hasher(settings, instrumentation, self._members)
            ),
            identity_providers=await enter("identity providers", identity_providers(settings)),
            media=await enter("media store", gateways.media_store(settings, var, database)),
            email=await enter("email", gateways.email_sender(settings, var, instrumentation)),
            push=await enter("push", gateways.push_sender(settings, var, instrumentation)),
            rate_limits=RateLimits(pipelined),
            instrumentation=instrumentation,
        )
        return resources, brokers

    async def _serve_api(self, listener: socket, resources: Resources, services: Services) -> None:
        settings = self.settings
        hub = Hub(settings.stream.max_per_user)
        resources.epoch.listen(lambda: hub.end_streams(CloseReason.DATABASE_RESTORED))
        await self._start("relay", actors.relay(resources, services, hub).run)
        await self._start("revocation poller", actors.revocation_poller(resources, services, hub).run)
        app = build_app(
            settings,
            services,
            http.form_reader(settings, self._var / "tmp"),
            resources.media,
            hub,
            self._in_flight,
            self._observe(resources),
            http.rate_limiting(settings, resources.rate_limits),
        )
        await self._serve(app, listener, on_stop=lambda: hub.close_all(CloseReason.SHUTDOWN))

    async def _serve(
        self, app: web.Application, listener: socket, on_stop: Callable[[], None] = lambda: None
    ) -> None:
        requests_s, app_settings = self.settings.shutdown.requests_s, self.settings.app
        deadline_s = serving_deadline_s(self._departure.lame_duck_s, requests_s)
        limits = ConnectionLimits(
            app_settings.connections_per_address, ClientIps(app_settings.trusted_proxies or ())
        )
        served = serving(
            app,
            listener,
            self._in_flight,
            requests_s,
            departure=self._departure,
            connection_limits=limits,
            on_stop=on_stop,
            on_cut_off=self._stages.cut_off,
        )
        await self._stages.enter("http", served, deadline_s, announced=True)

    def _observe(self, resources: Resources) -> http.Observability:
        render = None if self._membership is None else self._membership.render_metrics
        return http.observability(resources, self._supervisor.actors, render)

    async def _start(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        await self._stages.enter(name, self._supervisor.running(name, run))
