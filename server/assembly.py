"""Makes the parts out of the settings, each with its collaborators. Opens nothing: the order is the lifecycle's."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from redis.asyncio import Redis

from server.actors.dispatcher import Dispatcher
from server.actors.supervisor import Actor
from server.actors.worker import Handler, Worker
from server.app import Services
from server.clock import SystemClock
from server.gateways.images import ImageProcessor
from server.gateways.media import MediaStore
from server.gateways.passwords import Passwords
from server.gateways.timelines import Timelines
from server.handlers.health import Check
from server.handlers.uploads import UploadLimits, Uploads
from server.ids import IdGenerator
from server.models.database import Database, DatabaseParameters
from server.pubsub.broker import QueueBroker
from server.pubsub.doorbell import Doorbell
from server.pubsub.publisher import Publisher
from server.pubsub.receiver import QueueReceiver
from server.services.accounts import Accounts
from server.services.cards import Cards
from server.services.comments import Comments
from server.services.feed import Feed
from server.services.follows import Follows
from server.services.jobs import Jobs, RetryRule
from server.services.likes import Likes
from server.services.notifications import Notifications
from server.services.posts import Posts
from server.services.profiles import Profiles
from server.services.reactions import JobKind, Queue
from server.services.sessions import Sessions, TokenRules
from server.services.unit_of_work import UnitOfWork
from server.settings import QueueSettings, Settings


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


def brokers(settings: Settings, redis_url: str) -> dict[str, QueueBroker]:
    return {queue: QueueBroker(redis_url, queue, call_timeout_s=settings.redis.timeout_s) for queue in Queue}


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
        notifications=Notifications(on.database, work, cards, Publisher(on.redis)),
    )
    return nouns, the_jobs


def workers(
    settings: Settings, nouns: Services, the_jobs: Jobs, by_queue: Mapping[str, QueueBroker]
) -> dict[Queue, Worker]:
    """A worker for each queue, none of them running yet."""

    def receiver(queue: Queue, run_job: Callable[[int], Awaitable[None]]) -> QueueReceiver:
        concurrency = _queues(settings)[queue].concurrency
        return QueueReceiver(by_queue[queue], run_job, concurrency, settings.shutdown.jobs_s)

    heartbeat_s = settings.queues.heartbeat_ms / 1000
    return {
        queue: Worker(
            queue,
            the_jobs,
            _handlers(nouns),
            lambda run_job, queue=queue: receiver(queue, run_job),
            heartbeat_s,
        )
        for queue in Queue
    }


def dispatcher(settings: Settings, the_jobs: Jobs, doorbell: Doorbell) -> Dispatcher:
    queues = settings.queues
    return Dispatcher(
        the_jobs,
        doorbell,
        poll_s=queues.poll_ms / 1000,
        lease_s=queues.lease_ms / 1000,
        keep_completed={queue: chosen.keep_completed for queue, chosen in _queues(settings).items()},
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
    return {Queue.FEED: settings.queues.feed, Queue.NOTIFICATIONS: settings.queues.notifications}


def _handlers(nouns: Services) -> Mapping[str, Handler]:
    return {
        JobKind.FAN_OUT: nouns.feed.fan_out,
        JobKind.MERGE: nouns.feed.merge,
        JobKind.PURGE: nouns.feed.purge,
        JobKind.NOTIFY_LIKE: nouns.notifications.deliver_like,
        JobKind.NOTIFY_COMMENT: nouns.notifications.deliver_comment,
        JobKind.NOTIFY_FOLLOW: nouns.notifications.deliver_follow,
    }


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
