"""The counter audit, on both databases."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from server.ids import CommentId
from server.services.jobs.counter_audit import CounterAudit
from server.services.jobs.event_jobs import JobKind
from tests.support.jobs import assert_completed, build_counter_audit, claim_maintenance_job
from tools.harness.services import ServiceHarness

COUNTERS = {
    "posts": ("likes_count", "comments_count"),
    "comments": ("replies_count", "likes_count"),
    "users": ("posts_count", "followers_count", "following_count"),
}


@pytest.fixture
def audit(harness: ServiceHarness) -> CounterAudit:
    return build_counter_audit(harness)


async def add_content(harness: ServiceHarness) -> None:
    """Add posts, comments, replies, likes and follows through the services, so all counters are correct."""
    ana, bob, eve = await harness.users(3)
    for author_id in (ana, ana, bob):
        post_id = await harness.post(author_id)
        await harness.likes.like(eve, post_id)
        comment = await harness.comments.add(eve, post_id, "nice", None)
        await harness.comments.add(author_id, post_id, "thank you", CommentId(comment.id))
        await harness.comment_likes.like(author_id, post_id, comment.id)
    await harness.follows.follow(eve, ana)
    await harness.follows.follow(bob, ana)


async def read_counters(harness: ServiceHarness) -> dict[str, list[dict[str, Any]]]:
    return {
        table: await harness.rows(f"SELECT id, {', '.join(names)} FROM {table} ORDER BY id")
        for table, names in COUNTERS.items()
    }


async def test_correct_counters_are_not_changed(harness: ServiceHarness, audit: CounterAudit) -> None:
    await add_content(harness)
    before = await read_counters(harness)
    claim = await claim_maintenance_job(harness, JobKind.AUDIT_COUNTERS)
    with capture_logs() as lines:
        await audit.audit(claim)
    assert await read_counters(harness) == before
    assert lines == []
    await assert_completed(harness, claim)


async def test_deleted_posts_are_not_audited(harness: ServiceHarness, audit: CounterAudit) -> None:
    await add_content(harness)
    for row in await harness.rows("SELECT id, author_id FROM posts"):
        await harness.posts.delete(row["author_id"], row["id"])
    await harness.database.execute("DELETE FROM likes")
    await harness.database.execute("DELETE FROM comments WHERE parent_id IS NOT NULL")
    with capture_logs() as lines:
        await audit.audit(await claim_maintenance_job(harness, JobKind.AUDIT_COUNTERS))
    assert lines == []
    assert await harness.value("SELECT SUM(posts_count) AS posts FROM users") == 0


async def test_wrong_counters_are_corrected_and_logged(harness: ServiceHarness, audit: CounterAudit) -> None:
    await add_content(harness)
    correct = await read_counters(harness)
    for table, names in COUNTERS.items():
        for name in names:
            await harness.database.execute(f"UPDATE {table} SET {name} = {name} + 5")
    with capture_logs() as lines:
        await audit.audit(await claim_maintenance_job(harness, JobKind.AUDIT_COUNTERS))
    assert await read_counters(harness) == correct
    corrected = [line for line in lines if line["event"] == "counter_corrected"]
    assert {(line["table"], line["counter"]) for line in corrected} == {
        (table, name) for table, names in COUNTERS.items() for name in names
    }
    assert {line["was"] - line["counted"] for line in corrected} == {5}
    assert lines[-1]["event"] == "counters_corrected"
    assert lines[-1]["counters"] == 3 * 2 + 6 * 2 + 3 * 3


async def test_interrupted_audit_resumes_from_its_progress(
    harness: ServiceHarness, audit: CounterAudit
) -> None:
    await add_content(harness)
    await harness.database.execute("UPDATE posts SET likes_count = 9")
    await harness.database.execute("UPDATE users SET posts_count = 9")
    first_user = await harness.value("SELECT MIN(id) AS id FROM users")
    claim = await claim_maintenance_job(harness, JobKind.AUDIT_COUNTERS)
    await harness.jobs.save_progress(claim, {"table": 2, "after": first_user, "corrected": 0})
    await harness.jobs.return_to_queue([claim])
    again = await harness.jobs.claim(claim.id)
    assert again is not None
    await audit.audit(again)
    assert await harness.value("SELECT SUM(likes_count) AS likes FROM posts") == 27
    assert await harness.value("SELECT posts_count FROM users WHERE id = ?", first_user) == 9
    assert await harness.value("SELECT COUNT(*) AS wrong FROM users WHERE posts_count = 9") == 1
