"""The stacks that all other tests use."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.models.database import Database
from tools.harness.backends import Stack, start_mariadb, start_redis, start_valkey
from tools.harness.servers import RedisServer, find_program
from tools.harness.waiting import wait_until_blocking


def test_settings_come_from_the_stack_alone(stack: Stack) -> None:
    settings = stack.settings(DB_POOL_SIZE="3")
    assert settings.app.env == "test"
    assert settings.app.var_dir == stack.var_dir
    assert settings.database.pool_size == 3
    assert settings.embedded_database == (stack.name == "embedded")
    assert not settings.embedded_redis


def test_redis_is_empty(stack: Stack) -> None:
    with stack.redis.client() as client:
        assert client.dbsize() == 0
        client.set("left", "by this test", ex=100)


async def test_a_database_opens_and_has_tables(database: Database) -> None:
    assert await database.rows("SELECT * FROM jobs") == []


async def test_a_database_is_new(stack: Stack) -> None:
    database = Database(stack.database_parameters())
    await database.open()
    await database.execute("CREATE TABLE left_by_another (id INT)")
    await database.close()


@pytest.mark.keeps_keys("kept:*")
def test_keys_without_expiry_are_found(redis_server: RedisServer) -> None:
    with redis_server.client() as client:
        client.set("kept:1", "x")
        client.set("short", "x", ex=100)
        client.set("forever", "x")
        assert redis_server.keys_without_expiry(["kept:*"]) == ["forever"]
        client.delete("forever")


def test_open_connections_are_counted(redis_server: RedisServer) -> None:
    assert redis_server.connections() == 0
    with redis_server.client() as client:
        client.ping()
        assert redis_server.connections() == 1


async def test_a_task_of_a_fixture_may_end_after_the_test(late_task: asyncio.Task[None]) -> None:
    assert not late_task.done()


@pytest.fixture
async def late_task() -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(asyncio.sleep(60))
    yield task
    task.cancel()


def test_a_leaked_task_fails_its_test(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function")
    pytester.makeconftest("from tests.conftest import no_leaked_tasks, task_watch")
    pytester.makepyfile(
        """
        import asyncio

        async def test_leaks():
            global task
            task = asyncio.create_task(asyncio.sleep(60), name="a leaked task")

        async def test_is_tidy():
            await asyncio.create_task(asyncio.sleep(0))
        """
    )
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*a leaked task*"])


def test_a_killed_server_starts_again_on_its_data(scratch: Path) -> None:
    server = start_valkey(scratch / "durable", durable=True)
    try:
        with server.client() as client:
            client.set("kept", "1", ex=100)
            wait_until_blocking(
                lambda: client.info("persistence")["aof_pending_bio_fsync"] == 0, 5, "the file to be synced"
            )
        server.kill()
        server.start()
        with server.client() as client:
            assert client.get("kept") == "1"
    finally:
        server.stop()


def test_servers_listen_on_loopback_alone(scratch: Path, mariadb_stack_runs: None) -> None:
    servers = [start_redis(scratch / "redis2"), start_mariadb(scratch / "mariadb2")]
    try:
        for server in servers:
            assert _listening(server.pid) == {"127.0.0.1"}
    finally:
        for server in servers:
            server.stop()


def _listening(pid: int) -> set[str]:
    """Return the addresses that a process listens on with TCP."""
    sockets = {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()}
    found: set[str] = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            columns = line.split()
            if columns[3] == "0A" and f"socket:[{columns[9]}]" in sockets:
                found.add(columns[1].split(":")[0])
    return {"127.0.0.1" if address == "0100007F" else address for address in found}


def test_programs_outside_the_path_are_found() -> None:
    assert find_program("no-such-program", "sh") is not None
