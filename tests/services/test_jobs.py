"""The jobs table as a queue. Time passes by changing the rows: nobody waits."""

import asyncio
from collections import Counter

import pytest

from server.events import PostDeleted, PostLiked, PostPublished, UserFollowed
from server.ids import JobId, PostId, UserId
from server.models.jobs import JobState
from server.services.jobs import Claim, LeaseLost, RetryRule
from server.services.reactions import Queue
from server.services.unit_of_work import Work
from tests.house import BACKOFF_MS, LEASE_MS, MAX_ATTEMPTS, MAX_DEATHS, House

PUBLISHED = PostPublished(PostId(1), UserId(2))
LIKED = PostLiked(PostId(1), UserId(2), UserId(3))
FOLLOWED = UserFollowed(UserId(1), UserId(2))
DELETED = PostDeleted(PostId(1), UserId(2), 3)


async def add(house: House, *events: PostDeleted | PostPublished | PostLiked | UserFollowed) -> list[JobId]:
    """The jobs of these events, oldest first."""

    async def body(work: Work) -> None:
        for event in events:
            work.emit(event)

    heard = len(house.rings.heard)
    await house.unit_of_work.run(body)
    return [rung.job_id for rung in house.rings.heard[heard:]]


async def claimed(house: House) -> Claim:
    """A new job in our hands."""
    (job_id,) = await add(house, PUBLISHED)
    return await claim_again(house, job_id)


async def claim_again(house: House, job_id: JobId) -> Claim:
    claim = await house.jobs.claim(job_id)
    assert claim is not None
    return claim


async def die(house: House, claim: Claim) -> None:
    """The worker of this claim dies, and its lease runs out."""
    await house.expire_leases()
    assert await house.jobs.reclaim() == 1


async def test_of_many_who_claim_a_job_one_gets_it(house: House) -> None:
    job_ids = await add(house, *[PUBLISHED] * 5)
    claims = await asyncio.gather(*(house.jobs.claim(job_id) for job_id in job_ids * 20))
    assert Counter(claim.id for claim in claims if claim) == dict.fromkeys(job_ids, 1)


async def test_of_many_processes_that_claim_a_job_one_gets_it(house: House) -> None:
    """Each with a `Jobs` of its own, which knows nothing of the others."""
    others = [House(house.database, house.redis, house.redis_url, house.folder) for _ in range(20)]
    job_ids = await add(house, *[PUBLISHED] * 5)
    claims = await asyncio.gather(*(other.jobs.claim(job_id) for other in others for job_id in job_ids))
    assert Counter(claim.id for claim in claims if claim) == dict.fromkeys(job_ids, 1)
    for other in others:
        await other.close()


async def test_a_claim_tells_of_its_job(house: House) -> None:
    claim = await claimed(house)
    assert (claim.queue, claim.kind) == (Queue.FEED, "feed.fan_out")
    assert claim.payload == {"post_id": 1, "author_id": 2}
    assert (claim.attempts, dict(claim.progress)) == (1, {})
    job = await house.job(claim.id)
    assert job["state"] == JobState.RUNNING
    assert job["lease_until_ms"] - claim.created_at_ms >= LEASE_MS


async def test_what_is_not_ready_is_not_claimed(house: House) -> None:
    claim = await claimed(house)
    assert await house.jobs.claim(claim.id) is None
    await house.jobs.complete(claim)
    assert await house.jobs.claim(claim.id) is None
    assert await house.jobs.claim(JobId(1)) is None


async def test_a_job_that_is_not_due_is_not_claimed(house: House) -> None:
    (job_id,) = await add(house, PUBLISHED)
    await house.database.execute("UPDATE jobs SET run_at_ms = run_at_ms + 60000")
    assert await house.jobs.claim(job_id) is None
    assert await house.jobs.due() == []
    await house.make_due()
    assert await house.jobs.claim(job_id) is not None


