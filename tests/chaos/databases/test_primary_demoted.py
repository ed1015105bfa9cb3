"""R20: a primary is demoted with its connections open; only requests in flight fail once a successor is reached."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import pytest

from tests.chaos.conftest import Report
from tests.chaos.environment import busy, configuration, more, people, rounds
from tests.e2e.conftest import NewProgram, Register
from tests.support.failover import SwitchingProxy
from tests.support.program import Person
from tests.support.traffic import assert_complete
from tools.harness.backends import Stack
from tools.harness.servers import MariaDB
from tools.harness.waiting import wait_until

pytestmark = [pytest.mark.chaos, pytest.mark.parametrize("stack", ["mariadb"], indirect=True)]

FANS = 4
# One request of the author and of each fan, and what the background tasks send at the same time.
IN_FLIGHT = FANS + 1
READY_WITHIN_S = 6.0
FAILURES = ("request_crashed", "actor_crashed", "job_failed", "database_restore_noticed")


@dataclass(slots=True)
class Pair:
    """A primary and its standby, behind a proxy that a failover switches."""

    primary: MariaDB
    standby: MariaDB
    proxy: SwitchingProxy
    database: str
    username: str = field(init=False)

    def __post_init__(self) -> None:
        self.username = self.primary.grant_plain_user(self.database)

    def demote(self) -> None:
        """Refuse writes, and copy the data to the standby."""
        self.primary.query("SET GLOBAL read_only = 1")
        self.standby.query(f"SET GLOBAL read_only = 0; CREATE OR REPLACE DATABASE {self.database}")
        self.standby.query(self.primary.dump(self.database), self.database)
        self.standby.grant_plain_user(self.database)

    def switch(self) -> None:
        """Lead new connections to the standby. The old ones stay at the demoted server."""
        self.proxy.target = self.standby.port
        self.primary, self.standby = self.standby, self.primary


@pytest.fixture(scope="module")
def standby(scratch: Path, mariadb_stack_runs: None) -> Iterator[MariaDB]:
    server = MariaDB(scratch / "standby").install()
    yield server
    server.stop()
    shutil.rmtree(server.folder)


@pytest.fixture
async def pair(migrated_stack: Stack, standby: MariaDB) -> AsyncIterator[Pair]:
    primary = migrated_stack.mariadb
    assert primary is not None
    async with SwitchingProxy(primary.port).running() as proxy:
        yield Pair(primary, standby, proxy, migrated_stack.database["DB_NAME"])
    for server in (primary, standby):
        server.query("SET GLOBAL read_only = 0")


async def test_demoted_primary_costs_only_requests_in_flight(
    migrated_stack: Stack, pair: Pair, new_program: NewProgram, register: Register, report: Report
) -> None:
    environ = {"DB_PORT": str(pair.proxy.port), "DB_USERNAME": pair.username}
    program = await new_program("--port=0", config=configuration(migrated_stack), **environ).start()
    most, slowest_s = 0, 0.0
    for turn in range(rounds(1, 10)):
        traffic = await people(program, register, prefix=f"r{turn}_", fans=FANS)
        async with busy(traffic):
            await asyncio.to_thread(pair.demote)  # in a thread, because the proxy runs in this loop
            pair.switch()
            before, began = len(traffic.refused), time.monotonic()
            await more(traffic, 50)
            most = max(most, len(traffic.refused) - before)
            await wait_until(partial(is_ready, traffic.observer), READY_WITHIN_S)
            slowest_s = max(slowest_s, time.monotonic() - began)
        assert {answer.status for answer in traffic.refused} == {503}
        await assert_complete(traffic, replace(migrated_stack, mariadb=pair.primary))
    assert [line for line in program.log if line["message"] in FAILURES] == []
    report(
        f"R20: {rounds(1, 10)} demotions, at most {most} requests refused after the switch, ready again within"
        f" {slowest_s:.1f} s"
    )
    assert most <= IN_FLIGHT


async def is_ready(person: Person) -> bool:
    return (await person.call("GET", "/readyz")).ok
