"""A change, its events and their jobs: all or nothing, and the bell after it."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from server.errors import AppError
from server.events import PostDeleted, PostLiked, PostPublished
from server.ids import PostId, UserId
from server.models.database import SerializationFailure
from server.services.jobs.claims import JobRef, LeaseLost
from server.services.jobs.event_jobs import JOBS_BY_EVENT, JobKind, Queue
from server.services.jobs.unit_of_work import MAX_ATTEMPTS, UnitOfWork, WorkContext
from tests.support.harness import ServiceHarness

LIKED = PostLiked(PostId(1), UserId(2), UserId(3))
DELETED = PostDeleted(PostId(1), UserId(2), 3)


async def mark(harness: ServiceHarness) -> None:
    """Any write."""
    await harness.database.execute(
        "INSERT INTO nodes (node, owner, lease_until_ms, last_ms) VALUES (1, '', 0, 0)"
    )


async def marks(harness: ServiceHarness) -> int:
    return await harness.value("SELECT COUNT(*) AS n FROM nodes")


async def test_a_change_and_its_jobs_are_committed_together(harness: ServiceHarness) -> None:
    async def body(work: WorkContext) -> str:
        await mark(harness)
        work.emit(DELETED)
        work.emit(LIKED)
        assert await harness.value("SELECT COUNT(*) AS n FROM jobs") == 0
        return "done"

    assert await harness.unit_of_work.run(body) == "done"
    assert await marks(harness) == 1
    jobs = await harness.rows("SELECT kind, queue, priority, state, attempts, payload FROM jobs ORDER BY id")
    assert [(job["kind"], job["queue"]) for job in jobs] == [
        (JobKind.WITHDRAW, Queue.FEED),
        (JobKind.REMOVE_POST, Queue.MAINTENANCE),
        (JobKind.NOTIFY_LIKE, Queue.NOTIFICATIONS),
    ]
    assert {(job["state"], job["attempts"]) for job in jobs} == {("ready", 0)}
    assert [rung.job_id for rung in harness.rings.heard] == await harness.due()
    assert (await harness.claim(JobKind.NOTIFY_LIKE)).payload == {"post_id": 1, "author_id": 2, "actor_id": 3}


async def test_a_body_that_fails_leaves_neither_change_nor_job_nor_ring(harness: ServiceHarness) -> None:
    async def body(work: WorkContext) -> None:
        await mark(harness)
        work.emit(LIKED)
        raise AppError("No.")

    with pytest.raises(AppError, match="No"):
        await harness.unit_of_work.run(body)
    assert await marks(harness) == 0
    assert await harness.due() == []
    assert harness.rings.heard == []


async def test_a_body_that_is_cancelled_leaves_nothing(harness: ServiceHarness) -> None:
    inside = asyncio.Event()

    async def body(work: WorkContext) -> None:
        await mark(harness)
        work.emit(LIKED)
        inside.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(harness.unit_of_work.run(body))
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await marks(harness) == 0
    assert await harness.due() == []
    assert harness.rings.heard == []


async def test_the_bell_rings_when_the_job_can_be_claimed(harness: ServiceHarness) -> None:
    claims: list[asyncio.Task[Any]] = []

    def notify(jobs: Sequence[JobRef]) -> None:
        claims.extend(asyncio.create_task(harness.jobs.claim(job.job_id)) for job in jobs)

    work = UnitOfWork(harness.database, harness.ids, harness.clock, harness.jobs, notify)

    async def body(work: WorkContext) -> None:
        work.emit(LIKED)
        assert not claims

    await work.run(body)
    (claim,) = await asyncio.gather(*claims)
    assert claim is not None


async def test_a_transaction_that_was_given_up_runs_again_from_the_start(harness: ServiceHarness) -> None:
    tries = 0

    async def body(work: WorkContext) -> int:
        nonlocal tries
        tries += 1
        await mark(harness)
        work.emit(LIKED)
        if tries < 3:
            raise SerializationFailure("busy")
        return tries

    assert await harness.unit_of_work.run(body) == 3
    assert await marks(harness) == 1
    assert len(harness.rings.heard) == len(await harness.due()) == 1


async def test_a_transaction_that_is_always_given_up_is_reported(harness: ServiceHarness) -> None:
    tries = 0

    async def body(_: WorkContext) -> None:
        nonlocal tries
        tries += 1
        await mark(harness)
        raise SerializationFailure("busy")

    with pytest.raises(SerializationFailure):
        await harness.unit_of_work.run(body)
    assert tries == MAX_ATTEMPTS
    assert await marks(harness) == 0


async def test_an_event_without_reactions_makes_no_job(harness: ServiceHarness) -> None:
    class Unheard(PostPublished):
        """A fact that nobody waits for."""

    assert Unheard not in JOBS_BY_EVENT

    async def body(work: WorkContext) -> None:
        work.emit(Unheard(PostId(1), UserId(1)))

    await harness.unit_of_work.run(body)
    assert await harness.due() == []
    assert harness.rings.heard == []


async def test_an_effect_and_the_end_of_its_job_are_committed_together(harness: ServiceHarness) -> None:
    await emit(harness, LIKED)
    claim = await harness.claim(JobKind.NOTIFY_LIKE)

    async def body(work: WorkContext) -> None:
        await mark(harness)

    await harness.unit_of_work.run(body, completes=claim)
    assert await marks(harness) == 1
    assert (await harness.job(claim.id))["state"] == "completed"


async def test_a_lost_lease_undoes_the_effect(harness: ServiceHarness) -> None:
    await emit(harness, LIKED)
    claim = await harness.claim(JobKind.NOTIFY_LIKE)
    await harness.expire_leases()
    await harness.jobs.reclaim()
    thief = await harness.claim(JobKind.NOTIFY_LIKE)

    async def body(work: WorkContext) -> None:
        await mark(harness)
        work.emit(DELETED)

    with pytest.raises(LeaseLost):
        await harness.unit_of_work.run(body, completes=claim)
    assert await marks(harness) == 0
    assert (await harness.job(claim.id))["state"] == "running"
    await harness.unit_of_work.run(body, completes=thief)
    assert await marks(harness) == 1


async def emit(harness: ServiceHarness, *events: Any) -> None:
    async def body(work: WorkContext) -> None:
        for event in events:
            work.emit(event)

    await harness.unit_of_work.run(body)
