"""A change, its events and their jobs: all or nothing, and the bell after it."""

import asyncio
from typing import Any

import pytest

from server.errors import AppError
from server.events import PostDeleted, PostLiked, PostPublished
from server.ids import PostId, UserId
from server.models.database import SerializationFailure
from server.services.jobs import LeaseLost, Rung
from server.services.reactions import REACTIONS, JobKind, Queue
from server.services.unit_of_work import TRIES, UnitOfWork, Work
from tests.house import House

LIKED = PostLiked(PostId(1), UserId(2), UserId(3))
DELETED = PostDeleted(PostId(1), UserId(2), 3)


async def mark(house: House) -> None:
    """Any write."""
    await house.database.execute(
        "INSERT INTO nodes (node, owner, lease_until_ms, last_ms) VALUES (1, '', 0, 0)"
    )


async def marks(house: House) -> int:
    return await house.value("SELECT COUNT(*) AS n FROM nodes")


async def test_a_change_and_its_jobs_are_committed_together(house: House) -> None:
    async def body(work: Work) -> str:
        await mark(house)
        work.emit(DELETED)
        work.emit(LIKED)
        assert await house.value("SELECT COUNT(*) AS n FROM jobs") == 0
        return "done"

    assert await house.unit_of_work.run(body) == "done"
    assert await marks(house) == 1
    jobs = await house.rows("SELECT kind, queue, priority, state, attempts, payload FROM jobs ORDER BY id")
    assert [(job["kind"], job["queue"]) for job in jobs] == [
        (JobKind.WITHDRAW, Queue.FEED),
        (JobKind.REMOVE_POST, Queue.MAINTENANCE),
        (JobKind.NOTIFY_LIKE, Queue.NOTIFICATIONS),
    ]
    assert {(job["state"], job["attempts"]) for job in jobs} == {("ready", 0)}
    assert [rung.job_id for rung in house.rings.heard] == await house.due()
    assert (await house.claim(JobKind.NOTIFY_LIKE)).payload == {"post_id": 1, "author_id": 2, "actor_id": 3}


async def test_a_body_that_fails_leaves_neither_change_nor_job_nor_ring(house: House) -> None:
    async def body(work: Work) -> None:
        await mark(house)
        work.emit(LIKED)
        raise AppError("No.")

    with pytest.raises(AppError, match="No"):
        await house.unit_of_work.run(body)
    assert await marks(house) == 0
    assert await house.due() == []
    assert house.rings.heard == []


async def test_a_body_that_is_cancelled_leaves_nothing(house: House) -> None:
    inside = asyncio.Event()

    async def body(work: Work) -> None:
        await mark(house)
        work.emit(LIKED)
        inside.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(house.unit_of_work.run(body))
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await marks(house) == 0
    assert await house.due() == []
    assert house.rings.heard == []


async def test_the_bell_rings_when_the_job_can_be_claimed(house: House) -> None:
    claims: list[asyncio.Task[Any]] = []

    class Answered:
        def ring(self, rungs: list[Rung]) -> None:
            claims.extend(asyncio.create_task(house.jobs.claim(rung.job_id)) for rung in rungs)

    work = UnitOfWork(house.database, house.ids, house.clock, house.jobs, Answered())

    async def body(work: Work) -> None:
        work.emit(LIKED)
        assert not claims

    await work.run(body)
    (claim,) = await asyncio.gather(*claims)
    assert claim is not None


async def test_a_transaction_that_was_given_up_runs_again_from_the_start(house: House) -> None:
    tries = 0

    async def body(work: Work) -> int:
        nonlocal tries
        tries += 1
        await mark(house)
        work.emit(LIKED)
        if tries < 3:
            raise SerializationFailure("busy")
        return tries

    assert await house.unit_of_work.run(body) == 3
    assert await marks(house) == 1
    assert len(house.rings.heard) == len(await house.due()) == 1


async def test_a_transaction_that_is_always_given_up_is_reported(house: House) -> None:
    tries = 0

    async def body(_: Work) -> None:
        nonlocal tries
        tries += 1
        await mark(house)
        raise SerializationFailure("busy")

    with pytest.raises(SerializationFailure):
        await house.unit_of_work.run(body)
    assert tries == TRIES
    assert await marks(house) == 0


async def test_an_event_without_reactions_makes_no_job(house: House) -> None:
    class Unheard(PostPublished):
        """A fact that nobody waits for."""

    assert Unheard not in REACTIONS

    async def body(work: Work) -> None:
        work.emit(Unheard(PostId(1), UserId(1)))

    await house.unit_of_work.run(body)
    assert await house.due() == []
    assert house.rings.heard == []


async def test_an_effect_and_the_end_of_its_job_are_committed_together(house: House) -> None:
    await emit(house, LIKED)
    claim = await house.claim(JobKind.NOTIFY_LIKE)

    async def body(work: Work) -> None:
        await mark(house)

    await house.unit_of_work.run(body, completes=claim)
    assert await marks(house) == 1
    assert (await house.job(claim.id))["state"] == "completed"


async def test_a_lost_lease_undoes_the_effect(house: House) -> None:
    await emit(house, LIKED)
    claim = await house.claim(JobKind.NOTIFY_LIKE)
    await house.expire_leases()
    await house.jobs.reclaim()
    thief = await house.claim(JobKind.NOTIFY_LIKE)

    async def body(work: Work) -> None:
        await mark(house)
        work.emit(DELETED)

    with pytest.raises(LeaseLost):
        await house.unit_of_work.run(body, completes=claim)
    assert await marks(house) == 0
    assert (await house.job(claim.id))["state"] == "running"
    await house.unit_of_work.run(body, completes=thief)
    assert await marks(house) == 1


async def emit(house: House, *events: Any) -> None:
    async def body(work: Work) -> None:
        for event in events:
            work.emit(event)

    await house.unit_of_work.run(body)
