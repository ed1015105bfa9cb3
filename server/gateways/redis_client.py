"""Makes the clients for Redis: bounded waits, a bounded pool, a quick second try for a connection that went stale."""

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from server.errors import ConfigurationError

MOST_CONNECTIONS = 50


def redis_client(url: str, timeout_s: float) -> Redis:
    """A client for redis://, rediss:// or unix://; nothing is opened yet. Raises ConfigurationError for another URL."""
    try:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=MOST_CONNECTIONS,
            timeout=timeout_s,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            retry=Retry(NoBackoff(), 1),
        )
    except ValueError as error:
        raise ConfigurationError(f"REDIS_URL is not an address of Redis: {error}.") from error
    return Redis.from_pool(pool)


async def check(redis: Redis, where: str) -> None:
    """Raises ConfigurationError, with what to do, if Redis does not answer."""
    try:
        await redis.ping()
    except (RedisError, OSError, TimeoutError) as error:
        raise ConfigurationError(
            f"No Redis answers at {where} ({error}). Check REDIS_HOST, REDIS_PORT and REDIS_PASSWORD, and that it is"
            " running; without REDIS_HOST a private one is started."
        ) from error
