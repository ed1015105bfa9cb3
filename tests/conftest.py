"""Fixtures for all tests: the stacks to run on, and checks that no test leaks tasks, connections or keys."""

import asyncio
import contextlib
import inspect
import itertools
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from server.models.database import Database, DatabaseParameters
from server.models.migrations import Migrations
from server.models.notifications.digests import EmailFrequency
from tests.support.fakes.s3_server import running_s3_server
from tests.support.fork_server import ForkServer
from tools.harness.backends import (
    ROOT,
    Stack,
    database_parameters,
    mariadb_missing,
    start_mariadb,
    start_redis,
    start_valkey,
)
from tools.harness.servers import DB_PASSWORD, DB_USERNAME, MariaDB, RedisServer, make_scratch
from tools.harness.services import ServiceHarness
from tools.harness.waiting import wait_until_blocking

IN_CI = os.environ.get("CI") == "true"
LEAK_TIMEOUT_S = 2.0
# Keys without expiry by design: the queue streams.
LASTING_KEYS = ("queue:*",)

serial = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start slow tests first, so that no process waits for another at the end."""
    items.sort(key=lambda item: not (item.get_closest_marker("chaos") or item.get_closest_marker("timeout")))


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """A folder in memory with a short path, for servers and databases."""
    folder = make_scratch()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def own_server(scratch: Path) -> Iterator[RedisServer]:
    """A private Valkey that a test may kill, stop and restart."""
    server = start_valkey(scratch / f"own{next(serial)}")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def fork_server() -> Iterator[ForkServer | None]:
    """The fork server; None on systems without a safe fork."""
    if sys.platform != "linux":
        yield None
        return
    fork_server = ForkServer()
    yield fork_server
    fork_server.stop()


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The shared S3 server; every test uses its own prefix."""
    with running_s3_server() as url:
        yield url


