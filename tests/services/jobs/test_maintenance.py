"""What keeps the harness in order, on both databases and a real folder of pictures."""

import os
import time
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from server.gateways.media import MediaStore
from server.ids import CommentId
from server.models.accounts.password_resets import PasswordResetTable
from server.models.accounts.sessions import SessionTable
from server.models.accounts.users import UserTable
from server.models.content.post_images import PostImageTable
from server.models.jobs.idempotency_keys import IdempotencyKeyTable
from server.models.jobs.jobs import JobState, JobTable
from server.services.jobs.event_jobs import JobKind, Queue
from server.services.jobs.jobs import Claim
from server.services.jobs.maintenance import BATCH, Kept, Lifetimes, Maintenance
from tests.support.backends import Stack
from tests.support.harness import ServiceHarness

PICTURE = b"a picture"
DAY_MS = 86_400_000
KEPT = {Queue.FEED: Kept(completed=3, failed=2), Queue.NOTIFICATIONS: Kept(completed=0)}
WRONG = {
    "posts": ("likes_count", "comments_count"),
    "comments": ("replies_count",),
    "users": ("posts_count", "followers_count", "following_count"),
}


@pytest.fixture
def media(stack: Stack) -> MediaStore:
    return MediaStore.in_folder(stack.var_dir / "media", public_url="https://media.test")


@pytest.fixture
def maintenance(harness: ServiceHarness, media: MediaStore) -> Maintenance:
    return Maintenance(harness.database, harness.jobs, media, KEPT)


async def claimed(harness: ServiceHarness, kind: JobKind) -> Claim:
    job_id = harness.ids.next()
    await JobTable.create(
        id=job_id, queue=Queue.MAINTENANCE, kind=kind, payload="{}", state=JobState.READY, run_at_ms=1,
        created_at_ms=1,
    )  # fmt: skip
    claim = await harness.jobs.claim(job_id)  # type: ignore[arg-type]
    assert claim is not None
    return claim


async def assert_completed(harness: ServiceHarness, claim: Claim) -> None:
    assert (await harness.job(claim.id))["state"] == JobState.COMPLETED


async def test_expired_sessions_go_and_others_stay(harness: ServiceHarness, maintenance: Maintenance) -> None:
    user_id, now_ms = await harness.user(), harness.clock.now_ms()
    for expires_at_ms in [*([now_ms - 60_000] * (BATCH + 1)), now_ms + 3_600_000]:
        await SessionTable.create(
            id=harness.ids.next(), user_id=user_id, refresh_hash="x", created_at_ms=1, last_used_at_ms=1,
            expires_at_ms=expires_at_ms,
        )  # fmt: skip
    claim = await claimed(harness, JobKind.SWEEP_SESSIONS)
    await maintenance.sweep_sessions(claim)
    assert await harness.value("SELECT COUNT(*) AS sessions FROM sessions") == 1
    await assert_completed(harness, claim)


async def test_expired_links_to_a_new_password_go_and_others_stay(
    harness: ServiceHarness, maintenance: Maintenance
) -> None:
    user_id, now_ms = await harness.user(), harness.clock.now_ms()
    for number, expires_at_ms in enumerate([*([now_ms - 60_000] * (BATCH + 1)), now_ms + 3_600_000]):
        await PasswordResetTable.create(
            id=harness.ids.next(), user_id=user_id, token_hash=str(number), created_at_ms=1,
            expires_at_ms=expires_at_ms,
        )  # fmt: skip
    claim = await claimed(harness, JobKind.SWEEP_RESETS)
    await maintenance.sweep_resets(claim)
    assert await harness.value("SELECT token_hash FROM password_resets") == str(BATCH + 1)
    await assert_completed(harness, claim)


