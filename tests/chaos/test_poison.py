"""R12: poison jobs and malformed messages are dead-lettered; all healthy jobs complete."""

import asyncio
import random
import time
from collections import Counter
from typing import Any

import pytest

from tests.chaos.conftest import Report
from tests.chaos.environment import (
    A_DAY_MS,
    FIRST_JOB,
    LEASE_S,
    NewJob,
    ask,
    configuration,
    insert_jobs,
    number,
    recorded,
    redis_of,
    rounds,
    settled,
    states,
    with_faults,
)
from tests.e2e.conftest import NewProgram
from tools.harness.backends import Stack

pytestmark = [pytest.mark.chaos, pytest.mark.usefixtures("migrated_stack")]

HEALTHY = rounds(200, 1000)
POISON = ("chaos.raise", "chaos.kill_process", "chaos.unknown")
MAX_ATTEMPTS, MAX_CRASHES = 3, 3
TIMEOUT_S = 30 + 6 * LEASE_S

MALFORMED: list[dict[Any, Any]] = [
    {"data": "not JSON"},
    {"data": b"\xff\xfe\x00"},
    {"data": "[]"},
    {"data": "{}"},
    {"data": '{"task_id": "1", "task_name": "another_task", "labels": {}, "args": [1], "kwargs": {}}'},
    {"data": '{"task_id": "1", "task_name": "run_job", "labels": {}, "args": ["one"], "kwargs": {}}'},
    {"data": '{"task_id": "1", "task_name": "run_job", "labels": {}, "args": [], "kwargs": {}}'},
    {"data": '{"task_id": "1", "task_name": "run_job", "labels": {}, "args": [1, 2], "kwargs": {}}'},
    {"data": "x" * 1_000_000},
    {"another field": "and no data"},
]
# Well-formed, but the job does not exist: the worker drops it.
STRAY = {"data": '{"task_id": "1", "task_name": "run_job", "labels": {}, "args": [7], "kwargs": {}}'}


async def test_poison_is_dead_lettered_and_healthy_jobs_complete(
    stack: Stack, new_program: NewProgram, report: Report
) -> None:
    record = stack.var_dir / "record"
    config = configuration(stack)
    worker = await new_program(
        "--role=worker", config=config, QUEUE_BACKOFF_DELAY="200", **with_faults(record=record)
    ).start()
    with redis_of(stack) as redis:
        for fields in [*MALFORMED, STRAY]:
            redis.xadd("queue:feed", fields)
    insert_jobs(stack, mixed_jobs())

    kills, began = 0, time.monotonic()
    while unsettled(stack):
        assert time.monotonic() - began < TIMEOUT_S, states_by_kind(stack)
        if not worker.running:
            assert (await worker.end()).code == -9
            kills += 1
            await worker.start()
        await asyncio.sleep(0.05)

    assert states_by_kind(stack) == {
        "chaos.sleep": {"completed": HEALTHY},
        **{kind: {"dead": 1} for kind in POISON},
    }
    ends = attempts_and_crashes(stack)
    assert ends.pop("chaos.kill_process") == (MAX_CRASHES, MAX_CRASHES)
    for (
        attempts,
        crash_count,
    ) in ends.values():  # an attempt cut short by another job's crash is not a failure
        assert MAX_ATTEMPTS <= attempts <= MAX_ATTEMPTS + crash_count
        assert crash_count < MAX_CRASHES
    assert kills == MAX_CRASHES
    with redis_of(stack) as redis:
        assert redis.xlen("queue:feed:rejected") == len(MALFORMED)
        assert redis.xlen("queue:feed") == 0
    assert worker.err == ""
    runs = Counter(run["id"] for run in recorded(record) if run["kind"] == "chaos.sleep")
    took_s = time.monotonic() - began

    listed = await new_program("queues", "failed", "feed", config=config).spawn().end()
    assert listed.code == 0
    assert [kind for kind in POISON if kind not in listed.out] == []
    assert await worker.interrupt() == 0
    await new_program("--role=worker", config=config, **with_faults(record=record, mended=True)).start()
    replayed = await new_program("queues", "retry", "feed", "--all", config=config).spawn().end()
    assert replayed.code == 0
    await settled(stack, TIMEOUT_S)
    assert [states(stack, kind) for kind in POISON] == [{"completed": 1}] * len(POISON)
    report(
        f"R12 {stack.name}: {HEALTHY} healthy jobs done ({sum(runs.values()) - HEALTHY} begun again after one of"
        f" {kills} crashes), {len(POISON)} dead letters, {len(MALFORMED)} messages rejected,"
        f" after {took_s:.1f} s; the dead letters listed, and done when they were replayed"
    )


def mixed_jobs() -> list[NewJob]:
    """Return short healthy jobs with poison in the first half, all due now."""
    kinds = ["chaos.sleep"] * HEALTHY
    for kind in POISON:
        kinds.insert(random.randint(1, HEALTHY // 2), kind)
    return [
        NewJob(FIRST_JOB + n, kind, payload='{"ms": 50}', age_ms=A_DAY_MS * (kind == "chaos.unknown"))
        for n, kind in enumerate(kinds)
    ]


def unsettled(stack: Stack) -> int:
    return number(
        stack, "SELECT COUNT(*) FROM jobs WHERE kind LIKE 'chaos.%' AND state IN ('ready', 'running')"
    )


def states_by_kind(stack: Stack) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for kind, state, count in ask(
        stack, "SELECT kind, state, COUNT(*) FROM jobs WHERE kind LIKE 'chaos.%' GROUP BY kind, state"
    ):
        found.setdefault(kind, {})[state] = int(count)
    return found


def attempts_and_crashes(stack: Stack) -> dict[str, tuple[int, int]]:
    """Return attempts and crashes of the dead letters, by kind."""
    rows = ask(stack, "SELECT kind, attempts, crash_count FROM jobs WHERE state = 'dead'")
    return {kind: (int(attempts), int(crash_count)) for kind, attempts, crash_count in rows}
