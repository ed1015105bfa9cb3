"""What keeps the house in order, on both databases and a real folder of pictures."""

import os
import time
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from server.gateways.media import MediaStore
from server.ids import CommentId
from server.models.idempotency_keys import IdempotencyKey
from server.models.jobs import Job, JobState
from server.models.password_resets import PasswordReset
from server.models.posts import PostImage
from server.models.sessions import Session
from server.models.users import User
from server.services.jobs import Claim
from server.services.maintenance import BATCH, Kept, Lifetimes, Maintenance
from server.services.reactions import JobKind, Queue
from tests.house import House
from tests.stacks import Stack

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
def maintenance(house: House, media: MediaStore) -> Maintenance:
    return Maintenance(house.database, house.jobs, media, KEPT)


async def claimed(house: House, kind: JobKind) -> Claim:
    job_id = house.ids.next()
    await Job.create(
        id=job_id, queue=Queue.MAINTENANCE, kind=kind, payload="{}", state=JobState.READY, run_at_ms=1,
        created_at_ms=1,
    )  # fmt: skip
    claim = await house.jobs.claim(job_id)  # type: ignore[arg-type]
    assert claim is not None
    return claim


async def assert_completed(house: House, claim: Claim) -> None:
    assert (await house.job(claim.id))["state"] == JobState.COMPLETED


async def test_expired_sessions_go_and_others_stay(house: House, maintenance: Maintenance) -> None:
    user_id, now_ms = await house.user(), house.clock.now_ms()
    for expires_at_ms in [*([now_ms - 60_000] * (BATCH + 1)), now_ms + 3_600_000]:
        await Session.create(
            id=house.ids.next(), user_id=user_id, refresh_hash="x", created_at_ms=1, last_used_at_ms=1,
            expires_at_ms=expires_at_ms,
        )  # fmt: skip
    claim = await claimed(house, JobKind.SWEEP_SESSIONS)
    await maintenance.sweep_sessions(claim)
    assert await house.value("SELECT COUNT(*) AS sessions FROM sessions") == 1
    await assert_completed(house, claim)


async def test_expired_links_to_a_new_password_go_and_others_stay(
    house: House, maintenance: Maintenance
) -> None:
    user_id, now_ms = await house.user(), house.clock.now_ms()
    for number, expires_at_ms in enumerate([*([now_ms - 60_000] * (BATCH + 1)), now_ms + 3_600_000]):
        await PasswordReset.create(
            id=house.ids.next(), user_id=user_id, token_hash=str(number), created_at_ms=1,
            expires_at_ms=expires_at_ms,
        )  # fmt: skip
    claim = await claimed(house, JobKind.SWEEP_RESETS)
    await maintenance.sweep_resets(claim)
    assert await house.value("SELECT token_hash FROM password_resets") == str(BATCH + 1)
    await assert_completed(house, claim)


async def test_old_idempotency_keys_go_and_those_of_the_last_day_stay(
    house: House, maintenance: Maintenance
) -> None:
    now_ms, day_ms = house.clock.now_ms(), 24 * 3_600_000
    for number, age_ms in enumerate([*([day_ms + 60_000] * (BATCH + 1)), day_ms - 60_000, 0]):
        await IdempotencyKey.create(
            id=house.ids.next(), key_hash=f"key {number}", fingerprint="x", result_id=1,
            created_at_ms=now_ms - age_ms,
        )  # fmt: skip
    claim = await claimed(house, JobKind.SWEEP_KEYS)
    await maintenance.sweep_keys(claim)
    assert await house.value("SELECT COUNT(*) AS n FROM idempotency_keys") == 2
    await assert_completed(house, claim)


async def test_the_newest_finished_jobs_are_kept(house: House, maintenance: Maintenance) -> None:
    ids: dict[tuple[Queue, JobState], list[int]] = {}
    for queue in (Queue.FEED, Queue.NOTIFICATIONS):
        for state in JobState:
            for number in range(5):
                job_id = house.ids.next()
                ids.setdefault((queue, state), []).append(job_id)
                await Job.create(
                    id=job_id, queue=queue, kind="any", payload="{}", state=state, run_at_ms=1, created_at_ms=1,
                    finished_at_ms=number,
                )  # fmt: skip
    claim = await claimed(house, JobKind.RETENTION)
    with capture_logs() as lines:
        await maintenance.retain(claim)
    await assert_completed(house, claim)
    left = {row["id"] for row in await house.rows("SELECT id FROM jobs")} - {claim.id}
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


async def busy_house(house: House) -> None:
    """People, posts, comments, replies, likes and follows, with right counters."""
    ana, bob, eve = await house.users(3)
    for author_id in (ana, ana, bob):
        post_id = await house.post(author_id)
        await house.likes.like(eve, post_id)
        comment = await house.comments.add(eve, post_id, "nice", None)
        await house.comments.add(author_id, post_id, "thank you", CommentId(comment.id))
    await house.follows.follow(eve, ana)
    await house.follows.follow(bob, ana)


async def counters(house: House) -> dict[str, list[dict[str, Any]]]:
    return {
        table: await house.rows(f"SELECT id, {', '.join(names)} FROM {table} ORDER BY id")
        for table, names in WRONG.items()
    }


async def test_right_counters_are_left_alone(house: House, maintenance: Maintenance) -> None:
    await busy_house(house)
    before = await counters(house)
    claim = await claimed(house, JobKind.AUDIT_COUNTERS)
    with capture_logs() as lines:
        await maintenance.audit_counters(claim)
    assert await counters(house) == before
    assert lines == []
    await assert_completed(house, claim)