async def test_old_idempotency_keys_go_and_those_of_the_last_day_stay(
    harness: ServiceHarness, maintenance: Maintenance
) -> None:
    now_ms, day_ms = harness.clock.now_ms(), 24 * 3_600_000
    for number, age_ms in enumerate([*([day_ms + 60_000] * (BATCH + 1)), day_ms - 60_000, 0]):
        await IdempotencyKeyTable.create(
            id=harness.ids.next(), key_hash=f"key {number}", fingerprint="x", result_id=1,
            created_at_ms=now_ms - age_ms,
        )  # fmt: skip
    claim = await claimed(harness, JobKind.SWEEP_KEYS)
    await maintenance.sweep_keys(claim)
    assert await harness.value("SELECT COUNT(*) AS n FROM idempotency_keys") == 2
    await assert_completed(harness, claim)


async def test_the_newest_finished_jobs_are_kept(harness: ServiceHarness, maintenance: Maintenance) -> None:
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
    claim = await claimed(harness, JobKind.RETENTION)
    with capture_logs() as lines:
        await maintenance.retain(claim)
    await assert_completed(harness, claim)
    left = {row["id"] for row in await harness.rows("SELECT id FROM jobs")} - {claim.id}
    kept = {JobState.READY: 5, JobState.RUNNING: 5}
    wanted = {(Queue.FEED, JobState.COMPLETED): 3, (Queue.FEED, JobState.DEAD): 2}
    wanted |= {(Queue.NOTIFICATIONS, JobState.COMPLETED): 0, (Queue.NOTIFICATIONS, JobState.DEAD): 5}
    expected = {
        job_id
        for (queue, state), all_ids in ids.items()
        for job_id in all_ids[len(all_ids) - wanted.get((queue, state), kept.get(state, 0)) :]
    }
    assert left == expected
    assert [(line["event"], line["jobs"]) for line in lines] == [("dead_letters_deleted", 3)]


async def busy_house(harness: ServiceHarness) -> None:
    """People, posts, comments, replies, likes and follows, with right counters."""
    ana, bob, eve = await harness.users(3)
    for author_id in (ana, ana, bob):
        post_id = await harness.post(author_id)
        await harness.likes.like(eve, post_id)
        comment = await harness.comments.add(eve, post_id, "nice", None)
        await harness.comments.add(author_id, post_id, "thank you", CommentId(comment.id))
    await harness.follows.follow(eve, ana)
    await harness.follows.follow(bob, ana)


async def counters(harness: ServiceHarness) -> dict[str, list[dict[str, Any]]]:
    return {
        table: await harness.rows(f"SELECT id, {', '.join(names)} FROM {table} ORDER BY id")
        for table, names in WRONG.items()
    }


async def test_right_counters_are_left_alone(harness: ServiceHarness, maintenance: Maintenance) -> None:
    await busy_house(harness)
    before = await counters(harness)
    claim = await claimed(harness, JobKind.AUDIT_COUNTERS)
    with capture_logs() as lines:
        await maintenance.audit_counters(claim)
    assert await counters(harness) == before
    assert lines == []
    await assert_completed(harness, claim)


async def test_a_post_that_is_being_taken_apart_is_no_fault(
    harness: ServiceHarness, maintenance: Maintenance
) -> None:
    await busy_house(harness)
    for row in await harness.rows("SELECT id, author_id FROM posts"):
        await harness.posts.delete(row["author_id"], row["id"])
    await harness.database.execute("DELETE FROM likes")
    await harness.database.execute("DELETE FROM comments WHERE parent_id IS NOT NULL")
    with capture_logs() as lines:
        await maintenance.audit_counters(await claimed(harness, JobKind.AUDIT_COUNTERS))
    assert lines == []
    assert await harness.value("SELECT SUM(posts_count) AS posts FROM users") == 0


async def test_wrong_counters_are_mended_and_logged(
    harness: ServiceHarness, maintenance: Maintenance
) -> None:
    await busy_house(harness)
    right = await counters(harness)
    for table, names in WRONG.items():
        for name in names:
            await harness.database.execute(f"UPDATE {table} SET {name} = {name} + 5")
    with capture_logs() as lines:
        await maintenance.audit_counters(await claimed(harness, JobKind.AUDIT_COUNTERS))
    assert await counters(harness) == right
    mended = [line for line in lines if line["event"] == "counter_mended"]
    assert {(line["table"], line["counter"]) for line in mended} == {
        (table, name) for table, names in WRONG.items() for name in names
    }
    assert {line["was"] - line["counted"] for line in mended} == {5}
    assert lines[-1]["event"] == "counters_mended"
    assert lines[-1]["counters"] == 3 * 2 + 6 + 3 * 3


