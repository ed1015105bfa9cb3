"""Deletion jobs: nothing remains, even after interruptions and repetitions."""

from pathlib import Path
from typing import Any

import pytest

from server.errors import Unavailable
from server.ids import CommentId, PostId, UserId
from server.services.content.posts import Upload
from server.services.jobs.claims import Claim, LeaseLost
from server.services.jobs.event_jobs import JobKind
from tests.support.inputs import photos
from tools.harness.services import REMOVAL_BATCH, ServiceHarness

TABLES = ("posts", "post_images", "likes", "comments")


async def publish(harness: ServiceHarness, author_id: UserId) -> PostId:
    photo = harness.folder / "photo"
    photo.write_bytes(photos.small())
    return (await harness.posts.publish(author_id, "", [Upload(photo), Upload(photo)])).id


async def busy_post(harness: ServiceHarness) -> PostId:
    """Return a post with more likes, comments and replies than one batch deletes."""
    people = await harness.users(2 * REMOVAL_BATCH + 1)
    post_id = await publish(harness, people[0])
    for person in people:
        await harness.likes.like(person, post_id)
        comment = await harness.comments.add(person, post_id, "Nice", None)
        for fan in people:
            await harness.comment_likes.like(fan, post_id, comment.id)
        await harness.comments.add(person, post_id, "Very", CommentId(comment.id))
    await harness.posts.delete(people[0], post_id)
    return post_id


async def remaining_rows(harness: ServiceHarness, post_id: PostId) -> dict[str, int]:
    """Return how many rows of each table belong to a post."""
    columns = {table: "id" if table == "posts" else "post_id" for table in TABLES}
    return {
        table: await harness.value(f"SELECT COUNT(*) AS n FROM {table} WHERE {column} = ?", post_id)
        for table, column in columns.items()
    }


async def pictures(harness: ServiceHarness) -> list[str]:
    return [entry.key async for entry in harness.media.list()]


async def reclaim(harness: ServiceHarness, claim: Claim) -> Claim:
    """Claim the job again, as after a lost worker."""
    await harness.jobs.return_to_queue([claim])
    found = await harness.jobs.claim(claim.id)
    assert found is not None
    return found


async def test_nothing_remains_of_a_deleted_post(harness: ServiceHarness) -> None:
    ana = await harness.user()
    kept = await publish(harness, ana)
    await harness.likes.like(ana, kept)
    before = await remaining_rows(harness, kept), sorted(await pictures(harness))
    post_id = await busy_post(harness)
    assert len(await pictures(harness)) == 8

    assert await harness.work_off(JobKind.REMOVE_POST) == 1
    assert set((await remaining_rows(harness, post_id)).values()) == {0}
    assert await harness.value("SELECT COUNT(*) AS n FROM comment_likes") == 0
    assert (await remaining_rows(harness, kept), sorted(await pictures(harness))) == before


async def test_shared_picture_is_deleted_with_its_last_post(harness: ServiceHarness) -> None:
    ana = await harness.user()
    first, second = await publish(harness, ana), await publish(harness, ana)
    (shared,) = await harness.rows(
        "SELECT media_key FROM post_images WHERE post_id = ? AND position = 0", first
    )
    await harness.database.execute(
        "UPDATE post_images SET media_key = ? WHERE post_id = ? AND position = 0",
        [shared["media_key"], second],
    )
    await harness.posts.delete(ana, first)
    await harness.work_off(JobKind.REMOVE_POST)
    assert f"{shared['media_key']}/large.jpg" in await pictures(harness)
    await harness.posts.delete(ana, second)
    await harness.work_off(JobKind.REMOVE_POST)
    assert f"{shared['media_key']}/large.jpg" not in await pictures(harness)


