"""The jobs table as a queue. Time passes by changing the rows: nobody waits."""

import asyncio
from collections import Counter

import pytest

from server.events import PostDeleted, PostLiked, PostPublished, UserFollowed
from server.ids import JobId, PostId, UserId
from server.models.jobs.jobs import JobState
from server.services.jobs.claims import Claim, LeaseLost
from server.services.jobs.event_jobs import Queue
from server.services.jobs.retry_rules import RetryRule
from server.services.jobs.unit_of_work import WorkContext
from tests.support.harness import BACKOFF_MS, LEASE_MS, MAX_ATTEMPTS, MAX_CRASHES, ServiceHarness

PUBLISHED = PostPublished(PostId(1), UserId(2))
LIKED = PostLiked(PostId(1), UserId(2), UserId(3))
FOLLOWED = UserFollowed(UserId(1), UserId(2))
DELETED = PostDeleted(PostId(1), UserId(2), 3)


async def add(
    harness: ServiceHarness, *events: PostDeleted | PostPublished | PostLiked | UserFollowed
) -> list[JobId]:
    """Add the jobs of these events and return their ids, oldest first."""

    async def body(work: WorkContext) -> None:
        for event in events:
            work.emit(event)

    heard = len(harness.rings.heard)
    await harness.unit_of_work.run(body)
    return [rung.job_id for rung in harness.rings.heard[heard:]]


async def claimed(harness: ServiceHarness) -> Claim:
    """Add a job and claim it."""
    (job_id,) = await add(harness, PUBLISHED)
    return await claim_again(harness, job_id)


async def claim_again(harness: ServiceHarness, job_id: JobId) -> Claim:
    claim = await harness.jobs.claim(job_id)
    assert claim is not None
    return claim


async def die(harness: ServiceHarness, claim: Claim) -> None:
    """Let the lease of a crashed worker expire."""
    await harness.expire_leases()
    assert await harness.jobs.reclaim() == 1


async def test_of_many_who_claim_a_job_one_gets_it(harness: ServiceHarness) -> None:
    job_ids = await add(harness, *[PUBLISHED] * 5)
    claims = await asyncio.gather(*(harness.jobs.claim(job_id) for job_id in job_ids * 20))
    assert Counter(claim.id for claim in claims if claim) == dict.fromkeys(job_ids, 1)


async def test_of_many_processes_that_claim_a_job_one_gets_it(harness: ServiceHarness) -> None:
    """Each with a `Jobs` of its own, which knows nothing of the others."""
    others = [
        ServiceHarness(harness.database, harness.redis, harness.redis_url, harness.folder) for _ in range(20)
    ]
    job_ids = await add(harness, *[PUBLISHED] * 5)
    claims = await asyncio.gather(*(other.jobs.claim(job_id) for other in others for job_id in job_ids))
    assert Counter(claim.id for claim in claims if claim) == dict.fromkeys(job_ids, 1)
    for other in others:
        await other.close()


async def test_a_claim_tells_of_its_job(harness: ServiceHarness) -> None:
    claim = await claimed(harness)
    assert (claim.queue, claim.kind) == (Queue.FEED, "feed.fan_out")
    assert claim.payload == {"post_id": 1, "author_id": 2}
    assert (claim.attempts, dict(claim.progress)) == (1, {})
    job = await harness.job(claim.id)
    assert job["state"] == JobState.RUNNING
    assert job["lease_until_ms"] - claim.created_at_ms >= LEASE_MS


async def test_what_is_not_ready_is_not_claimed(harness: ServiceHarness) -> None:
    claim = await claimed(harness)
    assert await harness.jobs.claim(claim.id) is None
    await harness.jobs.complete(claim)
    assert await harness.jobs.claim(claim.id) is None
    assert await harness.jobs.claim(JobId(1)) is None


async def test_a_job_that_is_not_due_is_not_claimed(harness: ServiceHarness) -> None:
    (job_id,) = await add(harness, PUBLISHED)
    await harness.database.execute("UPDATE jobs SET run_at_ms = run_at_ms + 60000")
    assert await harness.jobs.claim(job_id) is None
    assert await harness.jobs.due() == []
    await harness.make_due()
    assert await harness.jobs.claim(job_id) is not None


