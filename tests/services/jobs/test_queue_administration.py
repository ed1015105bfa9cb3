"""Queue administration, on both databases."""

import asyncio
from typing import Any

import orjson
import pytest

from server.errors import Unavailable
from server.models.jobs.jobs import FailedAttempt, JobState, JobTable
from server.paging import PageRequest, decode_cursor
from server.services.jobs.event_jobs import JobKind, Queue
from server.services.jobs.queue_administration import QueueAdministration
from server.services.jobs.queue_overview import QueueLimits, QueueStatus
from tests.support.jobs import build_queue_administration
from tools.harness.services import ServiceHarness

LIMITS = {Queue.FEED: QueueLimits(rate_per_s=100.0, keep_completed=100)}
HOUR_MS = 3_600_000


@pytest.fixture
def administration(harness: ServiceHarness) -> QueueAdministration:
    return build_queue_administration(harness, LIMITS)


async def add_job(
    harness: ServiceHarness, state: JobState = JobState.DEAD, queue: Queue = Queue.FEED, **more: Any
) -> int:
    """Insert a job whose times are `..._ago_ms` before now, in database time."""
    now_ms = await harness.value(f"SELECT {harness.database.now_ms} AS now_ms")
    ago = {name.removesuffix("_ago_ms"): more.pop(name) for name in list(more) if name.endswith("_ago_ms")}
    row: dict[str, Any] = {
        "id": harness.ids.next(),
        "queue": queue,
        "kind": JobKind.WITHDRAW,
        "payload": orjson.dumps({"follower_id": 1, "followee_id": 2}).decode(),
        "state": state,
        "run_at_ms": now_ms - ago.get("due", 0),
        "created_at_ms": now_ms - ago.get("created", 0),
        "finished_at_ms": now_ms - ago.get("finished", 0)
        if state in (JobState.DEAD, JobState.COMPLETED)
        else None,
        **more,
    }
    return (await JobTable.create(**row)).id


async def status_of(administration: QueueAdministration, queue: Queue = Queue.FEED) -> QueueStatus:
    return next(status for status in await administration.overview() if status.queue == queue)


async def test_overview_counts_jobs_by_state(
    harness: ServiceHarness, administration: QueueAdministration
) -> None:
    for state, times in ((JobState.RUNNING, 2), (JobState.COMPLETED, 3), (JobState.DEAD, 4)):
        for _ in range(times):
            await add_job(harness, state)
    for _ in range(5):
        await add_job(harness, JobState.READY, due_ago_ms=10_000)
    await add_job(harness, JobState.READY, due_ago_ms=-HOUR_MS)
    await add_job(harness, JobState.READY, Queue.NOTIFICATIONS)
    status = await status_of(administration)
    counts = (status.waiting, status.delayed, status.running, status.completed, status.failed)
    assert counts == (5, 1, 2, 3, 4)
    assert 10 <= status.oldest_waiting_s < 60
    assert status.rate_per_s == 100.0
    assert [each.queue for each in await administration.overview()] == list(Queue)
    assert status.size.jobs == {"waiting": 5, "delayed": 1, "running": 2, "completed": 3, "dead": 4}


async def test_empty_queues_have_zero_counts(administration: QueueAdministration) -> None:
    for status in await administration.overview():
        assert (status.waiting, status.oldest_waiting_s, status.completed_per_minute, status.failed) == (
            0,
            0,
            0,
            0,
        )


async def test_delayed_jobs_do_not_count_as_waiting(
    harness: ServiceHarness, administration: QueueAdministration
) -> None:
    await add_job(harness, JobState.READY, due_ago_ms=-HOUR_MS)
    assert (await status_of(administration)).oldest_waiting_s == 0


async def test_rates_cover_the_last_minute(
    harness: ServiceHarness, administration: QueueAdministration
) -> None:
    for _ in range(3):
        await add_job(harness, JobState.COMPLETED, finished_ago_ms=30_000)
        await add_job(harness, JobState.DEAD, finished_ago_ms=30_000)
        await add_job(harness, JobState.COMPLETED, finished_ago_ms=HOUR_MS)
    status = await status_of(administration)
    assert status.completed_per_minute == 3
    assert status.failed_per_minute == 3


