"""A worker with real streams and the real jobs table."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from structlog.testing import capture_logs

from server.actors.worker import Handler, Worker
from server.errors import Unavailable
from server.events import PostPublished
from server.gateways.redis.client import connection_pool
from server.ids import JobId, PostId, UserId
from server.metrics import Metrics
from server.pubsub.broker import QueueBroker
from server.pubsub.job_notifier import JobNotifier
from server.pubsub.receiver import QueueReceiver
from server.services.jobs.claims import Claim
from server.services.jobs.event_jobs import JobKind, Queue
from server.services.jobs.unit_of_work import WorkContext
from tools.harness.services import MAX_ATTEMPTS, ServiceHarness
from tools.harness.waiting import wait_until

CONCURRENCY = 4
DRAIN_S = 0.2
HEARTBEAT_S = 0.02


@pytest.fixture
def worker_of(harness: ServiceHarness, brokers: Mapping[Queue, QueueBroker]) -> Callable[..., Worker]:
    """Return a factory of workers of the feed queue."""

    def make(handlers: Mapping[str, Handler], broker: QueueBroker | None = None) -> Worker:
        return Worker(
            Queue.FEED,
            harness.jobs,
            handlers,
            lambda run_job: QueueReceiver(broker or brokers[Queue.FEED], run_job, CONCURRENCY, DRAIN_S),
            HEARTBEAT_S,
            metrics=Metrics(),
        )

    return make


@asynccontextmanager
async def running(*workers: Worker) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(worker.run()) for worker in workers]
    try:
        yield
    finally:
        await asyncio.gather(*(worker.drain() for worker in workers))
        await asyncio.gather(*tasks)


async def add(harness: ServiceHarness, count: int = 1) -> list[JobId]:
    """Add fan-out jobs without signals."""

    async def emit_events(work: WorkContext) -> None:
        for number in range(count):
            work.emit(PostPublished(PostId(number + 1), UserId(1)))

    harness.notifier.jobs.clear()
    await harness.unit_of_work.run(emit_events)
    return [job.job_id for job in harness.notifier.jobs]


async def signal_due(harness: ServiceHarness, notifier: JobNotifier) -> None:
    """Signal all due jobs."""
    notifier.notify(await harness.jobs.due())
    await notifier.flush()


async def states(harness: ServiceHarness) -> Counter[str]:
    return Counter(row["state"] for row in await harness.rows("SELECT state FROM jobs"))


async def all_are(harness: ServiceHarness, state: str) -> bool:
    return set(await states(harness)) == {state}


async def test_signalled_job_is_run(
    harness: ServiceHarness, notifier: JobNotifier, worker_of: Callable[..., Worker]
) -> None:
    seen: list[Claim] = []

    async def handler(claim: Claim) -> None:
        seen.append(claim)
        await harness.jobs.complete(claim)

    job_ids = await add(harness, 20)
    async with running(worker_of({JobKind.FAN_OUT: handler})):
        await signal_due(harness, notifier)
        await wait_until(lambda: all_are(harness, "completed"))
    assert sorted(claim.id for claim in seen) == sorted(job_ids)
    assert {claim.payload["author_id"] for claim in seen} == {1}


async def test_two_workers_run_each_job_once(
    harness: ServiceHarness, notifier: JobNotifier, worker_of: Callable[..., Worker], stack: Any
) -> None:
    done: Counter[int] = Counter()

    async def handler(claim: Claim) -> None:
        done[claim.id] += 1
        await asyncio.sleep(0.002)
        await harness.jobs.complete(claim)

    await add(harness, 60)
    other = QueueBroker(connection_pool(stack.redis.url, 1.0, retries=0), Queue.FEED, block_ms=100)
    await other.startup()
    handlers = {JobKind.FAN_OUT: handler}
    async with running(worker_of(handlers), worker_of(handlers, other)):
        for _ in range(3):
            await signal_due(harness, notifier)
        await wait_until(lambda: all_are(harness, "completed"))
    await other.shutdown()
    assert len(done) == 60
    assert set(done.values()) == {1}


async def test_job_that_always_raises_is_retried_then_dead(
    harness: ServiceHarness, worker_of: Callable[..., Worker]
) -> None:
    tries = 0

    async def handler(claim: Claim) -> None:
        nonlocal tries
        tries += 1
        raise ValueError(f"try {tries}")

    (job_id,) = await add(harness)
    worker = worker_of({JobKind.FAN_OUT: handler})
    with capture_logs():
        for _ in range(MAX_ATTEMPTS + 2):
            await worker.run_job(job_id)
            await harness.make_due()
    job = await harness.job(job_id)
    assert tries == MAX_ATTEMPTS
    assert (job["state"], job["attempts"]) == ("dead", MAX_ATTEMPTS)
    assert [entry["error"] for entry in job["history"]] == [
        f"ValueError: try {number}" for number in range(1, MAX_ATTEMPTS + 1)
    ]


async def test_job_that_raises_does_not_delay_others(
    harness: ServiceHarness, notifier: JobNotifier, worker_of: Callable[..., Worker]
) -> None:
    async def handler(claim: Claim) -> None:
        if claim.payload["post_id"] % 2:
            raise RecursionError
        await harness.jobs.complete(claim)

    await add(harness, 20)
    with capture_logs():
        async with running(worker_of({JobKind.FAN_OUT: handler})):
            await signal_due(harness, notifier)
            await wait_until(lambda: no_longer_fresh(harness))
    done = await harness.rows("SELECT payload FROM jobs WHERE state = 'completed'")
    assert len(done) == 10


async def no_longer_fresh(harness: ServiceHarness) -> bool:
    fresh = await harness.rows("SELECT 1 FROM jobs WHERE state = 'running' OR attempts = 0")
    return not fresh


async def test_job_of_unknown_kind_waits_for_a_newer_worker(
    harness: ServiceHarness, worker_of: Callable[..., Worker]
) -> None:
    async def handler(claim: Claim) -> None:
        await harness.jobs.complete(claim)

    (job_id,) = await add(harness)
    older = worker_of({})
    with capture_logs() as lines:
        for _ in range(MAX_ATTEMPTS + 2):
            await older.run_job(job_id)
            job = await harness.job(job_id)
            assert (job["state"], job["attempts"]) == ("ready", 0)
            await harness.make_due()
    assert {line["event"] for line in lines} == {"job_kind_unknown"}
    await worker_of({JobKind.FAN_OUT: handler}).run_job(job_id)
    assert (await harness.job(job_id))["state"] == "completed"


async def test_job_of_unknown_kind_fails_after_a_day(
    harness: ServiceHarness, worker_of: Callable[..., Worker]
) -> None:
    (job_id,) = await add(harness)
    a_day_ms = 86_400_000
    await harness.database.execute("UPDATE jobs SET created_at_ms = created_at_ms - ?", [a_day_ms])
    older = worker_of({})
    with capture_logs():
        for _ in range(MAX_ATTEMPTS):
            await older.run_job(job_id)
            await harness.make_due()
    job = await harness.job(job_id)
    assert job["state"] == "dead"
    assert JobKind.FAN_OUT in job["history"][-1]["error"]


async def test_job_with_unavailable_dependency_is_postponed(
    harness: ServiceHarness, worker_of: Callable[..., Worker]
) -> None:
    async def handler(claim: Claim) -> None:
        raise Unavailable("Redis is unavailable.")

    (job_id,) = await add(harness)
    worker = worker_of({JobKind.FAN_OUT: handler})
    for _ in range(MAX_ATTEMPTS + 2):
        await worker.run_job(job_id)
        job = await harness.job(job_id)
        assert (job["state"], job["attempts"]) == ("ready", 0)
        await harness.make_due()


async def test_cancelled_job_is_returned_to_its_queue(
    harness: ServiceHarness, notifier: JobNotifier, worker_of: Callable[..., Worker]
) -> None:
    began = asyncio.Event()

    async def handler(claim: Claim) -> None:
        began.set()
        await asyncio.Event().wait()

    (job_id,) = await add(harness)
    worker = worker_of({JobKind.FAN_OUT: handler})
    task = asyncio.create_task(worker.run())
    await signal_due(harness, notifier)
    await began.wait()
    with capture_logs():
        assert await worker.drain() == 1
        await task
    job = await harness.job(job_id)
    assert (job["state"], job["attempts"], job["crash_count"]) == ("ready", 0, 0)
    assert await harness.due() == [job_id]


async def test_running_job_finishes_during_the_drain(
    harness: ServiceHarness, notifier: JobNotifier, worker_of: Callable[..., Worker]
) -> None:
    began, may_end = asyncio.Event(), asyncio.Event()

    async def handler(claim: Claim) -> None:
        began.set()
        await may_end.wait()
        await harness.jobs.complete(claim)

    await add(harness)
    worker = worker_of({JobKind.FAN_OUT: handler})
    task = asyncio.create_task(worker.run())
    await signal_due(harness, notifier)
    await began.wait()
    draining = asyncio.create_task(worker.drain())
    await asyncio.sleep(0)
    may_end.set()
    assert await draining == 0
    await task
    assert await all_are(harness, "completed")


async def test_job_claimed_by_another_worker_is_not_changed(
    harness: ServiceHarness, worker_of: Callable[..., Worker]
) -> None:
    async def handler(claim: Claim) -> None:
        await harness.expire_leases()
        await harness.jobs.reclaim()
        assert await harness.jobs.claim(claim.id) is not None
        await harness.jobs.complete(claim)

    (job_id,) = await add(harness)
    with capture_logs() as logs:
        await worker_of({JobKind.FAN_OUT: handler}).run_job(job_id)
    assert (await harness.job(job_id))["state"] == "running"
    assert "job_taken_over" in [entry["event"] for entry in logs]


async def test_long_job_keeps_its_lease(
    harness: ServiceHarness, notifier: JobNotifier, worker_of: Callable[..., Worker]
) -> None:
    async def handler(claim: Claim) -> None:
        await harness.expire_leases()
        await wait_until(lambda: kept(harness, claim.id))
        await harness.jobs.complete(claim)

    await add(harness)
    async with running(worker_of({JobKind.FAN_OUT: handler})):
        await signal_due(harness, notifier)
        await wait_until(lambda: all_are(harness, "completed"))


async def kept(harness: ServiceHarness, job_id: JobId) -> bool:
    return (await harness.job(job_id))["lease_until_ms"] > 1


async def test_signal_for_finished_or_missing_job_does_nothing(
    harness: ServiceHarness, worker_of: Callable[..., Worker]
) -> None:
    async def handler(claim: Claim) -> None:
        await harness.jobs.complete(claim)

    (job_id,) = await add(harness)
    worker = worker_of({JobKind.FAN_OUT: handler})
    for job in (job_id, job_id, JobId(1)):
        await worker.run_job(job)
    assert (await harness.job(job_id))["attempts"] == 1


async def test_drained_worker_does_not_wait_for_the_database(
    harness: ServiceHarness,
    notifier: JobNotifier,
    worker_of: Callable[..., Worker],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refused = asyncio.Event()

    async def handler(claim: Claim) -> None:
        raise Unavailable("Another resource is unavailable.")

    async def postpone(claim: Claim) -> None:
        refused.set()
        raise Unavailable("The database refuses writes.")

    monkeypatch.setattr(harness.jobs, "postpone", postpone)
    await add(harness)
    worker = worker_of({JobKind.FAN_OUT: handler})
    task = asyncio.create_task(worker.run())
    await signal_due(harness, notifier)
    await refused.wait()
    assert await worker.drain() == 0
    await task