async def test_a_job_is_completed_once(harness: ServiceHarness) -> None:
    claim = await claimed(harness)
    await harness.jobs.complete(claim)
    job = await harness.job(claim.id)
    assert job["state"] == JobState.COMPLETED
    assert job["finished_at_ms"] >= job["created_at_ms"]
    with pytest.raises(LeaseLost):
        await harness.jobs.complete(claim)


async def test_a_lease_that_holds_is_not_taken_back(harness: ServiceHarness) -> None:
    claim = await claimed(harness)
    assert await harness.jobs.reclaim() == 0
    await harness.jobs.complete(claim)


async def test_a_job_whose_worker_died_is_run_by_another(harness: ServiceHarness) -> None:
    claim = await claimed(harness)
    await die(harness, claim)
    assert await harness.due() == [claim.id]
    second = await claim_again(harness, claim.id)
    assert second.lease != claim.lease
    for steal in (harness.jobs.complete(claim), harness.jobs.save_progress(claim, {"after": 1})):
        with pytest.raises(LeaseLost):
            await steal
    assert await harness.jobs.fail(claim, "too late") is None
    await harness.jobs.postpone(claim)
    await harness.jobs.return_to_queue([claim])
    await harness.expire_leases()
    await harness.jobs.heartbeat([claim])
    assert (await harness.job(claim.id))["lease_until_ms"] == 1
    await harness.jobs.complete(second)
    assert (await harness.job(claim.id))["state"] == JobState.COMPLETED


async def test_a_job_that_ends_too_many_workers_is_dead(harness: ServiceHarness) -> None:
    claim = await claimed(harness)
    for _ in range(MAX_CRASHES - 1):
        await die(harness, claim)
        claim = await claim_again(harness, claim.id)
    await die(harness, claim)
    job = await harness.job(claim.id)
    assert (job["state"], job["crash_count"]) == (JobState.DEAD, MAX_CRASHES)
    assert job["finished_at_ms"] is not None
    assert len(job["history"]) == MAX_CRASHES
    assert await harness.due() == []


async def test_two_dispatchers_take_a_job_back_once(harness: ServiceHarness) -> None:
    job_ids = await add(harness, *[PUBLISHED] * 10)
    for job_id in job_ids:
        await claim_again(harness, job_id)
    await harness.expire_leases()
    assert sum(await asyncio.gather(*(harness.jobs.reclaim() for _ in range(4)))) == 10
    crash_count = await harness.rows("SELECT crash_count FROM jobs")
    assert {row["crash_count"] for row in crash_count} == {1}


async def test_jobs_that_a_worker_died_with_are_claimed_one_at_a_time(harness: ServiceHarness) -> None:
    """Or the one among them that kills its process would take the others with it until all of them are dead."""
    suspects = await add(harness, *[PUBLISHED] * 3)
    for job_id in suspects:
        await claim_again(harness, job_id)
    await harness.expire_leases()
    await harness.jobs.reclaim()
    others = await add(harness, *[PUBLISHED] * 2)
    for left in (3, 2, 1):
        claims = await asyncio.gather(*(harness.jobs.claim(job_id) for job_id in [*suspects, *others]))
        (suspect,) = [claim for claim in claims if claim and claim.id in suspects]
        assert sum(claim is not None for claim in claims) == (3 if left == 3 else 1)
        assert [await harness.jobs.claim(job_id) for job_id in suspects] == [None] * 3
        await harness.jobs.finish(suspect)
        harness.jobs.release(suspect)


async def test_a_heartbeat_keeps_the_lease(harness: ServiceHarness) -> None:
    claims = [await claimed(harness), await claimed(harness)]
    await harness.expire_leases()
    await harness.jobs.heartbeat(claims)
    assert await harness.jobs.reclaim() == 0
    for claim in claims:
        await harness.jobs.complete(claim)
    await harness.jobs.heartbeat([])


async def test_a_failed_attempt_is_tried_again_after_its_backoff(harness: ServiceHarness) -> None:
    claim = await claimed(harness)
    before_ms = await now_ms(harness)
    assert await harness.jobs.fail(claim, "ValueError: no") == JobState.READY
    job = await harness.job(claim.id)
    assert before_ms <= job["run_at_ms"] <= await now_ms(harness) + BACKOFF_MS
    (entry,) = job["history"]
    assert (entry["attempt"], entry["error"]) == (1, "ValueError: no")
    await harness.make_due()
    assert (await claim_again(harness, claim.id)).attempts == 2