async def test_a_post_that_is_being_taken_apart_is_no_fault(house: House, maintenance: Maintenance) -> None:
    await busy_house(house)
    for row in await house.rows("SELECT id, author_id FROM posts"):
        await house.posts.delete(row["author_id"], row["id"])
    await house.database.execute("DELETE FROM likes")
    await house.database.execute("DELETE FROM comments WHERE parent_id IS NOT NULL")
    with capture_logs() as lines:
        await maintenance.audit_counters(await claimed(house, JobKind.AUDIT_COUNTERS))
    assert lines == []
    assert await house.value("SELECT SUM(posts_count) AS posts FROM users") == 0


async def test_wrong_counters_are_mended_and_logged(house: House, maintenance: Maintenance) -> None:
    await busy_house(house)
    right = await counters(house)
    for table, names in WRONG.items():
        for name in names:
            await house.database.execute(f"UPDATE {table} SET {name} = {name} + 5")
    with capture_logs() as lines:
        await maintenance.audit_counters(await claimed(house, JobKind.AUDIT_COUNTERS))
    assert await counters(house) == right
    mended = [line for line in lines if line["event"] == "counter_mended"]
    assert {(line["table"], line["counter"]) for line in mended} == {
        (table, name) for table, names in WRONG.items() for name in names
    }
    assert {line["was"] - line["counted"] for line in mended} == {5}
    assert lines[-1]["event"] == "counters_mended"
    assert lines[-1]["counters"] == 3 * 2 + 6 + 3 * 3


async def test_an_interrupted_audit_goes_on_where_it_was(house: House, maintenance: Maintenance) -> None:
    await busy_house(house)
    await house.database.execute("UPDATE posts SET likes_count = 9")
    await house.database.execute("UPDATE users SET posts_count = 9")
    first_user = await house.value("SELECT MIN(id) AS id FROM users")
    claim = await claimed(house, JobKind.AUDIT_COUNTERS)
    await house.jobs.save_progress(claim, {"table": 2, "after": first_user, "mended": 0})
    await house.jobs.hand_back([claim])
    again = await house.jobs.claim(claim.id)
    assert again is not None
    await maintenance.audit_counters(again)
    assert await house.value("SELECT SUM(likes_count) AS likes FROM posts") == 27
    assert await house.value("SELECT posts_count FROM users WHERE id = ?", first_user) == 9
    assert await house.value("SELECT COUNT(*) AS wrong FROM users WHERE posts_count = 9") == 1


async def test_old_pictures_without_a_row_go(
    house: House, maintenance: Maintenance, media: MediaStore, stack: Stack
) -> None:
    ana = await house.user()
    post_id = await house.post(ana)
    await PostImage.create(
        id=house.ids.next(), post_id=post_id, position=0, media_key="posts/used", width=1, height=1,
        blurhash="", variants="[]",
    )  # fmt: skip
    await User.filter(id=ana).update(avatar_key="avatars/used")
    old = ["posts/used/large.jpg", "posts/lost/large.jpg", "posts/lost/small.jpg", "avatars/used/small.jpg",
           "avatars/lost/small.jpg", "elsewhere/lost/small.jpg"]  # fmt: skip
    for key in [*old, "posts/young/large.jpg"]:
        await media.put(key, PICTURE)
    for key in old:
        _age(stack.var_dir / "media" / key)
    unfinished = stack.var_dir / "media" / "posts" / "used" / "medium.jpg#7"
    unfinished.write_bytes(PICTURE)
    _age(unfinished)

    claim = await claimed(house, JobKind.SWEEP_MEDIA)
    await maintenance.sweep_media(claim)
    await assert_completed(house, claim)
    left = sorted([entry.key async for entry in media.list()])
    assert left == [
        "avatars/used/small.jpg",
        "elsewhere/lost/small.jpg",
        "posts/used/large.jpg",
        "posts/young/large.jpg",
    ]
    assert not unfinished.exists()


async def test_a_store_without_pictures_is_in_order(house: House, maintenance: Maintenance) -> None:
    claim = await claimed(house, JobKind.SWEEP_MEDIA)
    await maintenance.sweep_media(claim)
    await assert_completed(house, claim)


def _age(file: Path) -> None:
    two_hours_ago = time.time() - 7200
    os.utime(file, (two_hours_ago, two_hours_ago))


async def test_what_people_were_told_long_ago_goes(house: House, media: MediaStore) -> None:
    ada, *fans = await house.users(4)
    for fan in fans:
        await house.follows.follow(fan, ada)
    await house.work_off(JobKind.NOTIFY_FOLLOW)
    old = await house.notifications.since(ada, 0, 2)
    for each in old:
        # The id tells when it was made.
        await house.database.execute(
            "UPDATE notifications SET id = id - ? WHERE id = ?", [(10 * DAY_MS + 1000) << 12, each.id]
        )
    maintenance = Maintenance(
        house.database, house.jobs, media, KEPT, Lifetimes(notifications_ms=10 * DAY_MS)
    )
    for _ in range(2):
        claim = await claimed(house, JobKind.SWEEP_NOTIFICATIONS)
        await maintenance.sweep_notifications(claim)
        await assert_completed(house, claim)
        assert [each.sequence for each in await house.notifications.since(ada, 0, 10)] == [3]
