"""Retention jobs, on both databases."""

import pytest
from structlog.testing import capture_logs

from server.models.accounts.email_tokens import EmailTokenPurpose, EmailTokenTable
from server.models.accounts.former_usernames import FormerUsernameTable
from server.models.accounts.sessions import SessionTable
from server.models.accounts.sign_in_challenges import SignInChallengeTable
from server.models.batch_delete import DELETE_BATCH
from server.models.jobs.idempotency_keys import IdempotencyKeyTable
from server.models.jobs.jobs import JobState, JobTable
from server.services.jobs.event_jobs import JobKind, Queue
from server.services.jobs.retention import DAY_MS, FinishedJobsKept, Retention, RetentionPeriods
from tests.support.jobs import assert_completed, build_retention, claim_maintenance_job
from tools.harness.services import ServiceHarness

KEPT = {
    Queue.FEED: FinishedJobsKept(completed=3, failed=2),
    Queue.NOTIFICATIONS: FinishedJobsKept(completed=0),
}


@pytest.fixture
def retention(harness: ServiceHarness) -> Retention:
    return build_retention(harness, KEPT)


async def test_sweep_deletes_only_expired_sessions(harness: ServiceHarness, retention: Retention) -> None:
    user_id, now_ms = await harness.user(), harness.clock.now_ms()
    for expires_at_ms in [*([now_ms - 60_000] * (DELETE_BATCH + 1)), now_ms + 3_600_000]:
        await SessionTable.create(
            id=harness.ids.next(), user_id=user_id, refresh_hash="x", created_at_ms=1, last_used_at_ms=1,
            expires_at_ms=expires_at_ms,
        )  # fmt: skip
    claim = await claim_maintenance_job(harness, JobKind.SWEEP_SESSIONS)
    await retention.sweep_sessions(claim)
    assert await harness.value("SELECT COUNT(*) AS sessions FROM sessions") == 1
    await assert_completed(harness, claim)


async def test_sweep_deletes_only_expired_challenges(harness: ServiceHarness, retention: Retention) -> None:
    user_id, now_ms = await harness.user(), harness.clock.now_ms()
    for number, expires_at_ms in enumerate([now_ms - 60_000, now_ms + 3_600_000]):
        await SignInChallengeTable.create(
            id=harness.ids.next(), user_id=user_id, token_hash=str(number), password_changed_at_ms=1,
            method="password", created_at_ms=1, expires_at_ms=expires_at_ms,
        )  # fmt: skip
    await retention.sweep_sessions(await claim_maintenance_job(harness, JobKind.SWEEP_SESSIONS))
    assert await harness.value("SELECT token_hash FROM sign_in_challenges") == "1"


async def test_sweep_deletes_only_expired_email_tokens(harness: ServiceHarness, retention: Retention) -> None:
    user_id, now_ms = await harness.user(), harness.clock.now_ms()
    for number, expires_at_ms in enumerate([*([now_ms - 60_000] * (DELETE_BATCH + 1)), now_ms + 3_600_000]):
        await EmailTokenTable.create(
            id=harness.ids.next(), user_id=user_id, purpose=EmailTokenPurpose.RESET, token_hash=str(number),
            email="", created_at_ms=1, expires_at_ms=expires_at_ms,
        )  # fmt: skip
    claim = await claim_maintenance_job(harness, JobKind.SWEEP_RESETS)
    await retention.sweep_resets(claim)
    assert await harness.value("SELECT token_hash FROM email_tokens") == str(DELETE_BATCH + 1)
    await assert_completed(harness, claim)


async def test_sweep_deletes_only_old_idempotency_keys(harness: ServiceHarness, retention: Retention) -> None:
    now_ms = harness.clock.now_ms()
    for number, age_ms in enumerate([*([DAY_MS + 60_000] * (DELETE_BATCH + 1)), DAY_MS - 60_000, 0]):
        await IdempotencyKeyTable.create(
            id=harness.ids.next(), key_hash=f"key {number}", fingerprint="x", result_id=1,
            created_at_ms=now_ms - age_ms,
        )  # fmt: skip
    claim = await claim_maintenance_job(harness, JobKind.SWEEP_KEYS)
    await retention.sweep_keys(claim)
    assert await harness.value("SELECT COUNT(*) AS n FROM idempotency_keys") == 2
    await assert_completed(harness, claim)


async def test_pruning_keeps_the_newest_finished_jobs(harness: ServiceHarness, retention: Retention) -> None:
    ids: dict[tuple[Queue, JobState], list[int]] = {}
    for queue in (Queue.FEED, Queue.NOTIFICATIONS):
        for state in JobState:
            for number in range(5):
                job_id = harness.ids.next()
                ids.setdefault((queue, state), []).append(job_id)
                await JobTable.create(
                    id=job_id, queue=queue, kind="any", payload="{}", state=state, run_at_ms=1, created_at_ms=1,
                    finished_at_ms=number,
                )  # fmt: skip
    claim = await claim_maintenance_job(harness, JobKind.RETENTION)
    with capture_logs() as lines:
        await retention.prune_jobs(claim)
    await assert_completed(harness, claim)
    left = {row["id"] for row in await harness.rows("SELECT id FROM jobs")} - {claim.id}
    kept = {
        (Queue.FEED, JobState.COMPLETED): 3,
        (Queue.FEED, JobState.DEAD): 2,
        (Queue.NOTIFICATIONS, JobState.COMPLETED): 0,
    }
    assert left == {
        job_id
        for queue_and_state, all_ids in ids.items()
        for job_id in all_ids[len(all_ids) - kept.get(queue_and_state, 5) :]
    }
    assert [(line["event"], line["jobs"]) for line in lines] == [("failed_jobs_deleted", 3)]


async def test_pruning_deletes_only_expired_reservations(
    harness: ServiceHarness, retention: Retention
) -> None:
    now_ms = harness.clock.now_ms()
    for number, until_ms in enumerate([*([now_ms - 60_000] * (DELETE_BATCH + 1)), now_ms + 3_600_000]):
        await FormerUsernameTable.create(
            id=harness.ids.next(), username_key=f"name{number}", user_id=1, reserved_until_ms=until_ms
        )
    claim = await claim_maintenance_job(harness, JobKind.RETENTION)
    await retention.prune_jobs(claim)
    assert await harness.value("SELECT username_key FROM former_usernames") == f"name{DELETE_BATCH + 1}"
    await assert_completed(harness, claim)


async def test_sweep_deletes_only_old_notifications(harness: ServiceHarness) -> None:
    ada, *fans = await harness.users(4)
    for fan in fans:
        await harness.follows.follow(fan, ada)
    await harness.work_off(JobKind.NOTIFY_FOLLOW)
    for each in await harness.notifications.list_after(ada, 0, 2):
        # An id contains its creation time.
        await harness.database.execute(
            "UPDATE notifications SET id = id - ? WHERE id = ?", [(10 * DAY_MS + 1000) << 12, each.id]
        )
    retention = build_retention(harness, periods=RetentionPeriods(notifications_ms=10 * DAY_MS))
    for _ in range(2):
        claim = await claim_maintenance_job(harness, JobKind.SWEEP_NOTIFICATIONS)
        await retention.sweep_notifications(claim)
        await assert_completed(harness, claim)
        assert [each.sequence for each in await harness.notifications.list_after(ada, 0, 10)] == [3]