async def test_interrupted_deletion_resumes_and_is_idempotent(
    harness: ServiceHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    post_id = await busy_post(harness)
    claim = await harness.claim(JobKind.REMOVE_POST)
    executed, allowed = harness.database.execute, 0

    async def limited(sql: str, parameters: Any = ()) -> int:
        nonlocal allowed
        if sql.startswith("DELETE"):
            allowed -= 1
            if allowed < 0:
                raise Unavailable("interrupted")
        return await executed(sql, parameters)

    monkeypatch.setattr(harness.database, "execute", limited)
    interruptions = 0
    while True:
        allowed = 1 + interruptions % 3
        try:
            await harness.deletions.remove_post(claim)
            break
        except Unavailable:
            interruptions += 1
            claim = await reclaim(harness, claim)
    assert interruptions >= 4
    monkeypatch.undo()
    assert set((await remaining_rows(harness, post_id)).values()) == {0}
    assert await pictures(harness) == []
    assert (await harness.job(claim.id))["state"] == "completed"
    await harness.database.execute("UPDATE jobs SET state = 'ready' WHERE id = ?", [claim.id])
    assert await harness.work_off(JobKind.REMOVE_POST) == 1


async def test_unavailable_media_store_keeps_the_post_row(
    harness: ServiceHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unavailable(_: object) -> None:
        raise Unavailable("unavailable")

    post_id = await busy_post(harness)
    claim = await harness.claim(JobKind.REMOVE_POST)
    monkeypatch.setattr(harness.media, "delete", unavailable)
    with pytest.raises(Unavailable):
        await harness.deletions.remove_post(claim)
    assert (await remaining_rows(harness, post_id))["post_images"] == 2
    monkeypatch.undo()
    await harness.deletions.remove_post(await reclaim(harness, claim))
    assert await pictures(harness) == []


async def test_job_that_lost_its_lease_stops_after_one_batch(harness: ServiceHarness) -> None:
    post_id = await busy_post(harness)
    claim = await harness.claim(JobKind.REMOVE_POST)
    await reclaim(harness, claim)
    with pytest.raises(LeaseLost):
        await harness.deletions.remove_post(claim)
    assert (await remaining_rows(harness, post_id))["likes"] == REMOVAL_BATCH + 1


async def test_post_that_is_not_deleted_is_kept(harness: ServiceHarness) -> None:
    post_id = await busy_post(harness)
    await harness.database.execute("UPDATE posts SET deleted_at_ms = NULL WHERE id = ?", [post_id])
    before = await remaining_rows(harness, post_id)
    assert await harness.work_off(JobKind.REMOVE_POST) == 1
    assert await remaining_rows(harness, post_id) == before


async def test_replaced_avatar_is_deleted(harness: ServiceHarness, tmp_path: Path) -> None:
    ana = await harness.user()
    (tmp_path / "me").write_bytes(photos.small())
    first = await harness.profiles.change_avatar(ana, tmp_path / "me")
    assert await harness.due(JobKind.REMOVE_AVATAR) == []
    second = await harness.profiles.change_avatar(ana, tmp_path / "me")
    assert first.avatar_url != second.avatar_url
    assert len(await pictures(harness)) == 2

    assert await harness.work_off(JobKind.REMOVE_AVATAR) == 1
    key = await harness.value("SELECT avatar_key FROM users WHERE id = ?", ana)
    assert await pictures(harness) == [f"{key}/large.jpg"]
    assert second.avatar_url == f"https://media.test/{key}/large.jpg"
    assert await harness.value("SELECT revision FROM users WHERE id = ?", ana) == 2


async def test_avatar_in_use_is_kept(harness: ServiceHarness, tmp_path: Path) -> None:
    ana = await harness.user()
    (tmp_path / "me").write_bytes(photos.small())
    for _ in range(2):
        await harness.profiles.change_avatar(ana, tmp_path / "me")
    claim = await harness.claim(JobKind.REMOVE_AVATAR)
    await harness.database.execute(
        "UPDATE users SET avatar_key = ? WHERE id = ?", [claim.payload["media_key"], ana]
    )
    await harness.deletions.remove_avatar(claim)
    assert len(await pictures(harness)) == 2
