"""Removals: of what was deleted nothing is left, however often the work is cut off or done again."""

from pathlib import Path
from typing import Any

import pytest

from server.errors import Unavailable
from server.ids import CommentId, PostId, UserId
from server.services.jobs import Claim, LeaseLost
from server.services.posts import Upload
from server.services.reactions import JobKind
from tests.house import REMOVAL_BATCH, House
from tests.journeys import photos

TABLES = ("posts", "post_images", "likes", "comments")


async def published(house: House, author_id: UserId) -> PostId:
    photo = house.folder / "photo"
    photo.write_bytes(photos.small())
    return (await house.posts.publish(author_id, "", [Upload(photo), Upload(photo)])).id


async def busy_post(house: House) -> PostId:
    """A post with more likes, comments and replies than one piece of the removal holds."""
    people = await house.users(2 * REMOVAL_BATCH + 1)
    post_id = await published(house, people[0])
    for person in people:
        await house.likes.like(person, post_id)
        comment = await house.comments.add(person, post_id, "Nice", None)
        await house.comments.add(person, post_id, "Very", CommentId(comment.id))
    await house.posts.delete(people[0], post_id)
    return post_id


async def left_of(house: House, post_id: PostId) -> dict[str, int]:
    """How many rows of each table belong to a post."""
    columns = {table: "id" if table == "posts" else "post_id" for table in TABLES}
    return {
        table: await house.value(f"SELECT COUNT(*) AS n FROM {table} WHERE {column} = ?", post_id)
        for table, column in columns.items()
    }


async def pictures(house: House) -> list[str]:
    return [entry.key async for entry in house.media.list()]


async def again(house: House, claim: Claim) -> Claim:
    """The job of `claim`, whose worker was lost."""
    await house.jobs.hand_back([claim])
    found = await house.jobs.claim(claim.id)
    assert found is not None
    return found


async def test_nothing_is_left_of_a_deleted_post(house: House) -> None:
    ana = await house.user()
    kept = await published(house, ana)
    await house.likes.like(ana, kept)
    before = await left_of(house, kept), sorted(await pictures(house))
    post_id = await busy_post(house)
    assert len(await pictures(house)) == 12

    assert await house.work_off(JobKind.REMOVE_POST) == 1
    assert set((await left_of(house, post_id)).values()) == {0}
    assert (await left_of(house, kept), sorted(await pictures(house))) == before


async def test_a_picture_that_two_posts_show_goes_with_the_second(house: House) -> None:
    ana = await house.user()
    first, second = await published(house, ana), await published(house, ana)
    (shared,) = await house.rows(
        "SELECT media_key FROM post_images WHERE post_id = ? AND position = 0", first
    )
    await house.database.execute(
        "UPDATE post_images SET media_key = ? WHERE post_id = ? AND position = 0",
        [shared["media_key"], second],
    )
    await house.posts.delete(ana, first)
    await house.work_off(JobKind.REMOVE_POST)
    assert f"{shared['media_key']}/large.jpg" in await pictures(house)
    await house.posts.delete(ana, second)
    await house.work_off(JobKind.REMOVE_POST)
    assert f"{shared['media_key']}/large.jpg" not in await pictures(house)


async def test_a_removal_cut_off_anywhere_goes_on_and_twice_is_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    post_id = await busy_post(house)
    claim = await house.claim(JobKind.REMOVE_POST)
    executed, allowed = house.database.execute, 0

    async def some(sql: str, parameters: Any = ()) -> int:
        nonlocal allowed
        if sql.startswith("DELETE"):
            allowed -= 1
            if allowed < 0:
                raise Unavailable("cut off")
        return await executed(sql, parameters)

    monkeypatch.setattr(house.database, "execute", some)
    cut_off = 0
    while True:
        allowed = 1 + cut_off % 3
        try:
            await house.removals.remove_post(claim)
            break
        except Unavailable:
            cut_off += 1
            claim = await again(house, claim)
    assert cut_off >= 4
    monkeypatch.undo()
    assert set((await left_of(house, post_id)).values()) == {0}
    assert await pictures(house) == []
    assert (await house.job(claim.id))["state"] == "completed"
    await house.database.execute("UPDATE jobs SET state = 'ready' WHERE id = ?", [claim.id])
    assert await house.work_off(JobKind.REMOVE_POST) == 1


async def test_a_media_store_that_is_away_leaves_the_row_to_find_its_pictures_by(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_: object) -> None:
        raise Unavailable("away")

    post_id = await busy_post(house)
    claim = await house.claim(JobKind.REMOVE_POST)
    monkeypatch.setattr(house.media, "delete", away)
    with pytest.raises(Unavailable):
        await house.removals.remove_post(claim)
    assert (await left_of(house, post_id))["post_images"] == 2
    monkeypatch.undo()
    await house.removals.remove_post(await again(house, claim))
    assert await pictures(house) == []


async def test_a_job_that_was_taken_over_stops_after_its_piece(house: House) -> None:
    post_id = await busy_post(house)
    claim = await house.claim(JobKind.REMOVE_POST)
    await again(house, claim)
    with pytest.raises(LeaseLost):
        await house.removals.remove_post(claim)
    assert (await left_of(house, post_id))["likes"] == REMOVAL_BATCH + 1


async def test_a_post_that_is_not_deleted_is_left_alone(house: House) -> None:
    post_id = await busy_post(house)
    await house.database.execute("UPDATE posts SET deleted_at_ms = NULL WHERE id = ?", [post_id])
    before = await left_of(house, post_id)
    assert await house.work_off(JobKind.REMOVE_POST) == 1
    assert await left_of(house, post_id) == before


async def test_an_avatar_goes_when_another_takes_its_place(house: House, tmp_path: Path) -> None:
    ana = await house.user()
    (tmp_path / "me").write_bytes(photos.small())
    first = await house.profiles.change_avatar(ana, tmp_path / "me")
    assert await house.due(JobKind.REMOVE_AVATAR) == []
    second = await house.profiles.change_avatar(ana, tmp_path / "me")
    assert first.avatar_url != second.avatar_url
    assert len(await pictures(house)) == 4

    assert await house.work_off(JobKind.REMOVE_AVATAR) == 1
    key = await house.value("SELECT avatar_key FROM users WHERE id = ?", ana)
    assert sorted(await pictures(house)) == [f"{key}/large.jpg", f"{key}/small.jpg"]
    assert second.avatar_url == f"https://media.test/{key}/large.jpg"
    assert await house.value("SELECT revision FROM users WHERE id = ?", ana) == 2


async def test_an_avatar_that_somebody_has_is_left_alone(house: House, tmp_path: Path) -> None:
    ana = await house.user()
    (tmp_path / "me").write_bytes(photos.small())
    for _ in range(2):
        await house.profiles.change_avatar(ana, tmp_path / "me")
    claim = await house.claim(JobKind.REMOVE_AVATAR)
    await house.database.execute(
        "UPDATE users SET avatar_key = ? WHERE id = ?", [claim.payload["media_key"], ana]
    )
    await house.removals.remove_avatar(claim)
    assert len(await pictures(house)) == 4
