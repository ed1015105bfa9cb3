"""R4: MariaDB is killed under load; acknowledged writes are kept, others get 503, and service recovers."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.conftest import Report
from tests.chaos.environment import busy, configuration, more, own_mariadb, people, rounds
from tests.e2e.conftest import NewProgram, Register
from tests.support.program import Program
from tests.support.traffic import Traffic, assert_complete
from tools.harness.backends import Stack
from tools.harness.servers import RedisServer
from tools.harness.waiting import wait_until

pytestmark = [pytest.mark.chaos, pytest.mark.usefixtures("migrated_stack")]

DOWN_S = 1.0
HEALTHY_WITHIN_S = 10.0


@pytest.fixture
def stack(scratch: Path, tcp_redis_server: RedisServer) -> Iterator[Stack]:
    tcp_redis_server.flush()
    with own_mariadb(scratch / "killed-mariadb", tcp_redis_server) as stack:
        yield stack


async def test_killed_database_keeps_acknowledged_writes(
    stack: Stack, new_program: NewProgram, register: Register, report: Report
) -> None:
    assert stack.mariadb is not None
    program = await new_program("--port=0", config=configuration(stack)).start()
    slowest_s, acknowledged, refused = 0.0, 0, 0
    for turn in range(rounds(1, 10)):
        traffic = await people(program, register, prefix=f"r{turn}_")
        async with busy(traffic):
            stack.mariadb.kill()
            await asyncio.sleep(DOWN_S)
            began = time.monotonic()
            stack.mariadb.start()
            await is_healthy(program, traffic)
            slowest_s = max(slowest_s, time.monotonic() - began)
            await more(traffic, 50)
        assert traffic.unanswered == []
        assert traffic.refused, "it was never away"
        for answer in traffic.refused:
            assert answer.status == 503, answer
            assert int(answer.headers["Retry-After"]) > 0
        await assert_complete(traffic, stack)
        acknowledged, refused = acknowledged + traffic.acknowledged, refused + len(traffic.refused)
    report(
        f"R4 {stack.name}: {rounds(1, 10)} kills, {acknowledged} writes acknowledged and all there, {refused} refused"
        f" with 503 and Retry-After, healthy within {slowest_s:.1f} s of its start"
    )
    assert slowest_s < HEALTHY_WITHIN_S


async def is_healthy(program: Program, traffic: Traffic) -> None:
    """Wait until the program is ready and accepts a write."""
    fan, path = traffic.fans[0], f"/posts/{traffic.posts[0]}/likes"

    async def healthy() -> bool:
        ready = await fan.call("GET", f"{program.url}/readyz")
        return ready.ok and (await fan.call("POST", path)).ok

    await wait_until(healthy, HEALTHY_WITHIN_S)