@pytest.fixture
def s3(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let S3 clients of this process use the shared server."""
    for name, value in {"ENDPOINT_URL": s3_server, "REGION": "us-east-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "someone")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "something")


@pytest.fixture(scope="session")
def valkey_server(scratch: Path) -> Iterator[RedisServer]:
    """The shared Valkey on a unix socket. `redis_server` empties it between tests."""
    server = start_valkey(scratch / "valkey")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def tcp_redis_server(scratch: Path, mariadb_stack_runs: None) -> Iterator[RedisServer]:
    server = start_redis(scratch / "redis")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def mariadb_server(scratch: Path, mariadb_stack_runs: None) -> Iterator[MariaDB]:
    server = start_mariadb(scratch / "mariadb")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def mariadb_stack_runs() -> None:
    """Skip tests that need MariaDB where it is not installed; on CI fail them."""
    missing = mariadb_missing()
    if missing and IN_CI:
        pytest.fail(missing, pytrace=False)
    if missing:
        pytest.skip(missing)


@pytest.fixture(scope="session")
def sqlite_template(scratch: Path) -> Path:
    """A migrated SQLite file to copy."""
    file = scratch / "template" / "photofeed.sqlite3"
    asyncio.run(_migrate(DatabaseParameters(file=file)))
    return file


@pytest.fixture(scope="session")
def mariadb_template(mariadb_server: MariaDB) -> str:
    """The statements that create the migrated schema on MariaDB."""
    mariadb_server.query("CREATE DATABASE template")
    asyncio.run(_migrate(database_parameters(_credentials(mariadb_server, "template"))))
    return mariadb_server.dump("template")


@pytest.fixture
def redis_server(valkey_server: RedisServer, request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    """An empty Valkey. Fails a test that leaves a connection, or a key without expiry."""
    with _leak_check(valkey_server, request):
        yield valkey_server


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    return redis_server.url


@pytest.fixture(params=["embedded", "mariadb"])
def stack(request: pytest.FixtureRequest, scratch: Path) -> Iterator[Stack]:
    """Each stack in turn: an empty Redis, a folder and an empty database. Fails a test that leaks."""
    number = next(serial)
    folder = scratch / f"var{number}"
    folder.mkdir()
    try:
        if request.param == "embedded":
            valkey: RedisServer = request.getfixturevalue("valkey_server")
            with _leak_check(valkey, request):
                yield Stack("embedded", folder, valkey)
        else:
            redis: RedisServer = request.getfixturevalue("tcp_redis_server")
            mariadb: MariaDB = request.getfixturevalue("mariadb_server")
            with _leak_check(redis, request), _new_database(mariadb, f"test_{number}") as credentials:
                yield Stack("mariadb", folder, redis, credentials, mariadb)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def migrated_stack(stack: Stack, request: pytest.FixtureRequest) -> Stack:
    """`stack` with all migrations applied, copied from a template."""
    if stack.mariadb is None:
        shutil.copyfile(request.getfixturevalue("sqlite_template"), stack.sqlite_file)
    else:
        statements: str = request.getfixturevalue("mariadb_template")
        stack.mariadb.query(statements, stack.database["DB_NAME"])
    return stack


@pytest.fixture
async def database(migrated_stack: Stack) -> AsyncIterator[Database]:
    """An open database of `migrated_stack`."""
    database = Database(migrated_stack.database_parameters())
    await database.open()
    yield database
    await database.close()


@pytest.fixture
async def harness(database: Database, stack: Stack) -> AsyncIterator[ServiceHarness]:
    """The services on each stack in turn."""
    async with Redis.from_url(stack.redis.url, retry=Retry(NoBackoff(), 0), socket_timeout=5) as redis:
        harness = ServiceHarness(database, redis, stack.redis.url, stack.var_dir)
        yield harness
        await harness.close()


@pytest.fixture
def immediate_emails(harness: ServiceHarness) -> None:
    """Let the users of a test choose one e-mail per notification, at once."""
    harness.email_frequency = EmailFrequency.IMMEDIATELY


@pytest.fixture(autouse=True)
def no_leaked_tasks(request: pytest.FixtureRequest) -> None:
    """Fail an asynchronous test that leaves a running task."""
    if inspect.iscoroutinefunction(getattr(request, "function", None)):
        request.getfixturevalue("task_watch")


@pytest.fixture
async def task_watch() -> AsyncIterator[None]:
    """Compare the tasks before and after the test and its other fixtures."""
    before = asyncio.all_tasks()
    yield
    started = asyncio.all_tasks() - before - {asyncio.current_task()}
    if started:
        _, running = await asyncio.wait(started, timeout=LEAK_TIMEOUT_S)
        names = "\n".join(f"  {task!r}" for task in running)
        for task in running:
            task.cancel()
        assert not running, f"tasks still run after the test:\n{names}"


@contextmanager
def _leak_check(server: RedisServer, request: pytest.FixtureRequest) -> Iterator[None]:
    server.flush()
    yield
    kept = [pattern for marker in request.node.iter_markers("keeps_keys") for pattern in marker.args]
    left = server.keys_without_expiry([*LASTING_KEYS, *kept])
    assert not left, f"keys without an expiry are left in Redis: {left[:20]}"
    _wait_for_none(server.connections, "connections to Redis")


@contextmanager
def _new_database(mariadb: MariaDB, name: str) -> Iterator[dict[str, str]]:
    mariadb.query(f"CREATE DATABASE {name}")
    yield _credentials(mariadb, name)
    try:
        _wait_for_none(lambda: mariadb.connections(name), "connections to MariaDB")
    finally:
        mariadb.query(f"DROP DATABASE {name}")


def _wait_for_none(count: Callable[[], int], what: str) -> None:
    """Wait for the server to notice closed connections, and fail if some stay open."""
    with contextlib.suppress(TimeoutError):
        wait_until_blocking(lambda: count() == 0, LEAK_TIMEOUT_S, what)
    assert count() == 0, f"{count()} {what} are open after the test"


def _credentials(mariadb: MariaDB, name: str) -> dict[str, str]:
    return {
        "DB_HOST": "127.0.0.1",
        "DB_PORT": str(mariadb.port),
        "DB_USERNAME": DB_USERNAME,
        "DB_PASSWORD": DB_PASSWORD,
        "DB_NAME": name,
    }


async def _migrate(parameters: DatabaseParameters) -> None:
    database = Database(parameters)
    await database.open()
    try:
        await Migrations(database, ROOT / "migrations").upgrade()
    finally:
        await database.close()
