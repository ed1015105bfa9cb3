"""The unit of work: a change, its events and their jobs are atomic, and workers are notified afterwards."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from server.errors import AppError
from server.events import PostDeleted, PostLiked, PostPublished
from server.ids import PostId, UserId
from server.models.database import SerializationFailure
from server.models.engines import safety
from server.services.jobs.claims import JobRef, LeaseLost
from server.services.jobs.event_jobs import JOBS_BY_EVENT, JobKind, Queue
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from tools.harness.services import ServiceHarness

LIKED = PostLiked(PostId(1), UserId(2), UserId(3))
DELETED = PostDeleted(PostId(1), UserId(2), 3)


async def mark(harness: ServiceHarness) -> None:
    """Write a row."""
    await harness.database.execute(
        "INSERT INTO nodes (node, owner, lease_until_ms, last_ms) VALUES (1, '', 0, 0)"
    )


async def marks(harness: ServiceHarness) -> int:
    return await harness.value("SELECT COUNT(*) AS n FROM nodes")


async def test_change_and_its_jobs_are_committed_together(harness: ServiceHarness) -> None:
    async def operation(work: WorkContext) -> str:
        await mark(harness)
        work.emit(DELETED)
        work.emit(LIKED)
        assert await harness.value("SELECT COUNT(*) AS n FROM jobs") == 0
        return "done"

    assert await harness.unit_of_work.run(operation) == "done"
    assert await marks(harness) == 1
    jobs = await harness.rows("SELECT kind, queue, priority, state, attempts, payload FROM jobs ORDER BY id")
    assert [(job["kind"], job["queue"]) for job in jobs] == [
        (JobKind.WITHDRAW, Queue.FEED),
        (JobKind.REMOVE_POST, Queue.MAINTENANCE),
        (JobKind.INDEX_POST, Queue.SEARCH),
        (JobKind.NOTIFY_LIKE, Queue.NOTIFICATIONS),
    ]
    assert {(job["state"], job["attempts"]) for job in jobs} == {("ready", 0)}
    assert [ref.job_id for ref in harness.notifier.jobs] == await harness.due()
    assert (await harness.claim(JobKind.NOTIFY_LIKE)).payload == {"post_id": 1, "author_id": 2, "actor_id": 3}


async def test_failed_operation_leaves_no_change_job_or_signal(harness: ServiceHarness) -> None:
    async def operation(work: WorkContext) -> None:
        await mark(harness)
        work.emit(LIKED)
        raise AppError("No.")

    with pytest.raises(AppError, match="No"):
        await harness.unit_of_work.run(operation)
    assert await marks(harness) == 0
    assert await harness.due() == []
    assert harness.notifier.jobs == []


async def test_cancelled_operation_leaves_nothing(harness: ServiceHarness) -> None:
    inside = asyncio.Event()

    async def operation(work: WorkContext) -> None:
        await mark(harness)
        work.emit(LIKED)
        inside.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(harness.unit_of_work.run(operation))
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await marks(harness) == 0
    assert await harness.due() == []
    assert harness.notifier.jobs == []


async def test_workers_are_notified_after_the_commit(harness: ServiceHarness) -> None:
    claims: list[asyncio.Task[Any]] = []

    def notify(jobs: Sequence[JobRef]) -> None:
        claims.extend(asyncio.create_task(harness.jobs.claim(job.job_id)) for job in jobs)

    work = UnitOfWork(harness.database, harness.ids, harness.clock, harness.jobs, notify)

    async def operation(work: WorkContext) -> None:
        work.emit(LIKED)
        assert not claims

    await work.run(operation)
    (claim,) = await asyncio.gather(*claims)
    assert claim is not None


async def test_deadlocked_transaction_is_repeated(harness: ServiceHarness) -> None:
    tries = 0

    async def operation(work: WorkContext) -> int:
        nonlocal tries
        tries += 1
        await mark(harness)
        work.emit(LIKED)
        if tries < 3:
            raise SerializationFailure("busy")
        return tries

    assert await harness.unit_of_work.run(operation) == 3
    assert await marks(harness) == 1
    assert len(harness.notifier.jobs) == len(await harness.due()) == 1


async def test_transaction_that_always_deadlocks_raises(
    harness: ServiceHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(safety, "RETRY_BUDGET_S", 0.0)
    tries = 0

    async def operation(_: WorkContext) -> None:
        nonlocal tries
        tries += 1
        await mark(harness)
        raise SerializationFailure("busy")

    with pytest.raises(SerializationFailure):
        await harness.unit_of_work.run(operation)
    assert tries == safety.MIN_ATTEMPTS
    assert await marks(harness) == 0


async def test_event_without_jobs_inserts_none(harness: ServiceHarness) -> None:
    class EventWithoutJobs(PostPublished):
        """An event without jobs."""

    assert EventWithoutJobs not in JOBS_BY_EVENT

    async def operation(work: WorkContext) -> None:
        work.emit(EventWithoutJobs(PostId(1), UserId(1)))

    await harness.unit_of_work.run(operation)
    assert await harness.due() == []
    assert harness.notifier.jobs == []


async def test_effect_and_job_completion_are_committed_together(harness: ServiceHarness) -> None:
    await emit(harness, LIKED)
    claim = await harness.claim(JobKind.NOTIFY_LIKE)

    async def operation(work: WorkContext) -> None:
        await mark(harness)

    await harness.unit_of_work.run(operation, completes=claim)
    assert await marks(harness) == 1
    assert (await harness.job(claim.id))["state"] == "completed"


async def test_lost_lease_rolls_the_effect_back(harness: ServiceHarness) -> None:
    await emit(harness, LIKED)
    claim = await harness.claim(JobKind.NOTIFY_LIKE)
    await harness.expire_leases()
    await harness.jobs.reclaim()
    other = await harness.claim(JobKind.NOTIFY_LIKE)

    async def operation(work: WorkContext) -> None:
        await mark(harness)
        work.emit(DELETED)

    with pytest.raises(LeaseLost):
        await harness.unit_of_work.run(operation, completes=claim)
    assert await marks(harness) == 0
    assert (await harness.job(claim.id))["state"] == "running"
    await harness.unit_of_work.run(operation, completes=other)
    assert await marks(harness) == 1


async def emit(harness: ServiceHarness, *events: Any) -> None:
    async def operation(work: WorkContext) -> None:
        for event in events:
            work.emit(event)

    await harness.unit_of_work.run(operation)
