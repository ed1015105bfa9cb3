"""Posts: publishing, editing by the author, and immediate deletion."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from server.errors import AppError, Conflict, Forbidden, InvalidInput, NotFound, UnsupportedMedia
from server.ids import CommentId, PostId, UserId
from server.paging import PageRequest
from server.services.content.pictures import Upload
from server.services.jobs.event_jobs import JobKind
from tests.support.inputs import photos
from tools.harness.services import ServiceHarness


@pytest.fixture
def photo(harness: ServiceHarness) -> Path:
    file = harness.folder / "photo"
    file.write_bytes(photos.small())
    return file


async def revision(harness: ServiceHarness, post_id: PostId) -> int:
    return await harness.value("SELECT revision FROM posts WHERE id = ?", post_id)


async def picture_folders(harness: ServiceHarness) -> list[str]:
    """Return the folders of pictures in the media store."""
    return sorted({entry.key.rpartition("/")[0] async for entry in harness.media.list("posts")})


async def posts_count(harness: ServiceHarness, user_id: UserId) -> int:
    return await harness.value("SELECT posts_count FROM users WHERE id = ?", user_id)


async def test_pictures_keep_their_order_and_alt_texts(harness: ServiceHarness, photo: Path) -> None:
    ana = await harness.user()
    post = await harness.posts.publish(
        ana, "Hello", [Upload(photo, "one"), Upload(photo), Upload(photo, "three")]
    )
    assert [image.alt_text for image in post.card.images] == ["one", "", "three"]
    assert len({image.base_url for image in post.card.images}) == 3
    assert await posts_count(harness, ana) == 1


async def test_invalid_picture_leaves_neither_post_nor_pictures(harness: ServiceHarness, photo: Path) -> None:
    ana = await harness.user()
    bad = harness.folder / "bad"
    bad.write_bytes(b"<svg/>")
    with pytest.raises(UnsupportedMedia) as refused:
        await harness.posts.publish(ana, "", [Upload(photo), Upload(bad)])
    assert refused.value.fields["images"][0].startswith("Image 2:")
    assert await picture_folders(harness) == []
    assert await harness.rows("SELECT id FROM posts") == []
    assert await posts_count(harness, ana) == 0


async def test_publication_cancelled_after_commit_keeps_its_pictures(
    harness: ServiceHarness, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cancel(_: object) -> None:
        raise asyncio.CancelledError

    ana = await harness.user()
    monkeypatch.setattr(harness.unit_of_work, "_notify", cancel)
    with pytest.raises(asyncio.CancelledError):
        await harness.posts.publish(ana, "", [Upload(photo)])
    row = await harness.value("SELECT media_key FROM post_images")
    assert await picture_folders(harness) == [row]


async def test_rejected_publication_leaves_no_pictures(
    harness: ServiceHarness, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise Conflict("Not now.")

    ana = await harness.user()
    monkeypatch.setattr(harness.unit_of_work, "run", refuse)
    with pytest.raises(Conflict):
        await harness.posts.publish(ana, "", [Upload(photo)])
    assert await picture_folders(harness) == []


async def test_edit_changes_only_the_given_values(harness: ServiceHarness, photo: Path) -> None:
    ana = await harness.user()
    before = await harness.posts.publish(ana, "Before #old", [Upload(photo, "one"), Upload(photo, "two")])
    assert before.card.edited_at_ms is None

    edited = await harness.posts.edit(ana, before.id, "After #new", None)
    assert (edited.card.caption, edited.card.hashtags) == ("After #new", ("new",))
    assert [image.alt_text for image in edited.card.images] == ["one", "two"]
    assert edited.card.edited_at_ms is not None
    assert edited.card.edited_at_ms >= before.card.created_at_ms

    described = await harness.posts.edit(ana, before.id, None, ["uno"])
    assert (described.card.caption, [image.alt_text for image in described.card.images]) == (
        "After #new",
        ["uno", ""],
    )
    emptied = await harness.posts.edit(ana, before.id, "", [])
    assert (emptied.card.caption, [image.alt_text for image in emptied.card.images]) == ("", ["", ""])
    assert await revision(harness, before.id) == 3


async def test_edits_in_the_same_millisecond_get_different_times(harness: ServiceHarness) -> None:
    ana = await harness.user()
    post_id = await harness.post(ana, "first")
    await harness.feed.page(ana, PageRequest())
    times: set[int | None] = set()
    for number in range(20):
        edited = await harness.posts.edit(ana, post_id, f"{number}", None)
        times.add(edited.card.edited_at_ms)
        (shown,) = (await harness.feed.page(ana, PageRequest())).items
        assert shown.card.caption == f"{number}"
    assert len(times) == 20


async def test_more_alt_texts_than_pictures_change_nothing(harness: ServiceHarness, photo: Path) -> None:
    ana = await harness.user()
    post = await harness.posts.publish(ana, "As it was", [Upload(photo, "one")])
    with pytest.raises(InvalidInput) as refused:
        await harness.posts.edit(ana, post.id, "Changed", ["one", "two"])
    assert list(refused.value.fields) == ["altTexts"]
    assert asdict(await harness.posts.get(ana, post.id)) == asdict(post)


async def test_only_the_author_may_change_a_post(harness: ServiceHarness) -> None:
    ana, eve = await harness.users(2)
    post_id = await harness.post(ana, "Mine")
    for kind, attempt in (
        (Forbidden, harness.posts.edit(eve, post_id, "Eve's", None)),
        (Forbidden, harness.posts.delete(eve, post_id)),
        (NotFound, harness.posts.edit(ana, PostId(404), "Boo", None)),
        (NotFound, harness.posts.delete(ana, PostId(404))),
    ):
        with pytest.raises(kind):
            await attempt
    assert (await harness.posts.get(eve, post_id)).card.caption == "Mine"
    assert await revision(harness, post_id) == 0
    assert await harness.due(JobKind.REMOVE_POST) == []


async def test_deleted_post_is_hidden_before_its_job_runs(harness: ServiceHarness) -> None:
    ana, bob = await harness.users(2)
    kept, post_id = await harness.post(ana), await harness.post(ana)
    await harness.follows.follow(bob, ana)
    comment = await harness.comments.add(bob, post_id, "Nice", None)
    await harness.likes.like(bob, post_id)
    await harness.work_off(JobKind.FAN_OUT)
    assert len((await harness.feed.page(bob, PageRequest())).items) == 2

    await harness.posts.delete(ana, post_id)
    assert await posts_count(harness, ana) == 1
    assert await revision(harness, post_id) == 3
    for viewer in (ana, bob):
        for page in (
            await harness.posts.list_by_author(viewer, ana, PageRequest()),
            await harness.feed.page(viewer, PageRequest()),
        ):
            assert [post.id for post in page.items] == [kept]
        for attempt in all_uses(harness, viewer, post_id, comment.id):
            with pytest.raises(NotFound, match="Post not found"):
                await attempt()
    claim = await harness.claim(JobKind.REMOVE_POST)
    assert claim.payload == {"post_id": post_id, "author_id": ana, "revision": 3}


def all_uses(
    harness: ServiceHarness, viewer: UserId, post_id: PostId, comment_id: CommentId
) -> list[Callable[[], Awaitable[Any]]]:
    return [
        lambda: harness.posts.get(viewer, post_id),
        lambda: harness.posts.edit(viewer, post_id, "Back", None),
        lambda: harness.posts.delete(viewer, post_id),
        lambda: harness.likes.like(viewer, post_id),
        lambda: harness.likes.unlike(viewer, post_id),
        lambda: harness.likes.list_likers(viewer, post_id, PageRequest()),
        lambda: harness.comments.add(viewer, post_id, "Hello?", None),
        lambda: harness.comments.add(viewer, post_id, "Hello?", comment_id),
        lambda: harness.comments.list_by_post(viewer, post_id, PageRequest()),
        lambda: harness.comments.list_replies(viewer, post_id, comment_id, PageRequest()),
        lambda: harness.comments.delete(viewer, post_id, comment_id),
    ]


async def test_likes_and_comments_do_not_add_rows_to_a_page(
    harness: ServiceHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger, *fans = await harness.users(21)
    post_ids = [await harness.post(fans[0]) for _ in range(3)]
    ask, found = harness.database.rows, list[int]()

    async def counting(sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        rows = await ask(sql, parameters)
        found.append(len(rows))
        return rows

    async def count_rows(viewer: UserId) -> int:
        """Return how many rows the queries of a page of posts return."""
        found.clear()
        with monkeypatch.context() as patched:
            patched.setattr(harness.database, "rows", counting)
            page = await harness.posts.list_by_author(viewer, fans[0], PageRequest())
        assert len(page.items) == 3
        return sum(found)

    async def measure() -> tuple[int, int, int]:
        """Return the rows of a page that is not cached, and of cached pages of two viewers."""
        await harness.redis.flushdb()
        uncached = await count_rows(stranger)
        await count_rows(fans[1])
        return uncached, await count_rows(stranger), await count_rows(fans[1])

    before = await measure()
    for post_id in post_ids:
        for fan in fans:
            await harness.likes.like(fan, post_id)
            await harness.comments.add(fan, post_id, "Nice", None)
    assert await measure() == before  # none of the fans is followed
    # An id and a card per post, and the relation to the author; of a cached page, the ids.
    assert before == (2 * 3 + 1, 3, 3)


async def test_concurrent_deletions_delete_once(harness: ServiceHarness) -> None:
    ana = await harness.user()
    await harness.post(ana)
    post_id = await harness.post(ana)

    async def outcome() -> str:
        try:
            await harness.posts.delete(ana, post_id)
        except AppError as error:
            return error.code
        return "deleted"

    outcomes = await asyncio.gather(*(outcome() for _ in range(50)))
    assert sorted(outcomes) == ["deleted", *["not_found"] * 49]
    assert await posts_count(harness, ana) == 1
    assert len(await harness.due(JobKind.REMOVE_POST)) == 1
