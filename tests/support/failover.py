"""Redis servers that refuse writes, and programs that move clients to another: a TCP proxy, Sentinels, HAProxy."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path

from redis import Redis
from redis.exceptions import BusyLoadingError, RedisError

from tests.support.program import Program
from tools.harness.servers import RedisServer, Server, find_program, free_port

PRIMARY = "mymaster"
HAPROXY = """
defaults
    mode tcp
    timeout connect 1s
    timeout client 30s
    timeout server 30s
frontend redis
    bind 127.0.0.1:{port}
    default_backend primary
backend primary
    option tcp-check
    tcp-check send PING\\r\\n
    tcp-check expect string +PONG
    tcp-check send INFO\\ replication\\r\\n
    tcp-check expect string role:master
    default-server inter 200ms fall 1 rise 1
{servers}
"""
REFUSALS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "READONLY": (("REPLICAOF", "127.0.0.1", "1"),),
    "MASTERDOWN": (("CONFIG", "SET", "replica-serve-stale-data", "no"), ("REPLICAOF", "127.0.0.1", "1")),
    "OOM": (("CONFIG", "SET", "maxmemory", "1000"),),
    "OOM, allkeys-lru": (("CONFIG", "SET", "maxmemory", "1000", "maxmemory-policy", "allkeys-lru"),),
    "NOREPLICAS": (("CONFIG", "SET", "min-replicas-to-write", "1"),),
    "NOPERM": (("ACL", "SETUSER", "default", "-@write"),),
    "MISCONF": (
        ("CONFIG", "SET", "stop-writes-on-bgsave-error", "yes", "save", "3600 1", "dir", "/proc"),
        ("BGSAVE",),
    ),
}
UNDO = (
    ("REPLICAOF", "NO", "ONE"),
    (
        "CONFIG",
        "SET",
        "maxmemory",
        "0",
        "maxmemory-policy",
        "noeviction",
        "min-replicas-to-write",
        "0",
        "stop-writes-on-bgsave-error",
        "no",
        "replica-serve-stale-data",
        "yes",
    ),
    ("CONFIG", "SET", "save", ""),
    ("ACL", "SETUSER", "default", "+@all"),
)


# Lines of config.toml and their replacements: a busy machine delays answers of the database and of Redis.
PATIENT = {"timeout_s = 3.0": "timeout_s = 30.0", "timeout_s = 1.0": "timeout_s = 30.0"}
LATE_PING = "no reply within"


def redis_outages(program: Program) -> list[str]:
    """Return the reasons of the outages of Redis, without late answers to a ping, which a busy machine causes."""
    reasons: list[str] = [line["reason"] for line in program.logged("redis_unavailable")]
    return [reason for reason in reasons if not reason.startswith(LATE_PING)]


@contextmanager
def refusing(server: RedisServer, kind: str) -> Iterator[None]:
    """Make the server refuse writes for this reason."""
    with server.client() as client:
        for command in REFUSALS[kind]:
            client.execute_command(*command)
        yield
        for command in UNDO:
            client.execute_command(*command)
        if kind == "MISCONF":
            client.config_set("dir", str(server.folder))


class ImpairedRedis(RedisServer):
    """Server at the address of another one, which answers every command with an error."""

    @classmethod
    def loading(cls, server: RedisServer) -> "ImpairedRedis":
        """Return a server that slowly reads the append-only file of a durable one, and answers LOADING."""
        options = {"key_load_delay": "100"}  # microseconds per key
        return cls(server.folder, _redis(), port=server.port, durable=True, **options)

    @classmethod
    def cluster_down(cls, server: RedisServer) -> "ImpairedRedis":
        """Return a node of a Redis Cluster that lacks every slot, and answers CLUSTERDOWN."""
        return cls(server.folder / "cluster", _redis(), port=server.port, cluster_enabled="yes")

    def _answers(self) -> bool:
        with self.client() as client:
            try:
                return bool(client.ping())
            except BusyLoadingError:
                return True
            except RedisError:
                return False


def _redis() -> str:
    return find_program("redis-server", "valkey-server") or "redis-server"


@contextmanager
def replaced(server: RedisServer, other: RedisServer) -> Iterator[None]:
    """Run the other server at the address of the server, which is started again at the end."""
    server.stop()
    other.start()
    try:
        yield
    finally:
        other.kill()
        server.start()


class SwitchingProxy:
    """TCP proxy on loopback. `target` is where new connections go; open ones stay where they are."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @asynccontextmanager
    async def running(self) -> AsyncIterator["SwitchingProxy"]:
        relays: set[asyncio.Task[None]] = set()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            relay = asyncio.ensure_future(self._relay(reader, writer))
            relays.add(relay)
            relay.add_done_callback(relays.discard)

        server = await asyncio.start_server(accept, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for relay in relays:
                relay.cancel()
            await asyncio.gather(*relays, return_exceptions=True)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(_close, writer)
            try:
                there, back = await asyncio.open_connection("127.0.0.1", self.target)
            except OSError:
                return
            stack.push_async_callback(_close, back)
            pipes = [asyncio.ensure_future(_pipe(reader, back)), asyncio.ensure_future(_pipe(there, writer))]
            try:
                await asyncio.wait(pipes, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pipe in pipes:
                    pipe.cancel()
                await asyncio.gather(*pipes, return_exceptions=True)


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()


class SentinelServer(Server):
    """A Sentinel that watches a primary, and replaces it after it was down for half a second."""

    def __init__(self, folder: Path, primary: RedisServer, quorum: int) -> None:
        super().__init__(folder)
        self.port = free_port()
        self._file = folder / "sentinel.conf"
        lines = [
            f"port {self.port}",
            "bind 127.0.0.1",
            f"dir {folder}",
            f"sentinel monitor {PRIMARY} 127.0.0.1 {primary.port} {quorum}",
            f"sentinel down-after-milliseconds {PRIMARY} 500",
            f"sentinel failover-timeout {PRIMARY} 2000",
        ]
        self._file.write_text("\n".join([*lines, ""]))

    def client(self) -> Redis:
        return Redis(port=self.port, socket_timeout=5, decode_responses=True)

    def _command(self) -> Sequence[str]:
        return [find_program("redis-server") or "redis-server", str(self._file), "--sentinel"]

    def _answers(self) -> bool:
        with self.client() as client:
            try:
                return bool(client.ping())
            except RedisError:
                return False


class HaProxy(Server):
    """HAProxy that forwards to the server that says that it is the primary."""

    def __init__(self, folder: Path, servers: Sequence[RedisServer]) -> None:
        super().__init__(folder)
        self.port = free_port()
        self._file = folder / "haproxy.cfg"
        lines = [f"    server r{server.port} 127.0.0.1:{server.port} check" for server in servers]
        self._file.write_text(HAPROXY.format(port=self.port, servers="\n".join(lines)))

    def _command(self) -> Sequence[str]:
        return [find_program("haproxy") or "haproxy", "-db", "-f", str(self._file)]

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        return False
