"""Makes the parts out of the settings, each with its collaborators. Opens nothing: the order is the lifecycle's."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from redis.asyncio import Redis

from server.actors.dispatcher import Dispatcher
from server.actors.gate import Gate
from server.actors.relay import Relay
from server.actors.supervisor import Actor
from server.actors.watch import Watch
from server.actors.worker import Handler, Worker
from server.app import Services
from server.clock import SystemClock
from server.gateways.images import ImageProcessor
from server.gateways.media import MediaStore
from server.gateways.passwords import Passwords
from server.gateways.rate_limiter import RateLimiter
from server.gateways.timelines import Timelines
from server.handlers.health import Check
from server.handlers.uploads import UploadLimits, Uploads
from server.ids import IdGenerator, made_at_ms
from server.metrics import Metrics
from server.models.database import Database, DatabaseParameters
from server.outages import Outage
from server.pubsub.broker import QueueBroker
from server.pubsub.doorbell import Doorbell
from server.pubsub.hub import Hub
from server.pubsub.publisher import Publisher
from server.pubsub.receiver import QueueReceiver
from server.pubsub.turn import Turn
from server.services.accounts import Accounts
from server.services.cards import Cards
from server.services.comments import Comments
from server.services.feed import Feed
from server.services.follows import Follows
from server.services.jobs import Claim, Jobs, RetryRule
from server.services.likes import Likes
from server.services.maintenance import Kept, Maintenance
from server.services.notifications import Notifications
from server.services.posts import Posts
from server.services.profiles import Profiles
from server.services.queue_control import QueueControl, QueueLimits
from server.services.reactions import JobKind, Queue
from server.services.schedules import Recurring, Schedules
from server.services.sessions import Sessions, TokenRules
from server.services.unit_of_work import UnitOfWork
from server.settings import QueueSettings, Settings

OUTAGE_SETTLED_S = 3.0  # longer than any loop that meets an outage waits between two attempts


@dataclass(frozen=True, slots=True)
class Telling:
    """Who is told what happens in this process: its figures, and the outages of the parts that it depends on."""

    metrics: Metrics = field(default_factory=Metrics)
    redis: Outage = field(default_factory=lambda: Outage("redis", settled_after_s=OUTAGE_SETTLED_S))
    database: Outage = field(default_factory=lambda: Outage("database", settled_after_s=OUTAGE_SETTLED_S))


@dataclass(frozen=True, slots=True)
class Foundations:
    """What the services stand on, open and working."""

    database: Database
    redis: Redis
    ids: IdGenerator
    doorbell: Doorbell
    media: MediaStore
    images: ImageProcessor
    passwords: Passwords
    told: Telling = field(default_factory=Telling)


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


def media_store(settings: Settings, var: Path) -> MediaStore:
    uploads, public_url = settings.uploads, f"{settings.public_url}/media"
    if uploads.media_url:
        return MediaStore.in_bucket(uploads.media_url, public_url=public_url)
    return MediaStore.in_folder(Path(uploads.dest) if uploads.dest else var / "media", public_url=public_url)


def image_processor(settings: Settings) -> ImageProcessor:
    uploads = settings.uploads
    return ImageProcessor(
        workers=uploads.image_workers, max_pixels=uploads.max_pixels, timeout_s=uploads.image_timeout_s
    )


def passwords(settings: Settings) -> Passwords:
    auth = settings.auth
    return Passwords(auth.bcrypt_cost, auth.bcrypt_threads, auth.bcrypt_queue)


def uploads(settings: Settings, work_dir: Path) -> Uploads:
    chosen = settings.uploads
    return Uploads(
        work_dir, UploadLimits(chosen.max_file_bytes, chosen.max_files, settings.app.body_timeout_s)
    )


def brokers(settings: Settings, redis_url: str, told: Telling) -> dict[str, QueueBroker]:
    return {
        queue: QueueBroker(
            redis_url,
            queue,
            call_timeout_s=settings.redis.timeout_s,
            count_garbage=lambda flaw, queue=queue: told.metrics.garbage_found(queue, flaw),
            outage=told.redis,
        )
        for queue in Queue
    }


def jobs(settings: Settings, database: Database, ids: IdGenerator) -> Jobs:
    queues = settings.queues
    rules = {
        queue: RetryRule(chosen.max_attempts, chosen.backoff_ms, queues.backoff_cap_ms)
        for queue, chosen in _queues(settings).items()
    }
    return Jobs(database, ids, rules, queues.lease_ms, queues.max_deaths)


def services(settings: Settings, var: Path, on: Foundations) -> tuple[Services, Jobs]:
    """The nouns of the business, and the jobs that they cause."""
    clock = SystemClock()
    the_jobs = jobs(settings, on.database, on.ids)
    work = UnitOfWork(on.database, on.ids, clock, the_jobs, on.doorbell)
    cards = Cards(on.database, on.media.url)
    timelines = Timelines(on.redis, settings.feed.window, settings.feed.ttl_s)
    nouns = Services(
        accounts=Accounts(work, on.passwords),
        sessions=Sessions(work, clock, _token_rules(settings)),
        profiles=Profiles(on.database, work, cards),
        posts=Posts(on.database, work, cards, on.images, on.media, var / "tmp"),
        comments=Comments(on.database, work, cards),
        likes=Likes(on.database, work),
        follows=Follows(on.database, work),
        feed=Feed(on.database, timelines, cards, the_jobs, settings.feed.fan_out_batch),
        notifications=Notifications(
            on.database, work, cards, Publisher(on.redis, outage=on.told.redis), on.told.metrics
        ),
        queues=queue_control(settings, on.database, on.doorbell),
    )
    return nouns, the_jobs


def queue_control(settings: Settings, database: Database, doorbell: Doorbell) -> QueueControl:
    limits = {
        queue: QueueLimits(chosen.rate_per_s, chosen.keep_completed)
        for queue, chosen in _queues(settings).items()
    }
    return QueueControl(database, limits, doorbell.garbage)


def workers(
    settings: Settings, on: Foundations, nouns: Services, the_jobs: Jobs, by_queue: Mapping[str, QueueBroker]
) -> dict[Queue, Worker]:
    """A worker for each queue, none of them running yet."""
    handlers = _handlers(settings, on, nouns, the_jobs)

    def worker(queue: Queue, chosen: QueueSettings) -> Worker:
        limiter = RateLimiter(on.redis, f"queue:{queue}", chosen.rate_per_s) if chosen.rate_per_s else None

        def receiver(run_job: Callable[[int], Awaitable[None]]) -> QueueReceiver:
            return QueueReceiver(by_queue[queue], run_job, chosen.concurrency, settings.shutdown.jobs_s)

        return Worker(
            queue,
            the_jobs,
            handlers,
            receiver,
            settings.queues.heartbeat_ms / 1000,
            gate=Gate(queue, nouns.queues, limiter, on.told.redis),
            metrics=on.told.metrics,
        )

    return {queue: worker(queue, chosen) for queue, chosen in _queues(settings).items()}


def dispatcher(settings: Settings, on: Foundations, nouns: Services, the_jobs: Jobs) -> Dispatcher:
    queues = settings.queues
    return Dispatcher(
        the_jobs,
        on.doorbell,
        poll_s=queues.poll_ms / 1000,
        lease_s=queues.lease_ms / 1000,
        control=nouns.queues,
        schedules=Schedules(on.database, on.ids, _recurring(settings)),
        turn=Turn(on.redis, "dispatcher", hold_ms=3 * queues.poll_ms),
        database=on.told.database,
    )


def relay(on: Foundations, nouns: Services, hub: Hub) -> Relay:
    on.told.metrics.count_streams(lambda: hub.streams)
    return Relay(
        hub,
        on.redis,
        nouns.notifications.last_sequences,
        redis_outage=on.told.redis,
        database_outage=on.told.database,
    )


def watch(on: Foundations) -> Watch:
    return Watch(
        {"database": on.database.ping, "redis": on.redis.ping},
        {"database": on.told.database, "redis": on.told.redis},
        on.told.metrics,
    )


def checks(database: Database, redis: Redis, actors: list[Actor]) -> dict[str, Check]:
    """What `/readyz` asks, by the part's name."""

    async def ask_database() -> str:
        await database.ping()
        return "ok"

    async def ask_redis() -> str:
        await redis.ping()
        return "ok"

    def ask(actor: Actor) -> Check:
        async def state() -> str:
            return "ok" if actor.state == "running" else actor.state

        return state

    return {"database": ask_database, "redis": ask_redis, **{actor.name: ask(actor) for actor in actors}}