async def test_rate_is_extrapolated_when_old_rows_are_pruned(
    harness: ServiceHarness,
) -> None:
    administration = build_queue_administration(harness, {Queue.FEED: QueueLimits(keep_completed=10)})
    for number in range(10):
        await add_job(harness, JobState.COMPLETED, finished_ago_ms=number * 1000 + 1000)
    rate = (await status_of(administration)).completed_per_minute
    assert 30 <= rate <= 60  # 10 in the last 10 seconds, and a while for this test to ask


async def test_failed_jobs_are_listed_newest_first_with_history(
    harness: ServiceHarness, administration: QueueAdministration
) -> None:
    history = [{"attempt": 1, "atMs": 5, "error": "first"}, {"attempt": 2, "atMs": 6, "error": "last"}]
    older = await add_job(harness)
    newer = await add_job(harness, attempts=2, crash_count=1, history=orjson.dumps(history).decode())
    await add_job(harness, JobState.COMPLETED)
    await add_job(harness, queue=Queue.NOTIFICATIONS)
    page = await administration.failed(Queue.FEED, PageRequest())
    assert [job.id for job in page.items] == [newer, older]
    job = page.items[0]
    assert (job.kind, job.attempts, job.crash_count, job.error) == (
        JobKind.WITHDRAW,
        2,
        1,
        "last",
    )
    assert job.payload == {"follower_id": 1, "followee_id": 2}
    assert list(job.history) == [FailedAttempt(1, 5, "first"), FailedAttempt(2, 6, "last")]
    assert job.failed_at_ms >= job.created_at_ms
    assert page.items[1].error == ""


async def test_failed_jobs_are_paginated(
    harness: ServiceHarness, administration: QueueAdministration
) -> None:
    ids = [await add_job(harness) for _ in range(5)]
    seen: list[int] = []
    request = PageRequest(limit=2)
    while True:
        page = await administration.failed(Queue.FEED, request)
        seen += [job.id for job in page.items]
        if page.next_cursor is None:
            break
        request = PageRequest(2, decode_cursor(page.next_cursor))
    assert seen == ids[::-1]


async def test_retried_job_has_all_attempts_and_keeps_its_history(
    harness: ServiceHarness, administration: QueueAdministration
) -> None:
    post_id = await harness.post(await harness.user())
    claim = await harness.claim(JobKind.FAN_OUT)
    for attempt in range(3):
        await harness.jobs.fail(claim, f"error {attempt}")
        await harness.make_due()
        claim = await harness.jobs.claim(claim.id) or claim
    assert (await harness.job(claim.id))["state"] == JobState.DEAD
    assert await administration.retry(Queue.FEED, [claim.id]) == 1
    row = await harness.job(claim.id)
    assert (row["state"], row["attempts"], row["crash_count"], row["finished_at_ms"]) == (
        JobState.READY,
        0,
        0,
        None,
    )
    assert [entry["error"] for entry in row["history"]] == ["error 0", "error 1", "error 2"]
    again = await harness.claim(JobKind.FAN_OUT)
    assert (again.attempts, again.payload["post_id"]) == (1, post_id)


async def test_retry_and_discard_affect_only_failed_jobs_of_the_queue(
    harness: ServiceHarness, administration: QueueAdministration
) -> None:
    running = await add_job(harness, JobState.RUNNING)
    elsewhere = await add_job(harness, queue=Queue.NOTIFICATIONS)
    for change in (administration.retry, administration.discard):
        assert await change(Queue.FEED, [running, elsewhere, 1]) == 0
        assert await change(Queue.FEED, []) == 0
        assert await change(Queue.FEED) == 0
    assert (await harness.job(running))["state"] == JobState.RUNNING
    assert (await harness.job(elsewhere))["state"] == JobState.DEAD


