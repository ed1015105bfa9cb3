"""Schedules, on both databases."""

import asyncio

import pytest

from server.models.jobs.jobs import JobState
from server.services.jobs.event_jobs import JobKind, Queue
from server.services.jobs.schedules import Recurring, Schedules
from tests.support.jobs import build_schedules
from tools.harness.services import ServiceHarness

PERIOD_MS = 60_000
SWEEP = Recurring(JobKind.SWEEP_SESSIONS, PERIOD_MS)


@pytest.fixture
def schedules(harness: ServiceHarness) -> Schedules:
    return build_schedules(harness, SWEEP)


async def make_due(harness: ServiceHarness, ago_ms: int = 1) -> None:
    await harness.database.execute(
        f"UPDATE schedules SET next_run_at_ms = {harness.database.now_ms} - ?", [ago_ms]
    )


async def next_in_ms(harness: ServiceHarness) -> int:
    return await harness.value(
        f"SELECT next_run_at_ms - {harness.database.now_ms} AS next_in_ms FROM schedules"
    )


async def jobs(harness: ServiceHarness) -> int:
    return await harness.value("SELECT COUNT(*) AS jobs FROM jobs")


async def test_new_schedule_is_due_after_one_period(harness: ServiceHarness, schedules: Schedules) -> None:
    assert await schedules.enqueue() == []
    assert 0 < await next_in_ms(harness) <= PERIOD_MS


async def test_due_schedule_inserts_a_claimable_job(harness: ServiceHarness, schedules: Schedules) -> None:
    await schedules.enqueue()
    await make_due(harness)
    (ref,) = await schedules.enqueue()
    assert ref.queue is Queue.MAINTENANCE
    claim = await harness.jobs.claim(ref.job_id)
    assert claim is not None
    assert (claim.kind, claim.payload) == (JobKind.SWEEP_SESSIONS, {})
    assert await schedules.enqueue() == []


async def test_one_of_many_dispatchers_inserts_the_job(harness: ServiceHarness) -> None:
    several = [build_schedules(harness, SWEEP) for _ in range(8)]
    await asyncio.gather(*(schedules.enqueue() for schedules in several))
    await make_due(harness)
    inserted = await asyncio.gather(*(schedules.enqueue() for schedules in several))
    assert sum(map(len, inserted)) == 1
    assert await jobs(harness) == 1


async def test_missed_periods_become_one_job(harness: ServiceHarness, schedules: Schedules) -> None:
    await schedules.enqueue()
    await make_due(harness, ago_ms=10 * PERIOD_MS + 5)
    assert len(await schedules.enqueue()) == 1
    assert 0 < await next_in_ms(harness) <= PERIOD_MS


@pytest.mark.parametrize("state", [JobState.READY, JobState.RUNNING])
async def test_unfinished_job_is_not_inserted_again(
    harness: ServiceHarness, schedules: Schedules, state: JobState
) -> None:
    await schedules.enqueue()
    await make_due(harness)
    (ref,) = await schedules.enqueue()
    await harness.database.execute("UPDATE jobs SET state = ? WHERE id = ?", [state, ref.job_id])
    await make_due(harness)
    assert await schedules.enqueue() == []
    assert await jobs(harness) == 1
    assert await next_in_ms(harness) > 0
    await harness.database.execute("UPDATE jobs SET state = ?", [JobState.COMPLETED])
    await make_due(harness)
    assert len(await schedules.enqueue()) == 1


async def test_shorter_period_applies_immediately(harness: ServiceHarness, schedules: Schedules) -> None:
    await schedules.enqueue()
    await build_schedules(harness, Recurring(SWEEP.kind, 1000)).enqueue()
    assert await next_in_ms(harness) <= 1000


async def test_schedule_with_period_zero_is_never_due(harness: ServiceHarness, schedules: Schedules) -> None:
    await schedules.enqueue()
    await make_due(harness)
    assert await build_schedules(harness, Recurring(SWEEP.kind, 0)).enqueue() == []
    assert await jobs(harness) == 0
