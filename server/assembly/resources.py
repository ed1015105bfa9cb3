"""What the services stand on, made out of the settings: database, Redis, queues' brokers, media store, children."""

from dataclasses import dataclass, field
from pathlib import Path

from redis.asyncio import Redis

from server.gateways.email.email import EmailSender, OutboxEmailSender
from server.gateways.email.smtp import SmtpEmailSender, SmtpServer
from server.gateways.images.processor import ImageProcessor
from server.gateways.media import MediaStore
from server.gateways.passwords import Passwords
from server.gateways.push.message import FirebaseAccount
from server.gateways.push.senders import FcmPushSender, NullPushSender, OutboxPushSender, PushSender
from server.gateways.redis.pipelined_client import PipelinedRedis
from server.gateways.redis.rate_limits import RateLimits
from server.ids import IdGenerator
from server.metrics import Metrics
from server.models.database import Database, DatabaseParameters
from server.outages import CircuitBreaker, Outage
from server.pubsub.broker import QueueBroker
from server.pubsub.job_notifier import JobNotifier
from server.services.jobs.event_jobs import Queue
from server.settings import Settings

OUTAGE_SETTLED_S = 3.0  # longer than any loop that meets an outage waits between two attempts


@dataclass(frozen=True, slots=True)
class Instrumentation:
    """Who is told what happens in this process: its figures, and the outages of the parts that it depends on."""

    metrics: Metrics = field(default_factory=Metrics)
    redis: Outage = field(default_factory=lambda: Outage("redis", settled_after_s=OUTAGE_SETTLED_S))
    database: Outage = field(default_factory=lambda: Outage("database", settled_after_s=OUTAGE_SETTLED_S))
    smtp: CircuitBreaker = field(default_factory=lambda: CircuitBreaker("smtp"))
    fcm: CircuitBreaker = field(default_factory=lambda: CircuitBreaker("fcm"))


@dataclass(frozen=True, slots=True)
class Resources:
    """What the services stand on, open and working. `wire` is for what every request needs, `feed_wire` for the
    feeds, which may have a Redis of their own; `redis` is for all else.
    """

    database: Database
    redis: Redis
    wire: PipelinedRedis
    feed_wire: PipelinedRedis
    ids: IdGenerator
    doorbell: JobNotifier
    media: MediaStore
    images: ImageProcessor
    passwords: Passwords
    email: EmailSender
    push: PushSender
    told: Instrumentation = field(default_factory=Instrumentation)
    throttle: RateLimits = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "throttle", RateLimits(self.wire))


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


def email(settings: Settings, var: Path, told: Instrumentation) -> EmailSender:
    chosen = settings.email
    if settings.writes_emails_to_outbox:
        return OutboxEmailSender(var / "outbox", settings.email_sender)
    server = SmtpServer(
        host=chosen.host,
        port=chosen.port,
        username=chosen.username,
        password=chosen.password.get_secret_value(),
        tls=chosen.tls,
        timeout_s=chosen.timeout_s,
    )
    told.metrics.show_part("smtp", lambda: not told.smtp.is_open)
    return SmtpEmailSender(server, settings.email_sender, circuit=told.smtp)


def push(settings: Settings, var: Path, told: Instrumentation) -> PushSender:
    chosen = settings.push
    if settings.pushes_to_a_folder:
        return OutboxPushSender(var / "outbox")
    if not settings.pushes_to_firebase:
        return NullPushSender()
    told.metrics.show_part("fcm", lambda: not told.fcm.is_open)
    return FcmPushSender(
        FirebaseAccount(
            project_id=chosen.project_id,
            client_email=chosen.client_email,
            private_key=chosen.private_key.get_secret_value(),
            token_uri=chosen.token_uri,
            fcm_url=chosen.fcm_url,
            timeout_s=chosen.timeout_s,
        ),
        told.fcm,
    )


def brokers(settings: Settings, redis_url: str, told: Instrumentation) -> dict[str, QueueBroker]:
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


def redis_url(settings: Settings) -> str:
    """The address of the external Redis, with its credentials."""
    redis = settings.redis
    if redis.url:
        return redis.url
    password = redis.password.get_secret_value()
    credentials = f"{redis.username}:{password}@" if password or redis.username else ""
    return f"redis://{credentials}{redis.host}:{redis.port}/{redis.db}"