async def test_all_failed_jobs_are_retried_in_batches(
    harness: ServiceHarness, administration: QueueAdministration
) -> None:
    rows = [
        JobTable(
            id=harness.ids.next(), queue=Queue.FEED, kind=JobKind.WITHDRAW, payload="{}", state=JobState.DEAD,
            run_at_ms=1, created_at_ms=1, finished_at_ms=1,
        )
        for _ in range(1203)
    ]  # fmt: skip
    await JobTable.bulk_create(rows)
    assert await administration.retry(Queue.FEED) == 1203
    assert (await status_of(administration)).waiting == 1203


async def test_discarded_jobs_are_deleted(
    harness: ServiceHarness, administration: QueueAdministration
) -> None:
    first, second, third = [await add_job(harness) for _ in range(3)]
    assert await administration.discard(Queue.FEED, [second, second]) == 1
    assert [job.id for job in (await administration.failed(Queue.FEED, PageRequest())).items] == [
        third,
        first,
    ]
    assert await administration.discard(Queue.FEED) == 2
    assert await harness.rows("SELECT id FROM jobs") == []


async def test_other_processes_see_pause_and_resume(
    harness: ServiceHarness, administration: QueueAdministration
) -> None:
    other = build_queue_administration(harness, LIMITS)
    assert not await administration.states.is_paused(Queue.FEED)
    await administration.pause(Queue.FEED)
    await administration.pause(Queue.FEED)
    assert await other.states.paused() == {Queue.FEED}
    assert await administration.states.is_paused("feed")
    assert not await administration.states.is_paused("notifications")
    assert (await status_of(other)).paused_at_ms
    await administration.resume(Queue.FEED)
    assert await administration.states.paused() == frozenset()
    await administration.resume(Queue.NOTIFICATIONS)
    assert (await status_of(administration)).paused_at_ms is None


async def test_second_pause_keeps_the_time_of_the_first(
    harness: ServiceHarness, administration: QueueAdministration
) -> None:
    await administration.pause(Queue.FEED)
    await harness.database.execute("UPDATE queues SET paused_at_ms = 7")
    await administration.pause(Queue.FEED)
    assert (await status_of(administration)).paused_at_ms == 7


async def test_pause_survives_flushall(harness: ServiceHarness, administration: QueueAdministration) -> None:
    await administration.pause(Queue.FEED)
    await harness.redis.flushall()
    assert await build_queue_administration(harness, LIMITS).states.is_paused(Queue.FEED)


async def test_paused_queues_are_read_once_per_second(
    harness: ServiceHarness, administration: QueueAdministration, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries = 0
    rows = harness.database.rows

    async def counted(*arguments: Any) -> Any:
        nonlocal queries
        queries += 1
        return await rows(*arguments)

    monkeypatch.setattr(harness.database, "rows", counted)
    await asyncio.gather(*(administration.states.is_paused(Queue.FEED) for _ in range(100)))
    assert queries == 1


async def test_last_known_pause_holds_while_database_is_unavailable(
    harness: ServiceHarness, administration: QueueAdministration, monkeypatch: pytest.MonkeyPatch
) -> None:
    await administration.pause(Queue.FEED)
    assert await administration.states.is_paused(Queue.FEED)

    async def unavailable(*_: Any) -> Any:
        raise Unavailable("The database does not answer.")

    monkeypatch.setattr("server.services.jobs.queue_states.STATES_FRESH_S", 0.0)
    monkeypatch.setattr(harness.database, "rows", unavailable)
    assert await administration.states.is_paused(Queue.FEED)


async def test_simultaneous_readiness_checks_share_a_query(
    harness: ServiceHarness, administration: QueueAdministration, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = [await add_job(harness, JobState.READY) for _ in range(3)]
    dead = await add_job(harness)
    queries = 0
    rows = harness.database.rows

    async def counted(*arguments: Any) -> Any:
        nonlocal queries
        queries += 1
        return await rows(*arguments)

    monkeypatch.setattr(harness.database, "rows", counted)
    answers = await asyncio.gather(*(administration.states.is_ready(job_id) for job_id in [*ready, dead, 7]))
    assert answers == [True, True, True, False, False]
    assert queries <= 2
