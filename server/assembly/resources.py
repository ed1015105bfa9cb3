"""The opened resources that services are built on, and the metrics and outages of the process."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from redis.asyncio import Redis

from server.epoch import DatabaseEpoch
from server.gateways.email.email import EmailSender
from server.gateways.images.processor import ImageProcessor
from server.gateways.media import MediaStore
from server.gateways.oidc.provider_keys import ProviderKeys
from server.gateways.passwords import Passwords
from server.gateways.push.device_sender import DeviceSender
from server.gateways.redis.pipelined_client import PipelinedRedis
from server.gateways.redis.rate_limits import RateLimits
from server.ids import IdGenerator
from server.metrics import Metrics
from server.models.database import Database
from server.outages import CircuitBreaker, Outage
from server.pubsub.job_notifier import JobNotifier
from server.services.jobs.cache_guard import CacheGuard
from server.tracing import Tracer

OUTAGE_SETTLED_S = 3.0  # longer than any loop that meets an outage waits between two attempts


def _outage(dependency: str) -> Outage:
    return Outage(dependency, settled_after_s=OUTAGE_SETTLED_S)


@dataclass(slots=True)
class Instrumentation:
    """Metrics and traces of this process, and the state of the dependencies that it shares with others.

    `database_write_error` says why the last write of the node lease failed; empty if it succeeded.
    """

    metrics: Metrics = field(default_factory=Metrics)
    tracer: Tracer = field(default_factory=Tracer)
    redis: Outage = field(default_factory=lambda: _outage("redis"))
    database: Outage = field(default_factory=lambda: _outage("database"))
    database_write_error: str = ""
    smtp: CircuitBreaker = field(default_factory=lambda: CircuitBreaker("smtp"))
    fcm: CircuitBreaker = field(default_factory=lambda: CircuitBreaker("fcm"))


@dataclass(frozen=True, slots=True)
class Resources:
    """Everything that services are built on, opened.

    `pipelined_redis` serves what every request needs; `feeds_redis` serves feeds, which may have a separate Redis;
    `redis` serves the rest. The guards protect what the two pipelined clients cache.
    """

    database: Database
    epoch: DatabaseEpoch
    redis: Redis
    pipelined_redis: PipelinedRedis
    feeds_redis: PipelinedRedis
    cache_guard: CacheGuard
    feeds_guard: CacheGuard
    ids: IdGenerator
    job_notifier: JobNotifier
    media: MediaStore
    images: ImageProcessor
    passwords: Passwords
    identity_providers: Mapping[str, ProviderKeys]
    email: EmailSender
    push: DeviceSender
    rate_limits: RateLimits
    instrumentation: Instrumentation
