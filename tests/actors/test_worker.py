"""A worker between real streams and the real table."""

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
from server.ids import JobId, PostId, UserId
from server.pubsub.broker import QueueBroker
from server.pubsub.doorbell import Doorbell
from server.pubsub.receiver import QueueReceiver
from server.services.jobs import Claim
from server.services.reactions import JobKind, Queue
from server.services.unit_of_work import Work
from tests.house import MAX_ATTEMPTS, House
from tests.live import until

CONCURRENCY = 4
DRAIN_S = 0.2
HEARTBEAT_S = 0.02


@pytest.fixture
def worker_of(house: House, brokers: Mapping[Queue, QueueBroker]) -> Callable[..., Worker]:
    """Makes a worker of the feed queue."""

    def make(handlers: Mapping[str, Handler], broker: QueueBroker | None = None) -> Worker:
        return Worker(
            Queue.FEED,
            house.jobs,
            handlers,
            lambda run_job: QueueReceiver(broker or brokers[Queue.FEED], run_job, CONCURRENCY, DRAIN_S),
            HEARTBEAT_S,
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


async def add(house: House, count: int = 1) -> list[JobId]:
    """Fan-out jobs that nobody was rung for."""

    async def body(work: Work) -> None:
        for number in range(count):
            work.emit(PostPublished(PostId(number + 1), UserId(1)))

    house.rings.heard.clear()
    await house.unit_of_work.run(body)
    return [rung.job_id for rung in house.rings.heard]


async def ring(house: House, doorbell: Doorbell) -> None:
    """Ring for all that is due."""
    doorbell.ring(await house.jobs.due())
    await doorbell.flush()


async def states(house: House) -> Counter[str]:
    return Counter(row["state"] for row in await house.rows("SELECT state FROM jobs"))


async def all_are(house: House, state: str) -> bool:
    return set(await states(house)) == {state}


async def test_a_job_that_is_rung_for_is_done(
    house: House, doorbell: Doorbell, worker_of: Callable[..., Worker]
) -> None:
    seen: list[Claim] = []

    async def handler(claim: Claim) -> None:
        seen.append(claim)
        await house.jobs.complete(claim)

    job_ids = await add(house, 20)
    async with running(worker_of({JobKind.FAN_OUT: handler})):
        await ring(house, doorbell)
        await until(lambda: all_are(house, "completed"))
    assert sorted(claim.id for claim in seen) == sorted(job_ids)
    assert {claim.payload["author_id"] for claim in seen} == {1}


async def test_two_workers_do_each_job_once(
    house: House, doorbell: Doorbell, worker_of: Callable[..., Worker], stack: Any
) -> None:
    done: Counter[int] = Counter()

    async def handler(claim: Claim) -> None:
        done[claim.id] += 1
        await asyncio.sleep(0.002)
        await house.jobs.complete(claim)

    await add(house, 60)
    other = QueueBroker(stack.redis.url, Queue.FEED, block_ms=100)
    await other.startup()
    handlers = {JobKind.FAN_OUT: handler}
    async with running(worker_of(handlers), worker_of(handlers, other)):
        for _ in range(3):
            await ring(house, doorbell)
        await until(lambda: all_are(house, "completed"))
    await other.shutdown()
    assert len(done) == 60
    assert set(done.values()) == {1}


async def test_a_job_that_raises_is_tried_again_and_then_dead(
    house: House, worker_of: Callable[..., Worker]
) -> None:
    tries = 0

    async def handler(claim: Claim) -> None:
        nonlocal tries
        tries += 1
        raise ValueError(f"try {tries}")

    (job_id,) = await add(house)
    worker = worker_of({JobKind.FAN_OUT: handler})
    with capture_logs():
        for _ in range(MAX_ATTEMPTS + 2):
            await worker.run_job(job_id)
            await house.make_due()
    job = await house.job(job_id)
    assert tries == MAX_ATTEMPTS
    assert (job["state"], job["attempts"]) == ("dead", MAX_ATTEMPTS)
    assert [entry["error"] for entry in job["history"]] == [
        f"ValueError: try {number}" for number in range(1, MAX_ATTEMPTS + 1)
    ]


async def test_a_job_that_raises_does_not_hold_up_the_next(
    house: House, doorbell: Doorbell, worker_of: Callable[..., Worker]
) -> None:
    async def handler(claim: Claim) -> None:
        if claim.payload["post_id"] % 2:
            raise RecursionError
        await house.jobs.complete(claim)

    await add(house, 20)
    with capture_logs():
        async with running(worker_of({JobKind.FAN_OUT: handler})):
            await ring(house, doorbell)
            await until(lambda: no_longer_fresh(house))
    done = await house.rows("SELECT payload FROM jobs WHERE state = 'completed'")
    assert len(done) == 10


async def no_longer_fresh(house: House) -> bool:
    fresh = await house.rows("SELECT 1 FROM jobs WHERE state = 'running' OR attempts = 0")
    return not fresh


async def test_a_job_of_an_unknown_kind_ends_as_a_dead_letter(
    house: House, worker_of: Callable[..., Worker]
) -> None:
    (job_id,) = await add(house)
    worker = worker_of({})
    with capture_logs():
        for _ in range(MAX_ATTEMPTS):
            await worker.run_job(job_id)
            await house.make_due()
    job = await house.job(job_id)
    assert job["state"] == "dead"
    assert JobKind.FAN_OUT in job["history"][-1]["error"]


async def test_a_job_whose_part_is_away_is_put_off_without_an_attempt(
    house: House, worker_of: Callable[..., Worker]
) -> None:
    async def handler(claim: Claim) -> None:
        raise Unavailable("Redis is away.")

    (job_id,) = await add(house)
    worker = worker_of({JobKind.FAN_OUT: handler})
    for _ in range(MAX_ATTEMPTS + 2):
        await worker.run_job(job_id)
        job = await house.job(job_id)
        assert (job["state"], job["attempts"]) == ("ready", 0)
        await house.make_due()


async def test_a_job_that_is_cut_off_is_handed_back(
    house: House, doorbell: Doorbell, worker_of: Callable[..., Worker]
) -> None:
    began = asyncio.Event()

    async def handler(claim: Claim) -> None:
        began.set()
        await asyncio.Event().wait()

    (job_id,) = await add(house)
    worker = worker_of({JobKind.FAN_OUT: handler})
    task = asyncio.create_task(worker.run())
    await ring(house, doorbell)
    await began.wait()
    with capture_logs():
        assert await worker.drain() == 1
        await task
    job = await house.job(job_id)
    assert (job["state"], job["attempts"], job["deaths"]) == ("ready", 0, 0)
    assert await house.due() == [job_id]


async def test_a_job_that_runs_may_end_while_its_worker_drains(
    house: House, doorbell: Doorbell, worker_of: Callable[..., Worker]
) -> None:
    began, may_end = asyncio.Event(), asyncio.Event()

    async def handler(claim: Claim) -> None:
        began.set()
        await may_end.wait()
        await house.jobs.complete(claim)

    await add(house)
    worker = worker_of({JobKind.FAN_OUT: handler})
    task = asyncio.create_task(worker.run())
    await ring(house, doorbell)
    await began.wait()
    draining = asyncio.create_task(worker.drain())
    await asyncio.sleep(0)
    may_end.set()
    assert await draining == 0
    await task
    assert await all_are(house, "completed")


async def test_a_job_that_was_taken_over_is_left_alone(
    house: House, worker_of: Callable[..., Worker]
) -> None:
    async def handler(claim: Claim) -> None:
        await house.expire_leases()
        await house.jobs.reclaim()
        assert await house.jobs.claim(claim.id) is not None
        await house.jobs.complete(claim)

    (job_id,) = await add(house)
    with capture_logs() as logs:
        await worker_of({JobKind.FAN_OUT: handler}).run_job(job_id)
    assert (await house.job(job_id))["state"] == "running"
    assert "job_taken_over" in [entry["event"] for entry in logs]


async def test_a_long_job_keeps_its_lease(
    house: House, doorbell: Doorbell, worker_of: Callable[..., Worker]
) -> None:
    async def handler(claim: Claim) -> None:
        await house.expire_leases()
        await until(lambda: kept(house, claim.id))
        await house.jobs.complete(claim)

    await add(house)
    async with running(worker_of({JobKind.FAN_OUT: handler})):
        await ring(house, doorbell)
        await until(lambda: all_are(house, "completed"))


async def kept(house: House, job_id: JobId) -> bool:
    return (await house.job(job_id))["lease_until_ms"] > 1


async def test_a_ring_for_what_is_done_or_never_was_changes_nothing(
    house: House, worker_of: Callable[..., Worker]
) -> None:
    async def handler(claim: Claim) -> None:
        await house.jobs.complete(claim)

    (job_id,) = await add(house)
    worker = worker_of({JobKind.FAN_OUT: handler})
    for rung in (job_id, job_id, JobId(1)):
        await worker.run_job(rung)
    assert (await house.job(job_id))["attempts"] == 1
