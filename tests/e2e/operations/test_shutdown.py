"""Shutdown and kill under load: no acknowledged write is lost or doubled."""

import asyncio
import itertools

import pytest
from aiohttp import ClientConnectorError

from tests.e2e.conftest import NewProgram, Register, quick_leases
from tests.support.program import Program, print_figures
from tests.support.traffic import Traffic, assert_complete, jobs_in
from tools.harness.backends import Stack
from tools.harness.waiting import wait_until

BUSY = 60  # acknowledged writes before it is stopped

# Each set is closed before the next one.
ORDER = [{"http"}, {"jobs"}, {"brokers"}, {"redis", "database"}, {"embedded redis"}]


async def make_busy(program: Program, register: Register) -> tuple[Traffic, asyncio.Task[None]]:
    author, observer, *fans = await register(
        program, "author", "observer", "fan_a", "fan_b", "fan_c", "fan_d"
    )
    traffic = Traffic(author, fans, observer)
    await traffic.follow_author()
    running = asyncio.create_task(traffic.run())

    async def is_busy() -> bool:
        assert not running.done(), running
        return traffic.acknowledged >= BUSY

    await wait_until(is_busy)
    return traffic, running


async def test_interrupt_under_load_finishes_accepted_requests(
    migrated_stack: Stack, new_program: NewProgram, register: Register
) -> None:
    stack, config = migrated_stack, quick_leases(migrated_stack)
    program = await new_program("--port=0", config=config, LOG_LEVEL="debug").start()
    traffic, running = await make_busy(program, register)
    assert await program.interrupt() == 0
    await running
    print_figures(f"{traffic.acknowledged} writes, {jobs_in(stack, 'ready')} jobs left for the next start")
    assert traffic.refused == []
    assert [type(error) for error in traffic.unanswered] == [ClientConnectorError] * len(traffic.unanswered)
    assert jobs_in(stack, "running") == 0
    assert_closed_in_order(program)

    await program.start()
    await assert_complete(traffic, stack)


async def test_kill_under_load_keeps_every_acknowledged_write(
    program: Program, register: Register, stack: Stack
) -> None:
    traffic, running = await make_busy(program, register)
    await program.kill()
    await running
    print_figures(
        f"{traffic.acknowledged} writes, {jobs_in(stack, 'ready', 'running')} jobs left for the next start"
    )
    assert traffic.refused == []

    await program.start()
    await assert_complete(traffic, stack)
    assert program.err == ""


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
async def test_jobs_queued_without_a_worker_run_when_one_starts(
    new_program: NewProgram, register: Register, stack: Stack
) -> None:
    api = await new_program("--port=0", "--role=api").start()
    traffic, running = await make_busy(api, register)
    assert await api.interrupt() == 0
    await running
    print_figures(f"{jobs_in(stack, 'ready')} jobs wait")
    assert jobs_in(stack, "ready") >= BUSY

    traffic.move_to(await new_program("--port=0").start())
    await assert_complete(traffic, stack)


def assert_closed_in_order(program: Program) -> None:
    closed = [line["stage"] for line in program.logged("closed")]
    stages = [[closed.index(stage) for stage in names if stage in closed] for names in ORDER]
    reached = [stage for stage in stages if stage]
    assert len(reached) >= len(ORDER) - 1, closed
    for earlier, later in itertools.pairwise(reached):
        assert max(earlier) < min(later), closed
    assert program.logged("stopped")[0]["clean"]
    assert program.err == ""