def redis_url(settings: Settings) -> str:
    """The address of the external Redis, with its credentials."""
    redis = settings.redis
    if redis.url:
        return redis.url
    password = redis.password.get_secret_value()
    credentials = f"{redis.username}:{password}@" if password or redis.username else ""
    return f"redis://{credentials}{redis.host}:{redis.port}/{redis.db}"


def _queues(settings: Settings) -> dict[Queue, QueueSettings]:
    return {
        Queue.FEED: settings.queues.feed,
        Queue.NOTIFICATIONS: settings.queues.notifications,
        Queue.MAINTENANCE: settings.queues.maintenance,
    }


def _handlers(settings: Settings, on: Foundations, nouns: Services, the_jobs: Jobs) -> Mapping[str, Handler]:
    kept = {
        queue: Kept(chosen.keep_completed, chosen.keep_failed) for queue, chosen in _queues(settings).items()
    }
    maintenance = Maintenance(on.database, the_jobs, on.media, kept)
    return {
        JobKind.FAN_OUT: _measured_fan_out(nouns.feed.fan_out, on.told.metrics),
        JobKind.MERGE: nouns.feed.merge,
        JobKind.PURGE: nouns.feed.purge,
        JobKind.NOTIFY_LIKE: nouns.notifications.deliver_like,
        JobKind.NOTIFY_COMMENT: nouns.notifications.deliver_comment,
        JobKind.NOTIFY_FOLLOW: nouns.notifications.deliver_follow,
        JobKind.SWEEP_SESSIONS: maintenance.sweep_sessions,
        JobKind.RETENTION: maintenance.retain,
        JobKind.AUDIT_COUNTERS: maintenance.audit_counters,
        JobKind.SWEEP_MEDIA: maintenance.sweep_media,
    }


