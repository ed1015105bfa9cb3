"""The job queue, on both databases. Tests change rows instead of waiting."""

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
from tools.harness.services import BACKOFF_MS, LEASE_MS, MAX_ATTEMPTS, MAX_CRASHES, ServiceHarness

PUBLISHED = PostPublished(PostId(1), UserId(2))
LIKED = PostLiked(PostId(1), UserId(2), UserId(3))
FOLLOWED = UserFollowed(UserId(1), UserId(2))
DELETED = PostDeleted(PostId(1), UserId(2), 3)


async def add(
    harness: ServiceHarness, *events: PostDeleted | PostPublished | PostLiked | UserFollowed
) -> list[JobId]:
    """Add the jobs of these events; return their ids, oldest first."""

    async def emit_events(work: WorkContext) -> None:
        for event in events:
            work.emit(event)

    before = len(harness.notifier.jobs)
    await harness.unit_of_work.run(emit_events)
    return [ref.job_id for ref in harness.notifier.jobs[before:]]


async def claimed(harness: ServiceHarness) -> Claim:
    """Add a job and claim it."""
    (job_id,) = await add(harness, PUBLISHED)
    return await claim_again(harness, job_id)


async def claim_again(harness: ServiceHarness, job_id: JobId) -> Claim:
    claim = await harness.jobs.claim(job_id)
    assert claim is not None
    return claim


async def crash(harness: ServiceHarness, claim: Claim) -> None:
    """Let the lease expire, as if the worker had crashed."""
    await harness.expire_leases()
    assert await harness.jobs.reclaim() == 1


async def test_one_of_many_callers_claims_a_job(harness: ServiceHarness) -> None:
    job_ids = await add(harness, *[PUBLISHED] * 5)
    claims = await asyncio.gather(*(harness.jobs.claim(job_id) for job_id in job_ids * 20))
    assert Counter(claim.id for claim in claims if claim) == dict.fromkeys(job_ids, 1)


async def test_one_of_many_processes_claims_a_job(harness: ServiceHarness) -> None:
    others = [
        ServiceHarness(harness.database, harness.redis, harness.redis_url, harness.folder) for _ in range(20)
    ]
    job_ids = await add(harness, *[PUBLISHED] * 5)
    claims = await asyncio.gather(*(other.jobs.claim(job_id) for other in others for job_id in job_ids))
    assert Counter(claim.id for claim in claims if claim) == dict.fromkeys(job_ids, 1)
    for other in others:
        await other.close()


async def test_claim_has_the_fields_of_its_job(harness: ServiceHarness) -> None:
    claim = await claimed(harness)
    assert (claim.queue, claim.kind) == (Queue.FEED, "feed.fan_out")
    assert claim.payload == {"post_id": 1, "author_id": 2}
    assert (claim.attempts, dict(claim.progress)) == (1, {})
    job = await harness.job(claim.id)
    assert job["state"] == JobState.RUNNING
    assert job["lease_until_ms"] - claim.created_at_ms >= LEASE_MS


async def test_job_that_is_not_ready_is_not_claimed(harness: ServiceHarness) -> None:
    claim = await claimed(harness)
    assert await harness.jobs.claim(claim.id) is None
    await harness.jobs.complete(claim)
    assert await harness.jobs.claim(claim.id) is None
    assert await harness.jobs.claim(JobId(1)) is None


async def test_job_that_is_not_due_is_not_claimed(harness: ServiceHarness) -> None:
    (job_id,) = await add(harness, PUBLISHED)
    await harness.database.execute("UPDATE jobs SET run_at_ms = run_at_ms + 60000")
    assert await harness.jobs.claim(job_id) is None
    assert await harness.jobs.due() == []
    await harness.make_due()
    assert await harness.jobs.claim(job_id) is not None


async def test_job_is_completed_once(harness: ServiceHarness) -> None:
    claim = await claimed(harness)
    await harness.jobs.complete(claim)
    job = await harness.job(claim.id)
    assert job["state"] == JobState.COMPLETED
    assert job["finished_at_ms"] >= job["created_at_ms"]
    with pytest.raises(LeaseLost):
        await harness.jobs.complete(claim)


async def test_valid_lease_is_not_reclaimed(harness: ServiceHarness) -> None:
    claim = await claimed(harness)
    assert await harness.jobs.reclaim() == 0
    await harness.jobs.complete(claim)


async def test_another_worker_runs_the_job_of_a_crashed_one(harness: ServiceHarness) -> None:
    claim = await claimed(harness)
    await crash(harness, claim)
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


async def test_job_that_crashes_too_many_workers_is_dead(harness: ServiceHarness) -> None:
    claim = await claimed(harness)
    for _ in range(MAX_CRASHES - 1):
        await crash(harness, claim)
        claim = await claim_again(harness, claim.id)
    await crash(harness, claim)
    job = await harness.job(claim.id)
    assert (job["state"], job["crash_count"]) == (JobState.DEAD, MAX_CRASHES)
    assert job["finished_at_ms"] is not None
    assert len(job["history"]) == MAX_CRASHES
    assert await harness.due() == []


async def test_simultaneous_dispatchers_reclaim_a_job_once(harness: ServiceHarness) -> None:
    job_ids = await add(harness, *[PUBLISHED] * 10)
    for job_id in job_ids:
        await claim_again(harness, job_id)
    await harness.expire_leases()
    assert sum(await asyncio.gather(*(harness.jobs.reclaim() for _ in range(4)))) == 10
    crash_count = await harness.rows("SELECT crash_count FROM jobs")
    assert {row["crash_count"] for row in crash_count} == {1}


