"""A Redis that answers and refuses commands, on a real server: each kind, and the connections that it ends."""

from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from server.errors import ConfigurationError
from server.gateways.redis.client import check, redis_client
from server.gateways.redis.error_replies import CommandRefused, RedisUnavailable, error_of
from server.gateways.redis.lua import Script
from server.gateways.redis.pipelined_client import PipelinedRedis
from tests.support.failover import (
    REFUSALS,
    ImpairedRedis,
    SentinelServer,
    SwitchingProxy,
    refusing,
    replaced,
)
from tools.harness.backends import start_redis
from tools.harness.servers import RedisServer
from tools.harness.waiting import wait_until

pytestmark = pytest.mark.usefixtures("mariadb_stack_runs")

SET = Script("return redis.call('SET', KEYS[1], ARGV[1], 'PX', 5000)")
ENDS_CONNECTION = ("READONLY", "MASTERDOWN", "NOREPLICAS")
# Redis answers after every 1,024 of them, which take 0.1 s.
KEYS_TO_LOAD = 40_000


@pytest.fixture(scope="module")
def server(scratch: Path) -> Iterator[RedisServer]:
    server = start_redis(scratch / "refusing", enable_protected_configs="yes")
    yield server
    server.stop()


@pytest.fixture
async def client(server: RedisServer) -> AsyncIterator[PipelinedRedis]:
    client = PipelinedRedis(server.url, timeout_s=1.0)
    yield client
    await client.close()


async def refusal(client: PipelinedRedis) -> CommandRefused | None:
    """Return how a script's write is refused; None if it is not, or if there is no connection now."""
    with suppress(RedisUnavailable):
        try:
            await client.run(SET, ["probe"], ["1"])
        except CommandRefused as error:
            return error
    return None


async def accepts(client: PipelinedRedis) -> bool:
    with suppress(RedisUnavailable):
        return await client.command("SET", "probe", "1", "PX", 5000) == b"OK"
    return False


@pytest.mark.parametrize("kind", REFUSALS)
async def test_refused_write_is_unavailable(server: RedisServer, client: PipelinedRedis, kind: str) -> None:
    seen: list[CommandRefused] = []

    async def is_refused() -> bool:
        seen.extend(filter(None, [await refusal(client)]))
        return bool(seen)

    with refusing(server, kind):
        await wait_until(is_refused)
        assert seen[0].needs_other_server is (kind in ENDS_CONNECTION)
        assert "Redis refuses commands" in seen[0].reason
    await wait_until(lambda: accepts(client))


async def read_refusal(client: PipelinedRedis) -> str:
    """Return why a read is refused; empty if it is not, or if there is no connection now."""
    with suppress(RedisUnavailable):
        try:
            await client.command("GET", "probe")
        except CommandRefused as error:
            return error.reason if error.needs_other_server else ""
    return ""


async def assert_reads_are_refused(client: PipelinedRedis, url: str, code: str) -> None:
    async def is_refused() -> bool:
        return f"({code} " in await read_refusal(client)

    await wait_until(is_refused)
    pooled = redis_client(url, timeout_s=5.0)
    with pytest.raises(RedisConnectionError):
        await pooled.get("probe")
    await pooled.aclose()


async def test_reads_of_a_replica_without_primary_fail(server: RedisServer, client: PipelinedRedis) -> None:
    with refusing(server, "MASTERDOWN"):
        await assert_reads_are_refused(client, server.url, "MASTERDOWN")
    await wait_until(lambda: accepts(client))


async def test_reads_fail_while_redis_loads_its_data(scratch: Path) -> None:
    server = start_redis(scratch / "loading", durable=True)
    client = PipelinedRedis(server.url, timeout_s=1.0)
    try:
        with server.client() as there, there.pipeline() as pipeline:
            for number in range(KEYS_TO_LOAD):
                pipeline.set(f"key{number}", "x")
            pipeline.execute()
        with replaced(server, ImpairedRedis.loading(server)):
            await assert_reads_are_refused(client, server.url, "LOADING")
        await wait_until(lambda: accepts(client))
        assert await client.command("EXISTS", f"key{KEYS_TO_LOAD - 1}") == 1
    finally:
        await client.close()
        server.stop()


async def test_reads_fail_when_slots_of_a_cluster_are_missing(scratch: Path) -> None:
    server = start_redis(scratch / "replaced")
    client = PipelinedRedis(server.url, timeout_s=1.0)
    try:
        with replaced(server, ImpairedRedis.cluster_down(server)):
            await assert_reads_are_refused(client, server.url, "CLUSTERDOWN")
        await wait_until(lambda: accepts(client))
    finally:
        await client.close()
        server.stop()


def test_wrapped_script_errors_are_recognised() -> None:
    reply = (
        "ERR Error running script (call to f_1): @user_script:1: -READONLY You can't write against a replica."
    )
    error = error_of(reply)
    assert isinstance(error, CommandRefused)
    assert error.needs_other_server
    assert isinstance(error_of("ERR ACL failure in script: User x has no permissions"), CommandRefused)
    assert not isinstance(error_of("WRONGTYPE Operation against a key"), CommandRefused)
    assert not isinstance(error_of("BUSYGROUP Consumer Group name already exists"), CommandRefused)


async def test_clients_follow_a_proxy_after_readonly(server: RedisServer, scratch: Path) -> None:
    other = start_redis(scratch / "switched")
    try:
        async with SwitchingProxy(server.port).running() as proxy:
            pipelined, pooled = PipelinedRedis(proxy.url, 1.0), redis_client(proxy.url, 1.0)
            await pipelined.command("PING")
            await pooled.ping()
            proxy.target = other.port
            with refusing(server, "READONLY"):
                await pooled.set("pooled", "1", px=5000)  # repeated on a new connection
                assert await refusal(pipelined) is not None
                await wait_until(lambda: accepts(pipelined))
                with other.client() as there:
                    assert there.exists("pooled", "probe") == 2
                assert pipelined.run_id == run_id_of(other)
            await pipelined.close()
            await pooled.aclose()
    finally:
        other.stop()


def run_id_of(server: RedisServer) -> str:
    with server.client() as client:
        return str(client.info("server")["run_id"])[:12]


async def test_cluster_and_sentinel_are_refused_at_startup(server: RedisServer, scratch: Path) -> None:
    cluster = start_redis(scratch / "cluster", cluster_enabled="yes")
    sentinel = SentinelServer(scratch / "sentinel", server, quorum=1).start()
    try:
        for port, expected in ((cluster.port, "is a Redis Cluster"), (sentinel.port, "is a Sentinel")):
            redis = redis_client(f"redis://127.0.0.1:{port}", 1.0)
            with pytest.raises(ConfigurationError, match=expected):
                await check(redis, "redis://somewhere")
            await redis.aclose()
    finally:
        sentinel.stop()
        cluster.stop()
