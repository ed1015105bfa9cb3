"""R20: a primary is demoted while its connections stay open; new connections reach its successor."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tortoise import connections

from server.errors import Unavailable
from server.models.database import Database
from tests.support.failover import SwitchingProxy
from tools.harness.backends import Stack, start_mariadb
from tools.harness.servers import MariaDB

pytestmark = pytest.mark.parametrize("stack", ["mariadb"], indirect=True)

POOL_SIZE = 6
WRITE = "INSERT INTO nodes (node, owner, lease_until_ms, last_ms) VALUES (?, '', 0, 0)"


@pytest.fixture(scope="module")
def successor(scratch: Path, mariadb_stack_runs: None) -> Iterator[MariaDB]:
    folder = scratch / "successor"
    server = start_mariadb(folder)
    yield server
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture
async def proxy(migrated_stack: Stack) -> AsyncIterator[SwitchingProxy]:
    async with SwitchingProxy(int(migrated_stack.database["DB_PORT"])).running() as proxy:
        yield proxy


@pytest.fixture
async def database(migrated_stack: Stack, proxy: SwitchingProxy) -> AsyncIterator[Database]:
    """The database behind the proxy, as a user without privileges, with all connections of the pool open."""
    primary = migrated_stack.mariadb
    assert primary is not None
    username = primary.grant_plain_user(migrated_stack.database["DB_NAME"])
    parameters = replace(
        migrated_stack.database_parameters(), port=proxy.port, username=username, pool_size=POOL_SIZE
    )
    database = Database(parameters)
    await database.open()
    await fill_pool(database)
    yield database
    await database.close()


@asynccontextmanager
async def failed_over(stack: Stack, proxy: SwitchingProxy, successor: MariaDB) -> AsyncIterator[None]:
    """Demote the primary; its connections stay open, and new ones reach the successor."""
    primary, name = stack.mariadb, stack.database["DB_NAME"]
    assert primary is not None
    with primary.setting("read_only", 1):
        successor.query(f"CREATE OR REPLACE DATABASE {name}")
        successor.query(primary.dump(name), name)
        successor.grant_plain_user(name)
        proxy.target = successor.port
        yield


async def fill_pool(database: Database) -> None:
    together = asyncio.Barrier(POOL_SIZE)

    async def hold() -> None:
        async with database.transaction():
            await together.wait()

    await asyncio.gather(*(hold() for _ in range(POOL_SIZE)))
    assert len(pool()._free) == POOL_SIZE


def pool() -> Any:
    client: Any = connections.get("default")
    return client._pool


async def is_refused(database: Database, node: int, *, in_transaction: bool = False) -> bool:
    try:
        if in_transaction:
            async with database.transaction():
                await database.execute(WRITE, [node])
        else:
            await database.execute(WRITE, [node])
    except Unavailable:
        return True
    return False


@pytest.mark.parametrize("in_transaction", [False, True], ids=["statement", "transaction"])
async def test_first_refusal_drops_every_idle_connection(
    migrated_stack: Stack,
    database: Database,
    proxy: SwitchingProxy,
    successor: MariaDB,
    *,
    in_transaction: bool,
) -> None:
    async with failed_over(migrated_stack, proxy, successor):
        refused = [await is_refused(database, node, in_transaction=in_transaction) for node in range(20)]
    assert refused == [True] + 19 * [False]


async def test_connections_in_use_are_dropped_after_their_statement(
    migrated_stack: Stack, database: Database, proxy: SwitchingProxy, successor: MariaDB
) -> None:
    reading, demoted = asyncio.Event(), asyncio.Event()

    async def read() -> int:
        async with database.transaction():
            await database.rows("SELECT 1")
            reading.set()
            await demoted.wait()
            return len(await database.rows("SELECT node FROM nodes"))

    reader = asyncio.create_task(read())
    await reading.wait()
    async with failed_over(migrated_stack, proxy, successor):
        assert await is_refused(database, 1)
        assert len(pool()._used) == 1
        demoted.set()
        assert await reader == 0
        assert not pool()._used
        assert [await is_refused(database, node) for node in range(5)] == 5 * [False]


async def test_only_requests_in_flight_are_refused(
    migrated_stack: Stack, database: Database, proxy: SwitchingProxy, successor: MariaDB
) -> None:
    async with failed_over(migrated_stack, proxy, successor):
        flight = await asyncio.gather(
            *(is_refused(database, node, in_transaction=True) for node in range(POOL_SIZE))
        )
        assert any(flight)
        later = [await is_refused(database, node) for node in range(100, 120)]
    assert not any(later)


async def test_killed_statement_keeps_the_other_connections(database: Database) -> None:
    idle = set(pool()._free)
    with pytest.raises(Unavailable):
        await database.rows("SIGNAL SQLSTATE '70100' SET MYSQL_ERRNO = 1317")
    assert len(idle & set(pool()._free)) == POOL_SIZE - 1