async def test_after_its_last_attempt_a_job_is_dead(harness: ServiceHarness) -> None:
    claim = await claimed(harness)
    for attempt in range(1, MAX_ATTEMPTS):
        assert await harness.jobs.fail(claim, f"no {attempt}") == JobState.READY
        await harness.make_due()
        claim = await claim_again(harness, claim.id)
    assert await harness.jobs.fail(claim, "no more") == JobState.DEAD
    job = await harness.job(claim.id)
    assert [entry["attempt"] for entry in job["history"]] == [1, 2, 3]
    assert job["finished_at_ms"] is not None
    assert await harness.due() == []
    assert await harness.jobs.claim(claim.id) is None


def test_the_backoff_stays_within_its_bounds() -> None:
    rule = RetryRule(max_attempts=10, backoff_ms=100, cap_ms=1000)
    for attempt, ceiling in [(1, 100), (2, 200), (3, 400), (4, 800), (5, 1000), (60, 1000), (5000, 1000)]:
        delays = [rule.delay_ms(attempt) for _ in range(500)]
        assert 0 <= min(delays) < ceiling * 0.1, "full jitter starts at nothing"
        assert ceiling * 0.9 < max(delays) <= ceiling


async def test_a_long_error_is_cut(harness: ServiceHarness) -> None:
    claim = await claimed(harness)
    await harness.jobs.fail(claim, "é" * 10_000)
    (entry,) = (await harness.job(claim.id))["history"]
    assert len(entry["error"]) == 500


async def test_a_postponed_job_has_spent_no_attempt(harness: ServiceHarness) -> None:
    claim = await claimed(harness)
    before_ms = await now_ms(harness)
    await harness.jobs.postpone(claim)
    job = await harness.job(claim.id)
    assert (job["state"], job["attempts"]) == (JobState.READY, 0)
    assert before_ms < job["run_at_ms"] < before_ms + 60_000


async def test_a_job_handed_back_can_be_claimed_at_once(harness: ServiceHarness) -> None:
    claims = [await claimed(harness), await claimed(harness)]
    await harness.jobs.return_to_queue(claims)
    for claim in claims:
        again = await claim_again(harness, claim.id)
        assert again.attempts == 1


async def test_progress_is_there_for_the_next_worker(harness: ServiceHarness) -> None:
    claim = await claimed(harness)
    await harness.jobs.save_progress(claim, {"after": 42})
    await harness.jobs.save_progress(claim, {"after": 42})
    await die(harness, claim)
    assert (await claim_again(harness, claim.id)).progress == {"after": 42}


async def test_progress_prolongs_the_lease(harness: ServiceHarness) -> None:
    claim = await claimed(harness)
    await harness.expire_leases()
    await harness.jobs.save_progress(claim, {"after": 1})
    assert await harness.jobs.reclaim() == 0


async def test_urgent_jobs_are_due_first_then_the_oldest(harness: ServiceHarness) -> None:
    published, withdrawn, removed, follow, liked = await add(harness, PUBLISHED, DELETED, FOLLOWED, LIKED)
    await harness.database.execute("UPDATE jobs SET run_at_ms = run_at_ms - 5000 WHERE id = ?", [liked])
    due = await harness.jobs.due()
    assert [rung.job_id for rung in due if rung.queue is Queue.FEED] == [withdrawn, published]
    assert [rung.job_id for rung in due if rung.queue is Queue.NOTIFICATIONS] == [liked, follow]
    assert [rung.job_id for rung in due if rung.queue is Queue.MAINTENANCE] == [removed]
    assert [rung.priority for rung in due] == [1, 0, 0, 0, 0]
    assert [rung.job_id for rung in await harness.jobs.due(limit=1)] == [withdrawn, liked, removed]
    assert [rung.job_id for rung in await harness.jobs.due([Queue.NOTIFICATIONS])] == [liked, follow]


async def now_ms(harness: ServiceHarness) -> int:
    """Return the time of the database clock."""
    return await harness.value(f"SELECT {harness.database.now_ms} AS now_ms")
