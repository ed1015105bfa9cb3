"""Read replicas: lists see what was committed before, whatever becomes of the replica."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from server.assembly.database import server_database
from server.commands.replicas import check_replicas
from server.errors import ConfigurationError
from server.models.database import Database
from tests.e2e.conftest import NewProgram, Register, new_program, register, session
from tests.support.inputs import photos
from tests.support.program import Person
from tools.harness.backends import Stack
from tools.harness.servers import DB_PASSWORD, DB_USERNAME, MariaDB
from tools.harness.waiting import wait_until

__all__ = ["new_program", "register", "session"]

pytestmark = pytest.mark.parametrize("stack", ["mariadb"], indirect=True)

NAME = "replicated"
SERVER = "SELECT @@server_id AS server, COUNT(*) AS n FROM nodes"
PRIMARY, REPLICA = 1, 2


@dataclass(frozen=True, slots=True)
class Pair:
    """A primary and its replica."""

    primary: MariaDB
    replica: MariaDB

    @property
    def environ(self) -> dict[str, str]:
        return {
            "DB_HOST": "127.0.0.1",
            "DB_PORT": str(self.primary.port),
            "DB_USERNAME": DB_USERNAME,
            "DB_PASSWORD": DB_PASSWORD,
            "DB_NAME": NAME,
            "DB_REPLICAS": f"127.0.0.1:{self.replica.port}",
        }

    def catch_up(self) -> None:
        """Wait until the replica has all that the primary committed."""
        position = self.primary.query("SELECT @@gtid_binlog_pos").strip()
        assert self.replica.query(f"SELECT MASTER_GTID_WAIT('{position}', 20)").strip() == "0"


@pytest.fixture(scope="module")
def servers(scratch: Path, mariadb_stack_runs: None) -> Iterator[Pair]:
    """A primary, and a replica that replicates everything."""
    log = {"log-bin": "binlog", "binlog-format": "ROW"}
    primary = MariaDB(scratch / "primary", options={"server-id": PRIMARY, **log}).install()
    replica = MariaDB(scratch / "replica", options={"server-id": REPLICA, "read-only": 1}).install()
    position = primary.query("SELECT @@gtid_binlog_pos").strip()
    replica.query(
        f"SET GLOBAL gtid_slave_pos = '{position}'; CHANGE MASTER TO MASTER_HOST = '127.0.0.1',"
        f" MASTER_PORT = {primary.port}, MASTER_USER = '{DB_USERNAME}', MASTER_PASSWORD = '{DB_PASSWORD}',"
        " MASTER_USE_GTID = slave_pos, MASTER_CONNECT_RETRY = 1; START SLAVE"
    )
    yield Pair(primary, replica)
    for server in (replica, primary):
        server.stop()
        shutil.rmtree(server.folder)


@pytest.fixture
def pair(servers: Pair, mariadb_template: str) -> Pair:
    """The servers with an empty database."""
    servers.primary.query(f"SET foreign_key_checks = 0; CREATE OR REPLACE DATABASE {NAME}")
    servers.primary.query(mariadb_template, NAME)
    servers.catch_up()
    return servers


@pytest.fixture
def replicated(stack: Stack, pair: Pair) -> Stack:
    """The stack on these servers."""
    return replace(stack, mariadb=pair.primary, database=MappingProxyType(pair.environ))


@pytest.fixture
async def database(replicated: Stack, tmp_path: Path) -> AsyncIterator[Database]:
    async with server_database(replicated.settings(), tmp_path) as database:
        yield database


async def read(database: Database) -> tuple[int, int]:
    """Return the server that a list is read from, and how many rows it has."""
    (row,) = await database.list_rows(SERVER)
    return row["server"], row["n"]


async def write(database: Database, number: int) -> None:
    await database.execute(
        "INSERT INTO nodes (node, owner, lease_until_ms, last_ms) VALUES (?, '', 0, 0)", [number]
    )


async def test_replica_is_read_and_has_every_change(database: Database) -> None:
    for number in range(30):
        await write(database, number)
        reads = await asyncio.gather(*(read(database) for _ in range(5)))
        assert {n for _, n in reads} == {number + 1}
    assert database.replicas.left_out == []
    assert (await read(database))[0] == REPLICA


async def test_reads_of_a_transaction_are_the_primarys(database: Database) -> None:
    async with database.transaction():
        await write(database, 1)
        assert await read(database) == (PRIMARY, 1)


async def test_late_replica_is_left_out_until_it_keeps_up(database: Database, pair: Pair) -> None:
    pair.replica.query("STOP SLAVE SQL_THREAD")
    try:
        await write(database, 1)
        assert await read(database) == (PRIMARY, 1)
        assert "behind" in database.replicas.left_out[0].problem
        await database.replicas.check()
        assert len(database.replicas.left_out) == 1
    finally:
        pair.replica.query("START SLAVE SQL_THREAD")
    pair.catch_up()
    await database.replicas.check()
    assert await read(database) == (REPLICA, 1)


async def test_dead_replica_is_left_out_until_it_is_back(database: Database, pair: Pair) -> None:
    assert (await read(database))[0] == REPLICA
    pair.replica.kill()
    await write(database, 1)
    assert await read(database) == (PRIMARY, 1)
    await database.replicas.check()
    assert len(database.replicas.left_out) == 1
    pair.replica.start()
    pair.catch_up()
    await database.replicas.check()
    assert await read(database) == (REPLICA, 1)


async def test_replica_of_another_database_is_left_out(database: Database, pair: Pair) -> None:
    insert = "INSERT INTO installation (id, epoch, began_at_ms, media_store_id) VALUES (1, 'restored', 0, '')"
    pair.primary.query(f"SET SESSION sql_log_bin = 0; {insert}", NAME)
    await database.replicas.check()
    assert "another database" in database.replicas.left_out[0].problem
    assert (await read(database))[0] == PRIMARY


async def test_doctor_names_the_replicas_that_are_left_out(
    replicated: Stack, pair: Pair, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await check_replicas(replicated.settings()) == 0
    assert "used" in capsys.readouterr().out
    unused = replicated.settings(DB_REPLICAS="127.0.0.1:1")
    assert await check_replicas(unused) == 1
    assert "left out" in capsys.readouterr().out


async def test_servers_in_wrong_roles_are_refused(
    replicated: Stack, pair: Pair, migrated_stack: Stack, tmp_path: Path
) -> None:
    refusals = {
        "is read-only, as a replica is": replicated.settings(DB_PORT=str(pair.replica.port), DB_REPLICAS=""),
        "has no binary log": migrated_stack.settings(DB_REPLICAS=f"127.0.0.1:{pair.replica.port}"),
        "DB_HOST is not": replicated.settings(DB_HOST=""),
    }
    for sentence, settings in refusals.items():
        with pytest.raises(ConfigurationError, match=sentence):
            async with server_database(settings, tmp_path):
                pass


async def parts(person: Person) -> dict[str, str]:
    return (await person.call("GET", "/readyz")).json["parts"]


async def test_clients_see_their_changes_while_replication_is_paused(
    new_program: NewProgram, register: Register, pair: Pair
) -> None:
    environ: dict[str, Any] = dict(pair.environ)
    program = await new_program("--port=0", **environ).start()
    ana, bob = await register(program, "ana", "bob")
    pair.catch_up()
    for state in ("running", "paused"):
        if state == "paused":
            pair.replica.query("STOP SLAVE SQL_THREAD")
        post = await ana.publish(photos.small(), caption=f"{state} #lake")
        assert (await bob.list_all(f"/posts?userId={ana.id}"))[0]["id"] == post["id"]
        await bob.like(post["id"])
        assert len(await ana.list_all(f"/posts/{post['id']}/likes")) == 1
    assert (await ana.call("GET", "/readyz")).status == 200
    assert (await parts(ana))["database"] == "ok: 1 of 1 replicas left out"
    # A replica that lacks a block must not show what it hides.
    assert (await ana.call("POST", f"/users/{bob.id}/block")).status == 204
    assert (await bob.call("GET", f"/posts?userId={ana.id}")).json.get("items", []) == []
    assert await ana.list_all(f"/posts/{post['id']}/likes") == []
    pair.replica.query("START SLAVE SQL_THREAD")

    async def is_used() -> bool:
        return (await parts(ana))["database"] == "ok"

    await wait_until(is_used)
    assert len(program.logged("replica_left_out")) == 1