async def test_poison_candidates_are_claimed_one_at_a_time(harness: ServiceHarness) -> None:
    candidates = await add(harness, *[PUBLISHED] * 3)
    for job_id in candidates:
        await claim_again(harness, job_id)
    await harness.expire_leases()
    await harness.jobs.reclaim()
    others = await add(harness, *[PUBLISHED] * 2)
    for remaining in (3, 2, 1):
        claims = await asyncio.gather(*(harness.jobs.claim(job_id) for job_id in [*candidates, *others]))
        (candidate,) = [claim for claim in claims if claim and claim.id in candidates]
        assert sum(claim is not None for claim in claims) == (3 if remaining == 3 else 1)
        assert [await harness.jobs.claim(job_id) for job_id in candidates] == [None] * 3
        await harness.jobs.finish(candidate)
        harness.jobs.release(candidate)


async def test_heartbeat_extends_the_lease(harness: ServiceHarness) -> None:
    claims = [await claimed(harness), await claimed(harness)]
    await harness.expire_leases()
    await harness.jobs.heartbeat(claims)
    assert await harness.jobs.reclaim() == 0
    for claim in claims:
        await harness.jobs.complete(claim)
    await harness.jobs.heartbeat([])


async def test_failed_job_is_retried_after_its_backoff(harness: ServiceHarness) -> None:
    claim = await claimed(harness)
    before_ms = await now_ms(harness)
    assert await harness.jobs.fail(claim, "ValueError: no") == JobState.READY
    job = await harness.job(claim.id)
    assert before_ms <= job["run_at_ms"] <= await now_ms(harness) + BACKOFF_MS
    (entry,) = job["history"]
    assert (entry["attempt"], entry["error"]) == (1, "ValueError: no")
    await harness.make_due()
    assert (await claim_again(harness, claim.id)).attempts == 2


async def test_job_is_dead_after_its_last_attempt(harness: ServiceHarness) -> None:
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


def test_backoff_stays_within_its_bounds() -> None:
    rule = RetryRule(max_attempts=10, backoff_ms=100, cap_ms=1000)
    for attempt, ceiling in [(1, 100), (2, 200), (3, 400), (4, 800), (5, 1000), (60, 1000), (5000, 1000)]:
        delays = [rule.delay_ms(attempt) for _ in range(500)]
        assert 0 <= min(delays) < ceiling * 0.1, "full jitter starts at nothing"
        assert ceiling * 0.9 < max(delays) <= ceiling


async def test_long_error_is_truncated(harness: ServiceHarness) -> None:
    claim = await claimed(harness)
    await harness.jobs.fail(claim, "é" * 10_000)
    (entry,) = (await harness.job(claim.id))["history"]
    assert len(entry["error"]) == 500


async def test_postponed_job_has_not_used_an_attempt(harness: ServiceHarness) -> None:
    claim = await claimed(harness)
    before_ms = await now_ms(harness)
    await harness.jobs.postpone(claim)
    job = await harness.job(claim.id)
    assert (job["state"], job["attempts"]) == (JobState.READY, 0)
    assert before_ms < job["run_at_ms"] < before_ms + 60_000


async def test_returned_job_can_be_claimed_immediately(harness: ServiceHarness) -> None:
    claims = [await claimed(harness), await claimed(harness)]
    await harness.jobs.return_to_queue(claims)
    for claim in claims:
        again = await claim_again(harness, claim.id)
        assert again.attempts == 1


async def test_progress_is_available_to_the_next_worker(harness: ServiceHarness) -> None:
    claim = await claimed(harness)
    await harness.jobs.save_progress(claim, {"after": 42})
    await harness.jobs.save_progress(claim, {"after": 42})
    await crash(harness, claim)
    assert (await claim_again(harness, claim.id)).progress == {"after": 42}


async def test_saving_progress_extends_the_lease(harness: ServiceHarness) -> None:
    claim = await claimed(harness)
    await harness.expire_leases()
    await harness.jobs.save_progress(claim, {"after": 1})
    assert await harness.jobs.reclaim() == 0


async def test_due_jobs_are_ordered_by_priority_then_age(harness: ServiceHarness) -> None:
    published, withdrawn, removed, searched, follow, liked = await add(
        harness, PUBLISHED, DELETED, FOLLOWED, LIKED
    )
    await harness.database.execute("UPDATE jobs SET run_at_ms = run_at_ms - 5000 WHERE id = ?", [liked])
    due = await harness.jobs.due()
    assert [ref.job_id for ref in due if ref.queue is Queue.FEED] == [withdrawn, published]
    assert [ref.job_id for ref in due if ref.queue is Queue.NOTIFICATIONS] == [liked, follow]
    assert [ref.job_id for ref in due if ref.queue is Queue.MAINTENANCE] == [removed]
    assert [ref.job_id for ref in due if ref.queue is Queue.SEARCH] == [searched]
    assert [ref.priority for ref in due] == [1, 0, 0, 0, 0, 0]
    assert {ref.job_id for ref in await harness.jobs.due(limit=1)} == {withdrawn, liked, removed, searched}
    assert [ref.job_id for ref in await harness.jobs.due([Queue.NOTIFICATIONS])] == [liked, follow]


async def now_ms(harness: ServiceHarness) -> int:
    """Return the database time."""
    return await harness.value(f"SELECT {harness.database.now_ms} AS now_ms")