async def test_a_job_is_completed_once(house: House) -> None:
    claim = await claimed(house)
    await house.jobs.complete(claim)
    job = await house.job(claim.id)
    assert job["state"] == JobState.COMPLETED
    assert job["finished_at_ms"] >= job["created_at_ms"]
    with pytest.raises(LeaseLost):
        await house.jobs.complete(claim)


async def test_a_lease_that_holds_is_not_taken_back(house: House) -> None:
    claim = await claimed(house)
    assert await house.jobs.reclaim() == 0
    await house.jobs.complete(claim)


async def test_a_job_whose_worker_died_is_run_by_another(house: House) -> None:
    claim = await claimed(house)
    await die(house, claim)
    assert await house.due() == [claim.id]
    second = await claim_again(house, claim.id)
    assert second.lease != claim.lease
    for steal in (house.jobs.complete(claim), house.jobs.save_progress(claim, {"after": 1})):
        with pytest.raises(LeaseLost):
            await steal
    assert await house.jobs.fail(claim, "too late") is None
    await house.jobs.postpone(claim)
    await house.jobs.hand_back([claim])
    await house.expire_leases()
    await house.jobs.heartbeat([claim])
    assert (await house.job(claim.id))["lease_until_ms"] == 1
    await house.jobs.complete(second)
    assert (await house.job(claim.id))["state"] == JobState.COMPLETED


async def test_a_job_that_ends_too_many_workers_is_dead(house: House) -> None:
    claim = await claimed(house)
    for _ in range(MAX_DEATHS - 1):
        await die(house, claim)
        claim = await claim_again(house, claim.id)
    await die(house, claim)
    job = await house.job(claim.id)
    assert (job["state"], job["deaths"]) == (JobState.DEAD, MAX_DEATHS)
    assert job["finished_at_ms"] is not None
    assert len(job["history"]) == MAX_DEATHS
    assert await house.due() == []


async def test_two_dispatchers_take_a_job_back_once(house: House) -> None:
    job_ids = await add(house, *[PUBLISHED] * 10)
    for job_id in job_ids:
        await claim_again(house, job_id)
    await house.expire_leases()
    assert sum(await asyncio.gather(*(house.jobs.reclaim() for _ in range(4)))) == 10
    deaths = await house.rows("SELECT deaths FROM jobs")
    assert {row["deaths"] for row in deaths} == {1}


async def test_jobs_that_a_worker_died_with_are_claimed_one_at_a_time(house: House) -> None:
    """Or the one among them that kills its process would take the others with it until all of them are dead."""
    suspects = await add(house, *[PUBLISHED] * 3)
    for job_id in suspects:
        await claim_again(house, job_id)
    await house.expire_leases()
    await house.jobs.reclaim()
    others = await add(house, *[PUBLISHED] * 2)
    for left in (3, 2, 1):
        claims = await asyncio.gather(*(house.jobs.claim(job_id) for job_id in [*suspects, *others]))
        (suspect,) = [claim for claim in claims if claim and claim.id in suspects]
        assert sum(claim is not None for claim in claims) == (3 if left == 3 else 1)
        assert [await house.jobs.claim(job_id) for job_id in suspects] == [None] * 3
        await house.jobs.finish(suspect)
        house.jobs.let_go(suspect)


async def test_a_heartbeat_keeps_the_lease(house: House) -> None:
    claims = [await claimed(house), await claimed(house)]
    await house.expire_leases()
    await house.jobs.heartbeat(claims)
    assert await house.jobs.reclaim() == 0
    for claim in claims:
        await house.jobs.complete(claim)
    await house.jobs.heartbeat([])


async def test_a_failed_attempt_is_tried_again_after_its_backoff(house: House) -> None:
    claim = await claimed(house)
    before_ms = await now_ms(house)
    assert await house.jobs.fail(claim, "ValueError: no") == JobState.READY
    job = await house.job(claim.id)
    assert before_ms <= job["run_at_ms"] <= await now_ms(house) + BACKOFF_MS
    (entry,) = job["history"]
    assert (entry["attempt"], entry["error"]) == (1, "ValueError: no")
    await house.make_due()
    assert (await claim_again(house, claim.id)).attempts == 2


