"""The dispatcher rings again for what nobody runs, and for nothing else."""

import asyncio
from collections.abc import Mapping

import pytest
from structlog.testing import capture_logs

from server.actors.dispatcher import Dispatcher
from server.events import PostLiked, PostPublished
from server.ids import JobId, PostId, UserId
from server.pubsub.broker import QueueBroker
from server.pubsub.doorbell import Doorbell
from server.services.reactions import Queue
from server.services.unit_of_work import Work
from tests.house import House
from tests.live import until


@pytest.fixture
def dispatcher(house: House, doorbell: Doorbell) -> Dispatcher:
    return Dispatcher(house.jobs, doorbell, poll_s=0.01, lease_s=60)


async def add(house: House, count: int = 1) -> list[JobId]:
    """Jobs of both queues, whose rings were lost."""

    async def body(work: Work) -> None:
        for number in range(count):
            work.emit(PostPublished(PostId(number + 1), UserId(1)))
            work.emit(PostLiked(PostId(number + 1), UserId(1), UserId(2)))

    house.rings.heard.clear()
    await house.unit_of_work.run(body)
    return [rung.job_id for rung in house.rings.heard]


async def look(dispatcher: Dispatcher, doorbell: Doorbell) -> None:
    await dispatcher.look()
    await doorbell.flush()


async def depths(doorbell: Doorbell) -> tuple[int, int]:
    return await doorbell.depth(Queue.FEED), await doorbell.depth(Queue.NOTIFICATIONS)


async def test_a_lost_ring_is_rung_again(house: House, dispatcher: Dispatcher, doorbell: Doorbell) -> None:
    await add(house, 3)
    assert await depths(doorbell) == (0, 0)
    await look(dispatcher, doorbell)
    assert await depths(doorbell) == (3, 3)


async def test_what_is_rung_for_is_not_rung_for_at_every_look(
    house: House, dispatcher: Dispatcher, doorbell: Doorbell
) -> None:
    await add(house, 50)
    for _ in range(20):
        await look(dispatcher, doorbell)
    assert await depths(doorbell) == (50, 50)


async def test_streams_that_were_emptied_are_filled_again(
    house: House, dispatcher: Dispatcher, doorbell: Doorbell
) -> None:
    await add(house, 5)
    await look(dispatcher, doorbell)
    await house.redis.flushall()

    async def filled() -> bool:
        await look(dispatcher, doorbell)
        return await depths(doorbell) == (5, 5)

    await until(filled)


async def test_a_job_that_runs_or_is_done_or_is_not_due_is_not_rung_for(
    house: House, dispatcher: Dispatcher, doorbell: Doorbell
) -> None:
    (running, done) = await add(house)
    assert await house.jobs.claim(running)
    claim = await house.jobs.claim(done)
    assert claim is not None
    await house.jobs.complete(claim)
    waiting = await add(house)
    await house.database.execute(
        "UPDATE jobs SET run_at_ms = run_at_ms + 60000 WHERE id IN (?, ?)", [*waiting]
    )
    await look(dispatcher, doorbell)
    assert await depths(doorbell) == (0, 0)
    await house.make_due()
    await look(dispatcher, doorbell)
    assert await depths(doorbell) == (1, 1)


async def test_a_job_that_failed_is_rung_for_as_soon_as_its_backoff_is_over(
    house: House, dispatcher: Dispatcher, doorbell: Doorbell
) -> None:
    """However short ago it was rung for, for the attempt before."""
    feed_job, _ = await add(house)
    await look(dispatcher, doorbell)
    await house.redis.flushall()  # a worker took the messages
    claim = await house.jobs.claim(feed_job)
    assert claim is not None
    await house.jobs.fail(claim, "not this time")
    await house.make_due()
    await look(dispatcher, doorbell)
    assert await doorbell.depth(Queue.FEED) == 1


async def test_an_orphan_is_taken_back_and_rung_for(
    house: House, dispatcher: Dispatcher, doorbell: Doorbell
) -> None:
    for job_id in await add(house):
        assert await house.jobs.claim(job_id)
    await house.expire_leases()
    with capture_logs() as logs:
        await look(dispatcher, doorbell)
    assert await depths(doorbell) == (1, 1)
    assert [(entry["event"], entry["jobs"]) for entry in logs] == [("jobs_reclaimed", 2)]
    rows = await house.rows("SELECT state, deaths FROM jobs")
    assert {(row["state"], row["deaths"]) for row in rows} == {("ready", 1)}


async def test_two_dispatchers_take_an_orphan_back_once(house: House, doorbell: Doorbell) -> None:
    for job_id in await add(house, 5):
        assert await house.jobs.claim(job_id)
    await house.expire_leases()
    with capture_logs():
        dispatchers = [Dispatcher(house.jobs, doorbell, poll_s=1, lease_s=60) for _ in range(3)]
        await asyncio.gather(*(dispatcher.look() for dispatcher in dispatchers))
    deaths = await house.rows("SELECT deaths FROM jobs")
    assert {row["deaths"] for row in deaths} == {1}


async def test_it_looks_until_it_is_stopped(
    house: House, dispatcher: Dispatcher, doorbell: Doorbell, brokers: Mapping[Queue, QueueBroker]
) -> None:
    task = asyncio.create_task(dispatcher.run())

    async def rung() -> bool:
        await doorbell.flush()
        return await depths(doorbell) == (2, 2)

    try:
        await add(house, 2)
        await until(rung)
    finally:
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
