"""Redis, embedded or external: its URL, its clients, and the queues' brokers."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

from redis.asyncio import Redis

from server.actors.supervisor import Supervisor
from server.assembly.resources import Instrumentation
from server.epoch import DatabaseEpoch
from server.errors import ConfigurationError, Unavailable
from server.gateways.addresses import address
from server.gateways.embedded_redis.embedded_redis import EmbeddedRedis
from server.gateways.redis.cache_lease import CacheLease
from server.gateways.redis.client import check, check_mode, connection_pool, redis_client
from server.gateways.redis.endpoint import SENTINEL_SCHEMES, Endpoint
from server.gateways.redis.pipelined_client import PipelinedRedis
from server.pubsub.broker import QueueBroker
from server.pubsub.job_notifier import JobNotifier
from server.services.jobs.event_jobs import Queue
from server.settings import Settings

BROKER_CONNECTIONS = 8


def redis_url(settings: Settings, var: Path) -> str:
    """Return the URL of the main Redis, with its credentials."""
    return EmbeddedRedis(var / "redis").url if settings.embedded_redis else external_redis_url(settings)


def external_redis_url(settings: Settings) -> str:
    """Return the configured URL, with its credentials. Raises ConfigurationError if it is invalid."""
    redis = settings.redis
    if redis.url:
        return _with_sentinel_credentials(_checked("REDIS_URL", redis.url), settings)
    username, password = _quoted(redis.username), _quoted(redis.password.get_secret_value())
    credentials = f"{username}:{password}@" if password or username else ""
    return _checked("REDIS_HOST", f"redis://{credentials}{address(redis.host, redis.port)}/{redis.db}")


def feeds_redis_url(settings: Settings, var: Path) -> str:
    """Return the URL of the Redis that holds the feeds. Raises ConfigurationError if it is invalid."""
    if settings.redis.feeds_url:
        return _with_sentinel_credentials(_checked("REDIS_FEEDS_URL", settings.redis.feeds_url), settings)
    return redis_url(settings, var)


def redact_url(url: str) -> str:
    """Return a valid URL without what may contain credentials: the user, the password and the query."""
    parts = urlsplit(url)
    if "@" in url and "@" not in parts.netloc:
        return f"{parts.scheme}://..."  # an unescaped password without a recognisable end
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _checked(name: str, url: str) -> str:
    try:
        Endpoint.parse(url, timeout_s=1.0)
    except ValueError:
        # Neither repeated nor chained: the reason may quote a part of the password.
        expected = (
            "expected a host name or an IP address, without a port"
            if name == "REDIS_HOST"
            else "expected redis://, rediss://, unix:// or redis+sentinel://HOST:PORT,HOST:PORT/NAME/0, with reserved"
            " characters of the password percent-encoded"
        )
        raise ConfigurationError(f"{name} is not valid: {expected}.") from None
    return url


def _with_sentinel_credentials(url: str, settings: Settings) -> str:
    """Return a URL for Sentinel with the credentials for the Sentinels themselves; other URLs as they are."""
    username, password = settings.redis.sentinel_username, settings.redis.sentinel_password.get_secret_value()
    if urlsplit(url).scheme not in SENTINEL_SCHEMES or not (username or password):
        return url
    return f"{url}?{urlencode({'sentinel_username': username, 'sentinel_password': password})}"


def _quoted(text: str) -> str:
    # A variable of the environment that is not UTF-8 contains surrogates.
    return quote(text, safe="", errors="surrogateescape")


@asynccontextmanager
async def embedded_redis(var: Path, supervisor: Supervisor) -> AsyncGenerator[None]:
    """Run the embedded Redis, or share the one that another process runs on the same folder."""
    embedded = EmbeddedRedis(var / "redis")
    await embedded.start()
    async with supervisor.running("embedded redis", embedded.run):
        try:
            yield
        finally:
            await embedded.stop()


@asynccontextmanager
async def redis_connections(settings: Settings, url: str, *, checked: bool = True) -> AsyncGenerator[Redis]:
    """Open a pool of connections. If `checked`, raises ConfigurationError when Redis does not answer."""
    redis = redis_client(url, settings.redis.timeout_s)
    try:
        if checked:
            await check(redis, redact_url(url))
        yield redis
    finally:
        await redis.aclose()


@asynccontextmanager
async def pipelined_redis(
    settings: Settings,
    url: str,
    epoch: DatabaseEpoch | None = None,
    instrumentation: Instrumentation | None = None,
) -> AsyncGenerator[PipelinedRedis]:
    """Open a pipelined client; it connects on first use.

    It needs `epoch`, and a guard that renews its lease, to read or write cached feeds.
    """
    calls = instrumentation.metrics.redis_calls if instrumentation else None
    redis = PipelinedRedis(url, settings.redis.timeout_s, epoch, CacheLease(), calls)
    try:
        yield redis
    finally:
        await redis.close()


@asynccontextmanager
async def feeds_redis(
    settings: Settings, epoch: DatabaseEpoch, instrumentation: Instrumentation
) -> AsyncGenerator[PipelinedRedis]:
    """Open a client of the separate Redis for feeds. Raises ConfigurationError if it does not answer."""
    url = _with_sentinel_credentials(settings.redis.feeds_url, settings)
    async with pipelined_redis(settings, url, epoch, instrumentation) as redis:
        try:
            await redis.command("PING")
        except Unavailable as error:
            raise ConfigurationError(
                f"No Redis answers at {redact_url(url)}: check REDIS_FEEDS_URL. {error.reason}"
            ) from error
        check_mode(redis.mode, redact_url(url), "REDIS_FEEDS_URL")
        yield redis


@asynccontextmanager
async def queue_brokers(
    settings: Settings, url: str, instrumentation: Instrumentation, *, listening: bool = False
) -> AsyncGenerator[dict[str, QueueBroker]]:
    """Open one broker per queue; `listening` also prepares them to receive messages."""
    brokers = {
        str(queue): QueueBroker(
            # RedisBackoff paces the listener, and the dispatcher repeats a signal that failed.
            connection_pool(url, settings.redis.timeout_s, max_connections=BROKER_CONNECTIONS, retries=0),
            queue,
            call_timeout_s=settings.redis.timeout_s,
            needs_redis=queue is Queue.FEED,
            on_rejected=lambda reason, queue=queue: instrumentation.metrics.count_rejected_message(
                queue, reason
            ),
            outage=instrumentation.redis,
        )
        for queue in Queue
    }
    try:
        if listening:
            for broker in brokers.values():
                await broker.startup()
        yield brokers
    finally:
        for broker in brokers.values():
            await broker.shutdown()


@asynccontextmanager
async def job_notifier(
    brokers: Mapping[str, QueueBroker], supervisor: Supervisor
) -> AsyncGenerator[JobNotifier]:
    """Run the job notifier; messages that are waiting at the end are sent."""
    notifier = JobNotifier(brokers)
    try:
        async with supervisor.running("job notifier", notifier.run):
            yield notifier
    finally:
        await notifier.flush()