async def test_after_its_last_attempt_a_job_is_dead(house: House) -> None:
    claim = await claimed(house)
    for attempt in range(1, MAX_ATTEMPTS):
        assert await house.jobs.fail(claim, f"no {attempt}") == JobState.READY
        await house.make_due()
        claim = await claim_again(house, claim.id)
    assert await house.jobs.fail(claim, "no more") == JobState.DEAD
    job = await house.job(claim.id)
    assert [entry["attempt"] for entry in job["history"]] == [1, 2, 3]
    assert job["finished_at_ms"] is not None
    assert await house.due() == []
    assert await house.jobs.claim(claim.id) is None


def test_the_backoff_stays_within_its_bounds() -> None:
    rule = RetryRule(max_attempts=10, backoff_ms=100, cap_ms=1000)
    for attempt, ceiling in [(1, 100), (2, 200), (3, 400), (4, 800), (5, 1000), (60, 1000), (5000, 1000)]:
        delays = [rule.delay_ms(attempt) for _ in range(500)]
        assert 0 <= min(delays) < ceiling * 0.1, "full jitter starts at nothing"
        assert ceiling * 0.9 < max(delays) <= ceiling


async def test_a_long_error_is_cut(house: House) -> None:
    claim = await claimed(house)
    await house.jobs.fail(claim, "é" * 10_000)
    (entry,) = (await house.job(claim.id))["history"]
    assert len(entry["error"]) == 500


async def test_a_postponed_job_has_spent_no_attempt(house: House) -> None:
    claim = await claimed(house)
    before_ms = await now_ms(house)
    await house.jobs.postpone(claim)
    job = await house.job(claim.id)
    assert (job["state"], job["attempts"]) == (JobState.READY, 0)
    assert before_ms < job["run_at_ms"] < before_ms + 60_000


async def test_a_job_handed_back_can_be_claimed_at_once(house: House) -> None:
    claims = [await claimed(house), await claimed(house)]
    await house.jobs.hand_back(claims)
    for claim in claims:
        again = await claim_again(house, claim.id)
        assert again.attempts == 1


async def test_progress_is_there_for_the_next_worker(house: House) -> None:
    claim = await claimed(house)
    await house.jobs.save_progress(claim, {"after": 42})
    await house.jobs.save_progress(claim, {"after": 42})
    await die(house, claim)
    assert (await claim_again(house, claim.id)).progress == {"after": 42}


async def test_progress_prolongs_the_lease(house: House) -> None:
    claim = await claimed(house)
    await house.expire_leases()
    await house.jobs.save_progress(claim, {"after": 1})
    assert await house.jobs.reclaim() == 0


async def test_urgent_jobs_are_due_first_then_the_oldest(house: House) -> None:
    published, withdrawn, removed, follow, liked = await add(house, PUBLISHED, DELETED, FOLLOWED, LIKED)
    await house.database.execute("UPDATE jobs SET run_at_ms = run_at_ms - 5000 WHERE id = ?", [liked])
    due = await house.jobs.due()
    assert [rung.job_id for rung in due if rung.queue is Queue.FEED] == [withdrawn, published]
    assert [rung.job_id for rung in due if rung.queue is Queue.NOTIFICATIONS] == [liked, follow]
    assert [rung.job_id for rung in due if rung.queue is Queue.MAINTENANCE] == [removed]
    assert [rung.priority for rung in due] == [1, 0, 0, 0, 0]
    assert [rung.job_id for rung in await house.jobs.due(limit=1)] == [withdrawn, liked, removed]
    assert [rung.job_id for rung in await house.jobs.due([Queue.NOTIFICATIONS])] == [liked, follow]


async def now_ms(house: House) -> int:
    """The time on the clock of the database."""
    return await house.value(f"SELECT {house.database.now_ms} AS now_ms")
