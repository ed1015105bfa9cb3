"""Addresses of Redis: fixed ones, or whatever Sentinel says at each dial.

URLs are redis://, rediss:// and unix://, as in redis-py, and redis+sentinel:// or rediss+sentinel:// for Sentinel:
`redis+sentinel://user:password@host1:26379,host2:26379/name/0`, where `name` is the name of the primary. The query
parameters `sentinel_username` and `sentinel_password` authenticate to the Sentinels themselves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self, cast
from urllib.parse import parse_qs, unquote, urlsplit

from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

SENTINEL_SCHEMES = ("redis+sentinel", "rediss+sentinel")
SENTINEL_PORT = 26379
REDIS_PORT = 6379
# Several Sentinels are asked in turn, so one that does not answer may use up a part of the time only.
SENTINEL_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class Sentinels:
    """Sentinels that know the address of the primary `name`."""

    name: str
    addresses: Sequence[tuple[str, int]]
    options: Mapping[str, Any]

    async def find_primary(self) -> tuple[str, int]:
        """Return the primary's address. Raises redis-py's ConnectionError if no Sentinel knows it."""
        try:
            async with Sentinel(self.addresses, sentinel_kwargs=dict(self.options)) as sentinel:
                found = cast("tuple[str, int]", await sentinel.discover_master(self.name))
        except RedisConnectionError:
            raise
        except RedisError as error:  # not a Sentinel
            raise RedisConnectionError(f"{type(error).__name__}: {error}") from error
        return found


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`options` are redis-py's: host, port, username, password and db. `path` is a unix socket, or empty."""

    options: Mapping[str, Any]
    path: str = ""
    tls: bool = False
    sentinels: Sentinels | None = None

    @classmethod
    def parse(cls, url: str, timeout_s: float) -> Self:
        """Return the endpoint of a URL. Raises ValueError, whose text may quote a part of the password."""
        if urlsplit(url).scheme in SENTINEL_SCHEMES:
            return cls._parse_sentinel(url, timeout_s)
        options: dict[str, Any] = dict(parse_url(url))
        options.pop("connection_class", None)
        return cls(options, options.pop("path", ""), url.startswith("rediss://"))

    async def address(self) -> tuple[str, int]:
        """Return host and port of the server to connect to."""
        if self.sentinels is not None:
            return await self.sentinels.find_primary()
        return self.options.get("host", "localhost"), self.options.get("port", REDIS_PORT)

    @classmethod
    def _parse_sentinel(cls, url: str, timeout_s: float) -> Self:
        parts = urlsplit(url)
        credentials, _, hosts = parts.netloc.rpartition("@")
        name, _, db = parts.path.removeprefix("/").partition("/")
        addresses = [_host_and_port(host) for host in hosts.split(",")]
        if not name:
            raise ValueError("the name of the primary is missing")
        tls = parts.scheme.startswith("rediss")
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        timeout = {
            "socket_connect_timeout": SENTINEL_SHARE * timeout_s,
            "socket_timeout": SENTINEL_SHARE * timeout_s,
        }
        sentinel_options = {
            **_credentials(query.get("sentinel_username", ""), query.get("sentinel_password", "")),
            **({"ssl": True} if tls else {}),
            **timeout,
            "retry": Retry(NoBackoff(), 0),
        }
        user, _, password = credentials.partition(":")
        options = {**_credentials(unquote(user), unquote(password)), "db": int(db or 0)}
        return cls(options, tls=tls, sentinels=Sentinels(unquote(name), addresses, sentinel_options))


def _host_and_port(text: str) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    if not parts.hostname or parts.path or parts.query:
        raise ValueError("a Sentinel's host is missing")
    return unquote(parts.hostname), parts.port or SENTINEL_PORT


def _credentials(username: str, password: str) -> dict[str, str]:
    return {name: value for name, value in (("username", username), ("password", password)) if value}
