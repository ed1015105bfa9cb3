"""The dispatcher signals jobs that are due and not running, and no others."""

import asyncio
from collections.abc import Mapping

import pytest
from structlog.testing import capture_logs

from server.actors.dispatcher import Dispatcher
from server.events import PostLiked, PostPublished
from server.ids import JobId, PostId, UserId
from server.outages import Outage
from server.pubsub.broker import QueueBroker
from server.pubsub.job_notifier import JobNotifier
from server.pubsub.leader_lease import LeaderLease
from server.services.jobs.event_jobs import Queue
from server.services.jobs.unit_of_work import WorkContext
from tests.support.costs import measured_costs
from tools.harness.services import ServiceHarness
from tools.harness.waiting import wait_until


@pytest.fixture
def dispatcher(harness: ServiceHarness, notifier: JobNotifier) -> Dispatcher:
    return Dispatcher(harness.jobs, notifier, poll_s=0.01, lease_s=60)


async def add(harness: ServiceHarness, count: int = 1) -> list[JobId]:
    """Add jobs to two queues without signals."""

    async def emit_events(work: WorkContext) -> None:
        for number in range(count):
            work.emit(PostPublished(PostId(number + 1), UserId(1)))
            work.emit(PostLiked(PostId(number + 1), UserId(1), UserId(2)))

    harness.notifier.jobs.clear()
    await harness.unit_of_work.run(emit_events)
    return [job.job_id for job in harness.notifier.jobs]


async def poll_and_send(dispatcher: Dispatcher, notifier: JobNotifier) -> None:
    await dispatcher.poll()
    await notifier.flush()


async def depths(notifier: JobNotifier) -> tuple[int, int]:
    return await notifier.depth(Queue.FEED), await notifier.depth(Queue.NOTIFICATIONS)


async def test_lost_signal_is_repeated(
    harness: ServiceHarness, dispatcher: Dispatcher, notifier: JobNotifier
) -> None:
    await add(harness, 3)
    assert await depths(notifier) == (0, 0)
    await poll_and_send(dispatcher, notifier)
    assert await depths(notifier) == (3, 3)


async def test_signalled_job_is_not_signalled_at_every_poll(
    harness: ServiceHarness, dispatcher: Dispatcher, notifier: JobNotifier
) -> None:
    await add(harness, 50)
    for _ in range(20):
        await poll_and_send(dispatcher, notifier)
    assert await depths(notifier) == (50, 50)


async def test_signals_are_repeated_after_flushall(
    harness: ServiceHarness, dispatcher: Dispatcher, notifier: JobNotifier
) -> None:
    await add(harness, 5)
    await poll_and_send(dispatcher, notifier)
    await harness.redis.flushall()

    async def filled() -> bool:
        await poll_and_send(dispatcher, notifier)
        return await depths(notifier) == (5, 5)

    await wait_until(filled)


