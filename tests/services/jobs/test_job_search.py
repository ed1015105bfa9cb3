"""Jobs that operators look up and start, on both databases."""

import pytest

from server.errors import NotFound
from server.ids import JobId, UserId
from server.models.jobs.job_search import JobSearchRepository
from server.models.jobs.jobs import JobState
from server.services.jobs.event_jobs import Queue
from server.services.jobs.job_search import JobSearch
from server.services.moderation.queue_operations import QueueOperations
from tests.services.jobs.test_queue_administration import HOUR_MS, add_job
from tests.support.jobs import build_queue_administration
from tools.harness.services import ServiceHarness

BOSS = UserId(7)


@pytest.fixture
def search(harness: ServiceHarness) -> JobSearch:
    return JobSearch(JobSearchRepository(harness.database))


@pytest.fixture
def operations(harness: ServiceHarness, search: JobSearch) -> QueueOperations:
    queues = build_queue_administration(harness)
    return QueueOperations(queues, search, harness.audit_rows, harness.unit_of_work)


async def test_job_is_found_in_any_state(harness: ServiceHarness, search: JobSearch) -> None:
    for state in JobState:
        job_id = await add_job(harness, state)
        job = await search.get(JobId(job_id))
        assert (job.id, job.state, job.queue, job.is_delayed) == (job_id, state, Queue.FEED, False)
        assert job.payload == {"follower_id": 1, "followee_id": 2}
    with pytest.raises(NotFound, match="no job 1"):
        await search.get(JobId(1))


async def test_next_attempt_starts_now_but_no_scheduled_job(
    harness: ServiceHarness, search: JobSearch
) -> None:
    due = await add_job(harness, JobState.READY)
    retried = await add_job(harness, JobState.READY, due_ago_ms=-HOUR_MS, priority=0)
    later = await add_job(harness, JobState.READY, due_ago_ms=-2 * HOUR_MS, priority=1)
    scheduled = await add_job(harness, JobState.READY, due_ago_ms=-3 * HOUR_MS, created_ago_ms=-3 * HOUR_MS)
    other = await add_job(harness, JobState.READY, Queue.SEARCH, due_ago_ms=-HOUR_MS)
    listed = await search.list_delayed(Queue.FEED, 10)
    assert [(job.id, job.is_promotable) for job in listed] == [
        (retried, True),
        (later, True),
        (scheduled, False),
    ]
    assert [job.id for job in await search.list_delayed(Queue.FEED, 1)] == [retried]

    assert await search.promote(Queue.FEED, [retried, scheduled, other, due]) == 1
    assert await search.promote(Queue.FEED) == 1
    assert [job.id for job in await search.list_delayed(Queue.FEED, 10)] == [scheduled]
    assert not (await search.get(JobId(later))).is_delayed
    assert (await search.get(JobId(other))).is_delayed


async def test_operations_are_in_the_audit_log(harness: ServiceHarness, operations: QueueOperations) -> None:
    one, two = [await add_job(harness) for _ in range(2)]
    await operations.pause(BOSS, Queue.PUSH)
    await operations.resume(BOSS, Queue.PUSH)
    assert await operations.retry(BOSS, Queue.FEED, [one]) == 1
    assert await operations.discard(BOSS, Queue.FEED, None) == 1
    assert await operations.promote(BOSS, Queue.FEED, [one, two]) == 0
    rows = await harness.action_rows.list_page(BOSS, None, 2**53, 10)
    assert [(row.action, row.subject_type, row.subject_id, row.detail) for row in reversed(rows)] == [
        ("pause_queue", "queue", 0, "push"),
        ("resume_queue", "queue", 0, "push"),
        ("retry_jobs", "queue", one, f"feed: job {one}"),
        ("discard_jobs", "queue", 0, "feed: all jobs"),
        ("promote_jobs", "queue", 0, "feed: 2 jobs"),
    ]
