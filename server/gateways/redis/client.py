"""redis-py clients whose commands are limited in time and whose connections are pooled."""

import asyncio
from typing import Any, cast

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from server.errors import ConfigurationError

MAX_CONNECTIONS = 50


class BoundedRedis(Redis):
    """Client whose commands end within `timeout_s`, including the wait for a connection.

    redis-py's own `socket_timeout` is not used: on Python 3.11 it goes through `asyncio.wait_for`, which loses a
    cancellation that arrives as a send completes, so that the cancelled task never ends. Callers limit pipelines.
    """

    timeout_s: float = 1.0

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        try:
            async with asyncio.timeout(self.timeout_s):
                return cast("Any", await super().execute_command(*args, **options))
        except TimeoutError as error:
            raise RedisTimeoutError(f"no answer within {self.timeout_s:g} s") from error


def redis_client(url: str, timeout_s: float) -> BoundedRedis:
    """Return a client for a redis://, rediss:// or unix:// URL that connects on first use.

    Raises ConfigurationError for another URL. A stale connection is replaced once per command.
    """
    try:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=MAX_CONNECTIONS,
            timeout=timeout_s,
            socket_timeout=None,
            socket_connect_timeout=timeout_s,
            retry=Retry(NoBackoff(), 1),
        )
    except ValueError:
        # Neither repeated nor chained: the reason may quote a part of the password.
        raise ConfigurationError("REDIS_URL is not valid: expected redis://, rediss:// or unix://.") from None
    client = BoundedRedis(connection_pool=pool)
    client.auto_close_connection_pool = True
    client.timeout_s = timeout_s
    return client


async def check(redis: Redis, where: str) -> None:
    """Raise ConfigurationError if Redis does not answer."""
    try:
        await redis.ping()
    except (RedisError, OSError) as error:
        raise ConfigurationError(
            f"No Redis answers at {where} ({error}). Check REDIS_HOST, REDIS_PORT and REDIS_PASSWORD, and that it is"
            " running; without REDIS_HOST a private one is started."
        ) from error
