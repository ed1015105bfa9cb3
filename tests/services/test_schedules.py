"""Recurring work, on both databases."""

import asyncio

import pytest

from server.models.jobs import JobState
from server.services.reactions import JobKind, Queue
from server.services.schedules import Recurring, Schedules
from tests.house import House

PERIOD_MS = 60_000
SWEEP = Recurring(JobKind.SWEEP_SESSIONS, PERIOD_MS)


@pytest.fixture
def schedules(house: House) -> Schedules:
    return Schedules(house.database, house.ids, [SWEEP])


async def make_due(house: House, ago_ms: int = 1) -> None:
    await house.database.execute(
        f"UPDATE schedules SET next_run_at_ms = {house.database.now_ms} - ?", [ago_ms]
    )


async def next_in_ms(house: House) -> int:
    return await house.value(f"SELECT next_run_at_ms - {house.database.now_ms} AS next_in_ms FROM schedules")


async def jobs(house: House) -> int:
    return await house.value("SELECT COUNT(*) AS jobs FROM jobs")


async def test_new_work_is_due_a_period_from_now(house: House, schedules: Schedules) -> None:
    assert await schedules.enqueue() == []
    assert 0 < await next_in_ms(house) <= PERIOD_MS


async def test_due_work_becomes_a_job_that_can_be_claimed(house: House, schedules: Schedules) -> None:
    await schedules.enqueue()
    await make_due(house)
    (rung,) = await schedules.enqueue()
    assert rung.queue is Queue.MAINTENANCE
    claim = await house.jobs.claim(rung.job_id)
    assert claim is not None
    assert (claim.kind, claim.payload) == (JobKind.SWEEP_SESSIONS, {})
    assert await schedules.enqueue() == []


async def test_of_many_dispatchers_one_inserts_the_job(house: House) -> None:
    several = [Schedules(house.database, house.ids, [SWEEP]) for _ in range(8)]
    await asyncio.gather(*(schedules.enqueue() for schedules in several))
    await make_due(house)
    inserted = await asyncio.gather(*(schedules.enqueue() for schedules in several))
    assert sum(map(len, inserted)) == 1
    assert await jobs(house) == 1


async def test_periods_that_nobody_was_there_for_are_one_job(house: House, schedules: Schedules) -> None:
    await schedules.enqueue()
    await make_due(house, ago_ms=10 * PERIOD_MS + 5)
    assert len(await schedules.enqueue()) == 1
    assert 0 < await next_in_ms(house) <= PERIOD_MS


@pytest.mark.parametrize("state", [JobState.READY, JobState.RUNNING])
async def test_work_that_is_not_done_is_not_added_again(
    house: House, schedules: Schedules, state: JobState
) -> None:
    await schedules.enqueue()
    await make_due(house)
    (rung,) = await schedules.enqueue()
    await house.database.execute("UPDATE jobs SET state = ? WHERE id = ?", [state, rung.job_id])
    await make_due(house)
    assert await schedules.enqueue() == []
    assert await jobs(house) == 1
    assert await next_in_ms(house) > 0
    await house.database.execute("UPDATE jobs SET state = ?", [JobState.COMPLETED])
    await make_due(house)
    assert len(await schedules.enqueue()) == 1


async def test_a_shorter_period_counts_at_once(house: House, schedules: Schedules) -> None:
    await schedules.enqueue()
    await Schedules(house.database, house.ids, [Recurring(SWEEP.kind, 1000)]).enqueue()
    assert await next_in_ms(house) <= 1000


async def test_what_is_switched_off_is_never_due(house: House, schedules: Schedules) -> None:
    await schedules.enqueue()
    await make_due(house)
    assert await Schedules(house.database, house.ids, [Recurring(SWEEP.kind, 0)]).enqueue() == []
    assert await jobs(house) == 0
