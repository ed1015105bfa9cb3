"""The dispatcher rings again for what nobody runs, and for nothing else."""

import asyncio
from collections.abc import Mapping

import pytest
from structlog.testing import capture_logs

from server.actors.dispatcher import Dispatcher
from server.events import PostLiked, PostPublished
from server.ids import JobId, PostId, UserId
from server.pubsub.broker import QueueBroker
from server.pubsub.job_notifier import JobNotifier
from server.services.jobs.event_jobs import Queue
from server.services.jobs.unit_of_work import WorkContext
from tests.support.harness import ServiceHarness
from tests.support.waiting import wait_until


@pytest.fixture
def dispatcher(harness: ServiceHarness, doorbell: JobNotifier) -> Dispatcher:
    return Dispatcher(harness.jobs, doorbell, poll_s=0.01, lease_s=60)


async def add(harness: ServiceHarness, count: int = 1) -> list[JobId]:
    """Jobs of both queues, whose rings were lost."""

    async def body(work: WorkContext) -> None:
        for number in range(count):
            work.emit(PostPublished(PostId(number + 1), UserId(1)))
            work.emit(PostLiked(PostId(number + 1), UserId(1), UserId(2)))

    harness.rings.heard.clear()
    await harness.unit_of_work.run(body)
    return [rung.job_id for rung in harness.rings.heard]


async def look(dispatcher: Dispatcher, doorbell: JobNotifier) -> None:
    await dispatcher.poll()
    await doorbell.flush()


async def depths(doorbell: JobNotifier) -> tuple[int, int]:
    return await doorbell.depth(Queue.FEED), await doorbell.depth(Queue.NOTIFICATIONS)


async def test_a_lost_ring_is_rung_again(
    harness: ServiceHarness, dispatcher: Dispatcher, doorbell: JobNotifier
) -> None:
    await add(harness, 3)
    assert await depths(doorbell) == (0, 0)
    await look(dispatcher, doorbell)
    assert await depths(doorbell) == (3, 3)


async def test_what_is_rung_for_is_not_rung_for_at_every_look(
    harness: ServiceHarness, dispatcher: Dispatcher, doorbell: JobNotifier
) -> None:
    await add(harness, 50)
    for _ in range(20):
        await look(dispatcher, doorbell)
    assert await depths(doorbell) == (50, 50)


async def test_streams_that_were_emptied_are_filled_again(
    harness: ServiceHarness, dispatcher: Dispatcher, doorbell: JobNotifier
) -> None:
    await add(harness, 5)
    await look(dispatcher, doorbell)
    await harness.redis.flushall()

    async def filled() -> bool:
        await look(dispatcher, doorbell)
        return await depths(doorbell) == (5, 5)

    await wait_until(filled)


async def test_a_job_that_runs_or_is_done_or_is_not_due_is_not_rung_for(
    harness: ServiceHarness, dispatcher: Dispatcher, doorbell: JobNotifier
) -> None:
    (running, done) = await add(harness)
    assert await harness.jobs.claim(running)
    claim = await harness.jobs.claim(done)
    assert claim is not None
    await harness.jobs.complete(claim)
    waiting = await add(harness)
    await harness.database.execute(
        "UPDATE jobs SET run_at_ms = run_at_ms + 60000 WHERE id IN (?, ?)", [*waiting]
    )
    await look(dispatcher, doorbell)
    assert await depths(doorbell) == (0, 0)
    await harness.make_due()
    await look(dispatcher, doorbell)
    assert await depths(doorbell) == (1, 1)


async def test_a_job_that_failed_is_rung_for_as_soon_as_its_backoff_is_over(
    harness: ServiceHarness, dispatcher: Dispatcher, doorbell: JobNotifier
) -> None:
    """However short ago it was rung for, for the attempt before."""
    feed_job, _ = await add(harness)
    await look(dispatcher, doorbell)
    await harness.redis.flushall()  # a worker took the messages
    claim = await harness.jobs.claim(feed_job)
    assert claim is not None
    await harness.jobs.fail(claim, "not this time")
    await harness.make_due()
    await look(dispatcher, doorbell)
    assert await doorbell.depth(Queue.FEED) == 1


async def test_an_orphan_is_taken_back_and_rung_for(
    harness: ServiceHarness, dispatcher: Dispatcher, doorbell: JobNotifier
) -> None:
    for job_id in await add(harness):
        assert await harness.jobs.claim(job_id)
    await harness.expire_leases()
    with capture_logs() as logs:
        await look(dispatcher, doorbell)
    assert await depths(doorbell) == (1, 1)
    assert [(entry["event"], entry["jobs"]) for entry in logs] == [("jobs_reclaimed", 2)]
    rows = await harness.rows("SELECT state, crash_count FROM jobs")
    assert {(row["state"], row["crash_count"]) for row in rows} == {("ready", 1)}


async def test_two_dispatchers_take_an_orphan_back_once(
    harness: ServiceHarness, doorbell: JobNotifier
) -> None:
    for job_id in await add(harness, 5):
        assert await harness.jobs.claim(job_id)
    await harness.expire_leases()
    with capture_logs():
        dispatchers = [Dispatcher(harness.jobs, doorbell, poll_s=1, lease_s=60) for _ in range(3)]
        await asyncio.gather(*(dispatcher.poll() for dispatcher in dispatchers))
    crash_count = await harness.rows("SELECT crash_count FROM jobs")
    assert {row["crash_count"] for row in crash_count} == {1}


async def test_it_looks_until_it_is_stopped(
    harness: ServiceHarness,
    dispatcher: Dispatcher,
    doorbell: JobNotifier,
    brokers: Mapping[Queue, QueueBroker],
) -> None:
    task = asyncio.create_task(dispatcher.run())

    async def rung() -> bool:
        await doorbell.flush()
        return await depths(doorbell) == (2, 2)

    try:
        await add(harness, 2)
        await wait_until(rung)
    finally:
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