async def test_an_interrupted_audit_goes_on_where_it_was(
    harness: ServiceHarness, maintenance: Maintenance
) -> None:
    await busy_house(harness)
    await harness.database.execute("UPDATE posts SET likes_count = 9")
    await harness.database.execute("UPDATE users SET posts_count = 9")
    first_user = await harness.value("SELECT MIN(id) AS id FROM users")
    claim = await claimed(harness, JobKind.AUDIT_COUNTERS)
    await harness.jobs.save_progress(claim, {"table": 2, "after": first_user, "mended": 0})
    await harness.jobs.hand_back([claim])
    again = await harness.jobs.claim(claim.id)
    assert again is not None
    await maintenance.audit_counters(again)
    assert await harness.value("SELECT SUM(likes_count) AS likes FROM posts") == 27
    assert await harness.value("SELECT posts_count FROM users WHERE id = ?", first_user) == 9
    assert await harness.value("SELECT COUNT(*) AS wrong FROM users WHERE posts_count = 9") == 1


async def test_old_pictures_without_a_row_go(
    harness: ServiceHarness, maintenance: Maintenance, media: MediaStore, stack: Stack
) -> None:
    ana = await harness.user()
    post_id = await harness.post(ana)
    await PostImageTable.create(
        id=harness.ids.next(), post_id=post_id, position=0, media_key="posts/used", width=1, height=1,
        blurhash="", variants="[]",
    )  # fmt: skip
    await UserTable.filter(id=ana).update(avatar_key="avatars/used")
    old = ["posts/used/large.jpg", "posts/lost/large.jpg", "posts/lost/small.jpg", "avatars/used/small.jpg",
           "avatars/lost/small.jpg", "elsewhere/lost/small.jpg"]  # fmt: skip
    for key in [*old, "posts/young/large.jpg"]:
        await media.put(key, PICTURE)
    for key in old:
        _age(stack.var_dir / "media" / key)
    unfinished = stack.var_dir / "media" / "posts" / "used" / "medium.jpg#7"
    unfinished.write_bytes(PICTURE)
    _age(unfinished)

    claim = await claimed(harness, JobKind.SWEEP_MEDIA)
    await maintenance.sweep_media(claim)
    await assert_completed(harness, claim)
    left = sorted([entry.key async for entry in media.list()])
    assert left == [
        "avatars/used/small.jpg",
        "elsewhere/lost/small.jpg",
        "posts/used/large.jpg",
        "posts/young/large.jpg",
    ]
    assert not unfinished.exists()


async def test_a_store_without_pictures_is_in_order(
    harness: ServiceHarness, maintenance: Maintenance
) -> None:
    claim = await claimed(harness, JobKind.SWEEP_MEDIA)
    await maintenance.sweep_media(claim)
    await assert_completed(harness, claim)


def _age(file: Path) -> None:
    two_hours_ago = time.time() - 7200
    os.utime(file, (two_hours_ago, two_hours_ago))


async def test_what_people_were_told_long_ago_goes(harness: ServiceHarness, media: MediaStore) -> None:
    ada, *fans = await harness.users(4)
    for fan in fans:
        await harness.follows.follow(fan, ada)
    await harness.work_off(JobKind.NOTIFY_FOLLOW)
    old = await harness.notifications.list_after(ada, 0, 2)
    for each in old:
        # The id tells when it was made.
        await harness.database.execute(
            "UPDATE notifications SET id = id - ? WHERE id = ?", [(10 * DAY_MS + 1000) << 12, each.id]
        )
    maintenance = Maintenance(
        harness.database, harness.jobs, media, KEPT, Lifetimes(notifications_ms=10 * DAY_MS)
    )
    for _ in range(2):
        claim = await claimed(harness, JobKind.SWEEP_NOTIFICATIONS)
        await maintenance.sweep_notifications(claim)
        await assert_completed(harness, claim)
        assert [each.sequence for each in await harness.notifications.list_after(ada, 0, 10)] == [3]
