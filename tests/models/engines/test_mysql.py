"""A MariaDB server that refuses to serve: each refusal is Unavailable, and a new connection works."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from tortoise import connections

from server.errors import Unavailable
from server.models.database import Database, SerializationFailure
from tools.harness.backends import Stack
from tools.harness.servers import MariaDB
from tools.harness.waiting import wait_until

pytestmark = pytest.mark.parametrize("stack", ["mariadb"], indirect=True)

POOL_SIZE = 3
WRITE = "INSERT INTO nodes (node, owner, lease_until_ms, last_ms) VALUES (?, '', 0, 0)"


@pytest.fixture
def mariadb(migrated_stack: Stack) -> MariaDB:
    assert migrated_stack.mariadb is not None
    return migrated_stack.mariadb


@pytest.fixture
async def plain(migrated_stack: Stack, mariadb: MariaDB) -> AsyncIterator[Database]:
    """The database as a user without administrative privileges."""
    username = mariadb.grant_plain_user(migrated_stack.database["DB_NAME"])
    parameters = replace(migrated_stack.database_parameters(), username=username, pool_size=POOL_SIZE)
    database = Database(parameters)
    await database.open()
    yield database
    await database.close()


async def write_in_transaction(database: Database, node: int) -> None:
    async with database.transaction():
        await database.execute(WRITE, [node])


async def connection_id(database: Database) -> int:
    ((row),) = await database.rows("SELECT CONNECTION_ID() AS id")
    return row["id"]


async def is_unavailable(database: Database, sql: str = "SELECT 1") -> bool:
    """Run a statement and return whether it was refused as unavailable; other errors are raised."""
    try:
        await database.rows(sql)
    except SerializationFailure:
        raise
    except Unavailable:
        return True
    return False


async def is_available(database: Database) -> bool:
    return not await is_unavailable(database)


async def reconnect(database: Database, mariadb: MariaDB) -> None:
    """Replace the connections, so that they have the server's new defaults."""
    mariadb.kill_connections(database.parameters.username)
    await is_unavailable(database)


async def test_read_only_server_is_unavailable_for_writes(plain: Database, mariadb: MariaDB) -> None:
    with mariadb.setting("read_only", 1):
        with pytest.raises(Unavailable, match="read-only, error 1290"):
            await plain.execute(WRITE, [1])
        with pytest.raises(Unavailable, match="read-only, error 1290"):
            await write_in_transaction(plain, 1)
        assert await plain.rows("SELECT node FROM nodes") == []
    await plain.execute(WRITE, [1])
    await write_in_transaction(plain, 2)
    assert len(await plain.rows("SELECT node FROM nodes")) == 2


@pytest.mark.parametrize("in_transaction", [False, True], ids=["statement", "transaction"])
async def test_refused_write_drops_its_connection(
    plain: Database, mariadb: MariaDB, *, in_transaction: bool
) -> None:
    before = await connection_id(plain)
    with mariadb.setting("read_only", 1), pytest.raises(Unavailable):
        await (write_in_transaction(plain, 1) if in_transaction else plain.execute(WRITE, [1]))
    client: Any = connections.get("default")
    assert not client._pool._used
    assert await connection_id(plain) != before


async def test_read_only_transactions_are_unavailable(plain: Database, mariadb: MariaDB) -> None:
    with mariadb.setting("tx_read_only", 1):
        await reconnect(plain, mariadb)
        with pytest.raises(Unavailable, match="error 1792"):
            await plain.execute(WRITE, [1])
    await plain.execute(WRITE, [1])


async def test_killed_connections_cost_at_most_one_error(plain: Database, mariadb: MariaDB) -> None:
    together = asyncio.Barrier(POOL_SIZE)

    async def hold() -> None:
        async with plain.transaction():
            await together.wait()

    await asyncio.gather(*(hold() for _ in range(POOL_SIZE)))
    mariadb.kill_connections(plain.parameters.username)
    refused = [await is_unavailable(plain) for _ in range(10)]
    assert sum(refused) <= 1
    await write_in_transaction(plain, 1)