def _measured_fan_out(fan_out: Handler, metrics: Metrics) -> Handler:
    """`fan_out`, which returns when a post has reached its last follower; the post's id tells its age."""
    clock = SystemClock()

    async def measured(claim: Claim) -> None:
        began_ms = clock.now_ms()
        await fan_out(claim)
        now_ms = clock.now_ms()
        age_ms = now_ms - made_at_ms(claim.payload["post_id"])
        metrics.fanned_out((now_ms - began_ms) / 1000, age_ms / 1000)

    return measured


def _recurring(settings: Settings) -> list[Recurring]:
    every = settings.maintenance
    return [
        Recurring(kind, round(every_s * 1000))
        for kind, every_s in (
            (JobKind.SWEEP_SESSIONS, every.sessions_every_s),
            (JobKind.RETENTION, every.retention_every_s),
            (JobKind.AUDIT_COUNTERS, every.counters_every_s),
            (JobKind.SWEEP_MEDIA, every.media_every_s),
        )
    ]


def _token_rules(settings: Settings) -> TokenRules:
    auth = settings.auth
    return TokenRules(
        access_secret=auth.jwt_secret.get_secret_value(),
        refresh_secret=auth.jwt_refresh_secret.get_secret_value(),
        issuer=auth.issuer,
        audience=auth.audience,
        access_ttl_s=auth.access_ttl_s,
        refresh_idle_s=auth.refresh_idle_s,
        refresh_absolute_s=auth.refresh_absolute_s,
    )
