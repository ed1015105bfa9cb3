"""A queue keeps its rate across processes, and urgent jobs overtake a backlog."""

import pytest

from tests.chaos.conftest import Report
from tests.chaos.environment import (
    FIRST_JOB,
    NewJob,
    ask,
    configuration,
    insert_jobs,
    number,
    rounds,
    settled,
    with_faults,
)
from tests.e2e.conftest import NewProgram
from tests.support.program import Program
from tools.harness.backends import Stack
from tools.harness.waiting import wait_until

pytestmark = [pytest.mark.chaos, pytest.mark.usefixtures("migrated_stack")]

RATE_PER_S = 100
TOLERANCE = 0.05
BURST = RATE_PER_S // 20
JOBS = rounds(500, 1500)
BACKLOG = 300
URGENT = 30
LIMITED = {"rate_per_s = 100.0": f"rate_per_s = {RATE_PER_S}.0"}
SHORT_JOB = '{"ms": 0}'


async def workers(stack: Stack, new_program: NewProgram) -> list[Program]:
    """Start three processes, or one on the embedded stack."""
    config, record = configuration(stack, LIMITED), stack.var_dir / "record"
    count = 1 if stack.name == "embedded" else 3
    return [
        await new_program("--role=worker", config=config, **with_faults(record=record)).start()
        for _ in range(count)
    ]


async def test_queue_keeps_its_rate_across_processes(
    stack: Stack, new_program: NewProgram, report: Report
) -> None:
    running = await workers(stack, new_program)
    insert_jobs(stack, (NewJob(FIRST_JOB + n, "chaos.sleep", payload=SHORT_JOB) for n in range(JOBS)))
    await settled(stack, JOBS / RATE_PER_S * 2 + 10)
    finished = sorted(
        int(at) for (at,) in ask(stack, "SELECT finished_at_ms FROM jobs WHERE kind = 'chaos.sleep'")
    )
    steady = finished[BURST:]
    rate = (len(steady) - 1) / (steady[-1] - steady[0]) * 1000
    report(f"Rate {stack.name}: {JOBS} jobs at {RATE_PER_S}/s, {len(running)} process(es): {rate:.1f}/s")
    assert abs(rate / RATE_PER_S - 1) <= TOLERANCE


async def test_urgent_jobs_overtake_a_backlog(stack: Stack, new_program: NewProgram, report: Report) -> None:
    await workers(stack, new_program)
    insert_jobs(stack, (NewJob(FIRST_JOB + n, "chaos.sleep", payload=SHORT_JOB) for n in range(BACKLOG)))
    await wait_until(lambda: _done(stack, BURST), 10)
    first = FIRST_JOB + BACKLOG
    insert_jobs(
        stack, (NewJob(first + n, "chaos.sleep", payload=SHORT_JOB, priority=1) for n in range(URGENT))
    )
    await settled(stack, BACKLOG / RATE_PER_S * 2 + 10)
    last_urgent = number(
        stack, f"SELECT MAX(finished_at_ms) FROM jobs WHERE id >= {first} AND kind = 'chaos.sleep'"
    )
    later = number(
        stack,
        f"SELECT COUNT(*) FROM jobs WHERE id < {first} AND kind = 'chaos.sleep' AND finished_at_ms > {last_urgent}",
    )
    report(
        f"Priority {stack.name}: {URGENT} urgent jobs, put behind a backlog, ended before {later} of its {BACKLOG}"
    )
    assert later > BACKLOG / 2


async def _done(stack: Stack, jobs: int) -> bool:
    return (
        number(stack, "SELECT COUNT(*) FROM jobs WHERE state = 'completed' AND kind = 'chaos.sleep'") >= jobs
    )
