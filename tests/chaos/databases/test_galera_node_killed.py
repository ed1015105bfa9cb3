"""R27: a node of a Galera cluster is killed while all nodes write one post."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.chaos.conftest import Report
from tests.chaos.environment import FULL, ask, configuration, number, settled
from tests.e2e.conftest import NewProgram, Register
from tests.support.failover import SwitchingProxy
from tests.support.galera import NAME, assert_no_crash, with_empty_database
from tests.support.inputs import photos
from tests.support.program import Person
from tools.harness.backends import Stack
from tools.harness.galera import galera_cluster, galera_missing
from tools.harness.servers import MariaDB

LIKERS = 24
LOAD_S, COMMENTING, MAX_REFUSED = 5.0, 0.1, 0.01
# The others exclude a killed node before their statements give up.
QUICK_EXCLUSION = "evs.suspect_timeout=PT1S;evs.inactive_timeout=PT3S"


@pytest.fixture
def doomed(scratch: Path, mariadb_stack_runs: None, mariadb_template: str) -> Iterator[list[MariaDB]]:
    """Nodes of a separate cluster with an empty database. The others exclude a killed one within two seconds."""
    if missing := galera_missing():
        pytest.skip(missing)
    folder = scratch / "doomed"
    folder.mkdir()
    with galera_cluster(folder) as nodes:
        for node in nodes:
            node.query(f"SET GLOBAL wsrep_provider_options = '{QUICK_EXCLUSION}'")
        yield with_empty_database(nodes, mariadb_template)
    folder.rmdir()


@pytest.mark.chaos
@pytest.mark.timeout(300)
@pytest.mark.skipif(not FULL, reason="make chaos")
@pytest.mark.parametrize("stack", ["mariadb"], indirect=True)
async def test_node_is_killed_while_all_accept_writes(
    doomed: list[MariaDB], new_program: NewProgram, register: Register, stack: Stack, report: Report
) -> None:
    stack = replace(stack, mariadb=doomed[0], database={**stack.database, "DB_NAME": NAME})
    async with SwitchingProxy(doomed[2].port).running() as proxy:
        programs = [
            new_program("--port=0", config=configuration(stack), DB_NAME=NAME, DB_PORT=str(port))
            for port in (doomed[0].port, doomed[1].port, proxy.port)
        ]
        await asyncio.gather(*(program.start() for program in programs))
        author, *likers = await register(programs[0], "author", *(f"liker{n}" for n in range(LIKERS)))
        post_id = (await author.publish(photos.small()))["id"]
        statuses: Counter[int] = Counter()
        comments: set[str] = set()
        stopping = asyncio.Event()

        async def use(person: Person) -> None:
            while not stopping.is_set():
                person.program = random.choice(programs)
                for method in ("POST", "DELETE"):
                    answer = await person.call(method, f"/posts/{post_id}/likes")
                    statuses[answer.status] += 1
                if random.random() < COMMENTING:
                    body = {"content": person.username}
                    answer = await person.call("POST", f"/posts/{post_id}/comments", json=body)
                    statuses[answer.status] += 1
                    if answer.ok:
                        comments.add(answer.json["id"])

        using = asyncio.gather(*map(use, likers))
        await asyncio.sleep(LOAD_S)
        proxy.target = doomed[0].port
        await asyncio.to_thread(doomed[2].kill)
        await asyncio.sleep(2 * LOAD_S)
        stopping.set()
        await using
        await asyncio.gather(*(liker.like(post_id) for liker in likers))
        await settled(stack, 60)
        assert_no_crash(programs)
    share = statuses[503] / sum(statuses.values())
    report(
        f"R27: a node killed in {sum(statuses.values())} changes of one post: {dict(statuses)}, 503: {share:.2%}"
    )
    assert statuses.keys() <= {200, 201, 503}
    post = f"FROM posts WHERE id = {post_id}"
    for node in doomed[:2]:
        at_node = replace(stack, mariadb=node)
        assert number(at_node, f"SELECT likes_count {post}") == LIKERS
        assert number(at_node, f"SELECT COUNT(*) FROM likes WHERE post_id = {post_id}") == LIKERS
        stored = {row[0] for row in ask(at_node, f"SELECT id FROM comments WHERE post_id = {post_id}")}
        assert comments <= stored
        assert number(at_node, f"SELECT comments_count {post}") == len(stored)
    assert share < MAX_REFUSED
