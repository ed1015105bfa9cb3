"""R27: three Galera nodes that all accept writes: migrated once, and no change of the same rows is lost or doubled."""

import asyncio
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncmy
import pytest
from redis.asyncio import Redis

from server.database_metrics import DatabaseMetrics
from server.models.database import Database
from server.models.migrations import Migrations
from server.services.jobs.unit_of_work import WorkContext
from tests.chaos.conftest import Report
from tests.chaos.environment import configuration, number, rounds, settled
from tests.e2e.conftest import NewProgram, Register
from tests.support.galera import NAME, assert_no_crash, parameters_of, with_empty_database
from tests.support.inputs import photos
from tests.support.program import Person
from tests.support.schemas import FOLDER, opened
from tools.harness.backends import Stack
from tools.harness.galera import galera_cluster, galera_missing
from tools.harness.servers import DB_PASSWORD, DB_USERNAME, MariaDB
from tools.harness.services import ServiceHarness
from tools.harness.waiting import wait_until

LIKERS = 24
Request = tuple[str, str, dict[str, Any]]
REMOTE_CHANGE = "UPDATE nodes SET last_ms = last_ms + 100 WHERE node = 1"
# A node whose table is locked certifies both, and applies neither until it is unlocked.
CERTIFIED_FIRST = (
    f"INSERT INTO media_totals (kind, files, bytes, counted_at_ms) VALUES ('x', 0, 0, 0); {REMOTE_CHANGE}"
)
MIGRATE = """
import asyncio, sys
from pathlib import Path
from server.models.database import Database, DatabaseParameters
from server.models.migrations import Migrations

async def main():
    folder, port, username, password = sys.argv[1:]
    database = Database(
        DatabaseParameters(
            host="127.0.0.1", port=int(port), username=username, password=password, name="photos", timeout_s=30.0
        )
    )
    await database.open()
    print(len(await Migrations(database, Path(folder), wait_s=200).upgrade()))
    await database.close()

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def cluster(scratch: Path, mariadb_stack_runs: None) -> Iterator[list[MariaDB]]:
    """Three nodes that all accept writes."""
    if missing := galera_missing():
        pytest.skip(missing)
    with galera_cluster(scratch) as nodes:
        yield nodes


@pytest.fixture
def migrated(cluster: list[MariaDB], mariadb_template: str) -> list[MariaDB]:
    """The nodes, with a database that is empty and migrated."""
    return with_empty_database(cluster, mariadb_template)


@pytest.mark.timeout(240)
async def test_three_nodes_are_migrated_once(cluster: list[MariaDB]) -> None:
    for node in cluster:
        assert node.query("SHOW STATUS LIKE 'wsrep_cluster_size'").split() == ["wsrep_cluster_size", "3"]
    cluster[0].query("CREATE DATABASE photos")

    async def migrate(node: MariaDB) -> str:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", MIGRATE, str(FOLDER), str(node.port), DB_USERNAME, DB_PASSWORD),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert process.returncode == 0, err.decode()
        return out.decode().strip()

    applied = await asyncio.gather(*map(migrate, cluster))
    known = 0
    for node in cluster:
        async with opened(parameters_of(node)) as database:
            known = len(Migrations(database, FOLDER).known())
            assert await database.rows("SELECT COUNT(*) AS applied FROM aerich") == [{"applied": known}]
    assert sorted(applied) == ["0", "0", str(known)]


class Services(ServiceHarness):
    """Services on one node, with the metrics of their database and a session of an administrator on that node."""

    metrics: DatabaseMetrics
    node: MariaDB

    @property
    def conflicts(self) -> int:
        return next(
            int(metric.samples[0].value)
            for metric in self.metrics.collect()
            if metric.name == "photofeed_database_lock_retries"
        )


@pytest.fixture
async def services(migrated: list[MariaDB], stack: Stack) -> AsyncIterator[Services]:
    """Services on the first node."""
    metrics = DatabaseMetrics()
    migrated[0].query(
        "SET GLOBAL wsrep_retry_autocommit = 0"
    )  # or the server repeats a statement once by itself
    database = Database(parameters_of(migrated[0]), metrics)
    await database.open()
    async with Redis.from_url(stack.redis.url) as redis:
        services = Services(database, redis, stack.redis.url, stack.var_dir)
        services.metrics, services.node = metrics, migrated[0]
        await services.database.execute(
            "INSERT INTO nodes (node, owner, lease_until_ms, last_ms) VALUES (1, '', 0, 0), (2, '', 0, 0)"
        )
        yield services
        await services.close()
    await database.close()


@asynccontextmanager
async def without_applying(services: Services) -> AsyncIterator[None]:
    """Keep the node of the services from applying CERTIFIED_FIRST until one of their changes has reached the others."""
    connection = await asyncmy.connect(
        host="127.0.0.1", port=services.node.port, user=DB_USERNAME, password=DB_PASSWORD, db=NAME
    )
    async with connection.cursor() as cursor:

        async def replicated() -> int:
            await cursor.execute("SHOW GLOBAL STATUS LIKE 'wsrep_replicated'")
            return int((await cursor.fetchone())[1])

        async def unlock() -> None:
            before = await replicated()

            async def has_replicated() -> bool:
                return await replicated() > before

            await wait_until(has_replicated)
            await cursor.execute("UNLOCK TABLES")

        await cursor.execute("LOCK TABLES media_totals READ")
        unlocking = asyncio.create_task(unlock())
        try:
            yield
        finally:
            await unlocking
            await connection.ensure_closed()


async def add(services: Services, node: int, amount: int) -> None:
    await services.database.execute("UPDATE nodes SET last_ms = last_ms + ? WHERE node = ?", [amount, node])


@pytest.mark.parametrize("stack", ["mariadb"], indirect=True)
@pytest.mark.parametrize("when", ["holding the lock", "at the commit"])
async def test_change_that_gives_way_to_another_node_is_repeated(
    migrated: list[MariaDB], services: Services, when: str
) -> None:
    other, attempts = migrated[1], 0

    async def change(_: WorkContext) -> None:
        nonlocal attempts
        attempts += 1
        if attempts == 1 and when == "at the commit":
            await asyncio.to_thread(other.query, CERTIFIED_FIRST, NAME)
        await add(services, 2, 10)
        await add(services, 1, 10)
        if attempts == 1 and when == "holding the lock":
            await asyncio.to_thread(other.query, REMOTE_CHANGE, NAME)

    async def wait_for_the_lock(_: WorkContext) -> None:
        await add(services, 1, 1)

    if when == "at the commit":
        async with without_applying(services):
            await services.unit_of_work.run(change)
        assert services.conflicts
    else:
        holder = asyncio.create_task(services.unit_of_work.run(change))
        await services.unit_of_work.run(wait_for_the_lock)
        await holder
    assert attempts > 1
    for node in migrated:
        stored = node.query("SET wsrep_sync_wait = 1; SELECT last_ms FROM nodes ORDER BY node", NAME).split()
        assert stored == [str(110 if when == "at the commit" else 111), "10"]


@pytest.mark.parametrize("stack", ["mariadb"], indirect=True)
async def test_statement_without_transaction_is_repeated(migrated: list[MariaDB], services: Services) -> None:
    async with without_applying(services):
        migrated[1].query(CERTIFIED_FIRST, NAME)
        await add(services, 1, 10)
    assert services.conflicts
    assert await services.value("SELECT last_ms AS n FROM nodes WHERE node = 1") == 110


@pytest.mark.chaos
@pytest.mark.timeout(300)
@pytest.mark.parametrize("stack", ["mariadb"], indirect=True)
async def test_hot_post_is_liked_through_all_nodes(
    migrated: list[MariaDB], new_program: NewProgram, register: Register, stack: Stack, report: Report
) -> None:
    stack = replace(stack, mariadb=migrated[0], database={**stack.database, "DB_NAME": NAME})
    programs = [
        new_program("--port=0", config=configuration(stack), DB_NAME=NAME, DB_PORT=str(node.port))
        for node in migrated
    ]
    await asyncio.gather(*(program.start() for program in programs))
    author, *likers = await register(programs[0], "author", *(f"liker{n}" for n in range(LIKERS)))
    post_id = (await author.publish(photos.small()))["id"]
    statuses: Counter[int] = Counter()

    async def use(person: Person, turns: int) -> None:
        for turn in range(turns):
            person.program = random.choice(programs)
            like: Request = ("POST", f"/posts/{post_id}/likes", {})
            unlike: Request = ("DELETE", f"/posts/{post_id}/likes", {})
            comment: Request = ("POST", f"/posts/{post_id}/comments", {"json": {"content": f"{turn}"}})
            for method, path, options in (like, unlike, comment, like):
                answer = await person.call(method, path, **options)
                statuses[answer.status] += 1
                if path.endswith("likes") and answer.ok:
                    assert answer.json["liked"] == (method == "POST")
            # Another node has it at once.
            person.program = random.choice(programs)
            assert (await person.request("GET", f"/posts/{post_id}"))["liked"]

    turns = rounds(2, 20)
    await asyncio.gather(*(use(person, turns) for person in likers))
    await settled(stack, 60)
    report(f"R27: {sum(statuses.values())} changes of one post through 3 nodes: {dict(statuses)}")
    assert statuses.keys() <= {200, 201, 503}
    assert statuses[503] * 100 <= sum(statuses.values())
    post = f"FROM posts WHERE id = {post_id}"
    for node in migrated:
        at_node = replace(stack, mariadb=node)
        assert number(at_node, f"SELECT likes_count {post}") == LIKERS
        assert number(at_node, f"SELECT COUNT(*) FROM likes WHERE post_id = {post_id}") == LIKERS
        assert number(at_node, f"SELECT comments_count {post}") == statuses[201]
        assert number(at_node, f"SELECT COUNT(*) FROM comments WHERE post_id = {post_id}") == statuses[201]
    notifications = [each for each in await author.notifications() if each["type"] == "comment"]
    assert len({each["id"] for each in notifications}) == statuses[201]
    assert_no_crash(programs)