async def test_killed_transaction_is_unavailable(plain: Database, mariadb: MariaDB) -> None:
    with pytest.raises(Unavailable):
        async with plain.transaction():
            await plain.execute(WRITE, [1])
            mariadb.kill_connections(plain.parameters.username)
            await plain.execute(WRITE, [2])
    assert await plain.rows("SELECT node FROM nodes") == []


async def test_killed_statement_is_unavailable(plain: Database, mariadb: MariaDB) -> None:
    number = await connection_id(plain)
    slow = "SELECT SUM(a.seq * b.seq) FROM seq_1_to_20000 a, seq_1_to_20000 b"
    task = asyncio.create_task(is_unavailable(plain, slow))
    await asyncio.sleep(0.2)
    mariadb.query(f"KILL QUERY {number}")
    assert await task
    assert not await is_unavailable(plain)


async def test_statement_over_the_time_limit_is_unavailable(plain: Database, mariadb: MariaDB) -> None:
    with mariadb.setting("max_statement_time", 0.05):
        await reconnect(plain, mariadb)
        with pytest.raises(Unavailable, match="the statement took too long, error 1969"):
            await plain.rows("SELECT SUM(a.seq * b.seq) FROM seq_1_to_20000 a, seq_1_to_20000 b")
    await reconnect(plain, mariadb)
    assert not await is_unavailable(plain)


async def test_too_many_connections_are_unavailable(plain: Database, mariadb: MariaDB) -> None:
    user = f"{plain.parameters.username}@'%'"
    mariadb.query(f"ALTER USER {user} WITH MAX_USER_CONNECTIONS 1")
    try:
        await reconnect(plain, mariadb)
        first = asyncio.create_task(plain.rows("SELECT SLEEP(0.5)"))
        await asyncio.sleep(0.1)
        assert await is_unavailable(plain)
        await first
    finally:
        mariadb.query(f"ALTER USER {user} WITH MAX_USER_CONNECTIONS 0")
    assert not await is_unavailable(plain)


async def test_full_server_is_unavailable(plain: Database, mariadb: MariaDB) -> None:
    mariadb.kill_connections(plain.parameters.username)
    client: Any = connections.get("default")
    await client._pool.clear()
    with mariadb.setting("max_connections", 10):
        idle = [await asyncio.open_connection("127.0.0.1", mariadb.port) for _ in range(10)]
        try:
            assert await is_unavailable(plain)
        finally:
            for _, writer in idle:
                writer.close()
                await writer.wait_closed()
    await wait_until(lambda: is_available(plain))


async def test_denied_access_stays_an_error(plain: Database, mariadb: MariaDB) -> None:
    with pytest.raises(Exception, match="1142") as caught:
        await plain.rows("SELECT * FROM mysql.user")
    assert not isinstance(caught.value, Unavailable)


async def test_commit_without_an_answer_has_an_unknown_outcome(plain: Database, mariadb: MariaDB) -> None:
    with pytest.raises(Unavailable, match="outcome of a COMMIT is unknown") as caught:
        async with plain.transaction():
            await plain.execute(WRITE, [1])
            mariadb.kill_connections(plain.parameters.username)
    assert caught.value.detail.startswith("The outcome is unknown;")
    assert await plain.rows("SELECT node FROM nodes") == []


async def test_refused_commit_is_known_to_have_failed(plain: Database, mariadb: MariaDB) -> None:
    with mariadb.setting("read_only", 0), pytest.raises(Unavailable, match="error 1290") as caught:
        async with plain.transaction():
            await plain.execute(WRITE, [1])
            mariadb.query("SET GLOBAL read_only = 1")
    assert not caught.value.detail.startswith("The outcome is unknown")
    assert await plain.rows("SELECT node FROM nodes") == []