async def test_only_ready_and_due_jobs_are_signalled(
    harness: ServiceHarness, dispatcher: Dispatcher, notifier: JobNotifier
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
    await poll_and_send(dispatcher, notifier)
    assert await depths(notifier) == (0, 0)
    await harness.make_due()
    await poll_and_send(dispatcher, notifier)
    assert await depths(notifier) == (1, 1)


async def test_failed_job_is_signalled_after_its_backoff(
    harness: ServiceHarness, dispatcher: Dispatcher, notifier: JobNotifier
) -> None:
    feed_job, _ = await add(harness)
    await poll_and_send(dispatcher, notifier)
    await harness.redis.flushall()  # a worker took the messages
    claim = await harness.jobs.claim(feed_job)
    assert claim is not None
    await harness.jobs.fail(claim, "not this time")
    await harness.make_due()
    await poll_and_send(dispatcher, notifier)
    assert await notifier.depth(Queue.FEED) == 1


async def test_orphaned_job_is_reclaimed_and_signalled(
    harness: ServiceHarness, dispatcher: Dispatcher, notifier: JobNotifier
) -> None:
    for job_id in await add(harness):
        assert await harness.jobs.claim(job_id)
    await harness.expire_leases()
    with capture_logs() as logs:
        await poll_and_send(dispatcher, notifier)
    assert await depths(notifier) == (1, 1)
    assert [(entry["event"], entry["jobs"]) for entry in logs] == [("jobs_reclaimed", 2)]
    rows = await harness.rows("SELECT state, crash_count FROM jobs")
    assert {(row["state"], row["crash_count"]) for row in rows} == {("ready", 1)}


async def test_simultaneous_dispatchers_reclaim_an_orphan_once(
    harness: ServiceHarness, notifier: JobNotifier
) -> None:
    for job_id in await add(harness, 5):
        assert await harness.jobs.claim(job_id)
    await harness.expire_leases()
    with capture_logs():
        dispatchers = [Dispatcher(harness.jobs, notifier, poll_s=1, lease_s=60) for _ in range(3)]
        await asyncio.gather(*(dispatcher.poll() for dispatcher in dispatchers))
    crash_count = await harness.rows("SELECT crash_count FROM jobs")
    assert {row["crash_count"] for row in crash_count} == {1}


async def test_idle_fleet_reads_due_jobs_once_per_poll(
    harness: ServiceHarness, notifier: JobNotifier
) -> None:
    fleet = [
        Dispatcher(
            harness.jobs,
            notifier,
            poll_s=60,
            lease_s=60,
            leader=LeaderLease(harness.redis, "dispatcher", ttl_ms=60_000),
        )
        for _ in range(10)
    ]
    with measured_costs(harness) as first:
        for dispatcher in fleet:
            await dispatcher.poll()
    assert len(first.statements) == 2  # of the leader: expired leases, due jobs
    with measured_costs(harness) as second:
        for dispatcher in fleet:
            await dispatcher.poll()
    assert len(second.statements) == 1


async def test_orphan_is_reclaimed_by_the_next_leader(harness: ServiceHarness, notifier: JobNotifier) -> None:
    for job_id in await add(harness):
        assert await harness.jobs.claim(job_id)
    await harness.expire_leases()
    former = LeaderLease(harness.redis, "dispatcher", ttl_ms=60_000)
    assert await former.acquire()
    dispatcher = Dispatcher(
        harness.jobs,
        notifier,
        poll_s=60,
        lease_s=60,
        leader=LeaderLease(harness.redis, "dispatcher", ttl_ms=60_000),
    )
    await poll_and_send(dispatcher, notifier)
    assert await depths(notifier) == (0, 0)
    await harness.redis.delete("leader:dispatcher")
    with capture_logs():
        await poll_and_send(dispatcher, notifier)
    assert await depths(notifier) == (1, 1)


async def test_nothing_is_reclaimed_after_an_outage_that_others_noticed(
    harness: ServiceHarness, notifier: JobNotifier
) -> None:
    for job_id in await add(harness):
        assert await harness.jobs.claim(job_id)
    await harness.expire_leases()
    outage = Outage("database", settled_after_s=0)
    dispatcher = Dispatcher(harness.jobs, notifier, poll_s=0.001, lease_s=60, database=outage)
    with capture_logs():
        outage.failed("no connection")
        await dispatcher.poll()
        outage.succeeded()
        await dispatcher.poll()
    rows = await harness.rows("SELECT state, crash_count FROM jobs")
    assert {(row["state"], row["crash_count"]) for row in rows} == {("running", 0)}


async def test_dispatcher_polls_until_cancelled(
    harness: ServiceHarness,
    dispatcher: Dispatcher,
    notifier: JobNotifier,
    brokers: Mapping[Queue, QueueBroker],
) -> None:
    task = asyncio.create_task(dispatcher.run())

    async def job() -> bool:
        await notifier.flush()
        return await depths(notifier) == (2, 2)

    try:
        await add(harness, 2)
        await wait_until(job)
    finally:
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
