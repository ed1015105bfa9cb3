"""redis-py clients and connection pools: limited in time, and closed when another server has to be found."""

import asyncio
from typing import Any, cast

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import Connection, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, RedisError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from server.errors import ConfigurationError
from server.gateways.redis.endpoint import Endpoint
from server.gateways.redis.error_replies import CommandRefused, error_of

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


class _Redialing:
    """Mixin: closes a connection that is answered READONLY, MASTERDOWN, ..., so that the next command dials again."""

    async def read_response(self, *args: Any, **options: Any) -> Any:
        try:
            return await super().read_response(*args, **options)  # pyright: ignore - of redis-py's class
        except (ResponseError, BusyLoadingError) as error:
            if not needs_other_server(error):
                raise
            await self.disconnect(nowait=True)  # pyright: ignore - as above
            raise RedisConnectionError(f"the server refuses commands: {error}") from error


class _TcpConnection(_Redialing, Connection):
    """TCP connection to the server that the endpoint names at each dial."""

    def __init__(self, *, endpoint: Endpoint, **options: Any) -> None:
        super().__init__(**options)
        self._endpoint = endpoint

    async def _connect(self) -> None:
        self.host, self.port = await self._endpoint.address()
        await super()._connect()


class _TlsConnection(_TcpConnection, SSLConnection):
    """The same with TLS."""


class _UnixConnection(_Redialing, UnixDomainSocketConnection):
    """Connection to a unix socket."""


def needs_other_server(error: RedisError) -> bool:
    """Return whether a reply means that this server cannot serve, and another one may."""
    if isinstance(error, BusyLoadingError):
        return True
    code = getattr(error, "status_code", None)  # redis-py removes the codes that it knows from the text
    reply = error_of(f"{code} {error}" if code else str(error))
    return isinstance(reply, CommandRefused) and reply.needs_other_server


def connection_pool(
    url: str, timeout_s: float, *, max_connections: int = MAX_CONNECTIONS, retries: int = 1
) -> BlockingConnectionPool:
    """Return a pool that connects on first use, and replaces a stale connection up to `retries` times per command.

    Raises ConfigurationError if the URL is invalid.
    """
    try:
        endpoint = Endpoint.parse(url, timeout_s)
    except ValueError:
        # Neither repeated nor chained: the reason may quote a part of the password.
        raise ConfigurationError(
            "REDIS_URL is not valid: expected redis://, rediss://, unix:// or redis+sentinel://."
        ) from None
    options = dict(endpoint.options)
    if endpoint.path:
        options |= {"connection_class": _UnixConnection, "path": endpoint.path}
    else:
        options |= {
            "connection_class": _TlsConnection if endpoint.tls else _TcpConnection,
            "endpoint": endpoint,
        }
    return BlockingConnectionPool(
        max_connections=max_connections,
        timeout=timeout_s,
        socket_timeout=None,
        socket_connect_timeout=timeout_s,
        retry=Retry(NoBackoff(), retries),
        **options,
    )


def redis_client(url: str, timeout_s: float) -> BoundedRedis:
    """Return a client that connects on first use. Raises ConfigurationError if the URL is invalid."""
    client = BoundedRedis(connection_pool=connection_pool(url, timeout_s))
    client.auto_close_connection_pool = True
    client.timeout_s = timeout_s
    return client


async def check(redis: Redis, where: str, variable: str = "REDIS_URL") -> None:
    """Raise ConfigurationError if Redis does not answer, or is not a single server or primary."""
    try:
        info: dict[str, Any] = await redis.info("server")
    except (RedisError, OSError) as error:
        raise ConfigurationError(
            f"No Redis answers at {where} ({error}). Check REDIS_HOST, REDIS_PORT and REDIS_PASSWORD, and that it is"
            " running; without REDIS_HOST a private one is started."
        ) from error
    check_mode(str(info.get("redis_mode", info.get("server_mode", ""))), where, variable)


def check_mode(mode: str, where: str, variable: str) -> None:
    """Raise ConfigurationError for a server that runs as a Sentinel or in a Redis Cluster."""
    if mode == "cluster":
        raise ConfigurationError(
            f"{where} is a Redis Cluster, which is not supported: set {variable} to a single Redis server, or to a"
            " primary with replicas behind Sentinel (redis+sentinel://) or a proxy."
        )
    if mode == "sentinel":
        raise ConfigurationError(
            f"{where} is a Sentinel, not a Redis server: set {variable} to redis+sentinel://HOST:PORT/NAME/0, where"
            " NAME is the name of the primary."
        )
