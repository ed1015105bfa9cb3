"""Posts: what is published, who may change and delete it, and that a deleted one is gone for everybody at once."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from server.errors import AppError, Conflict, Forbidden, InvalidInput, NotFound, UnsupportedMedia
from server.ids import CommentId, PostId, UserId
from server.paging import PageRequest
from server.services.content.posts import Upload
from server.services.jobs.event_jobs import JobKind
from tests.support import photos
from tests.support.harness import ServiceHarness


@pytest.fixture
def photo(harness: ServiceHarness) -> Path:
    file = harness.folder / "photo"
    file.write_bytes(photos.small())
    return file


async def revision(harness: ServiceHarness, post_id: PostId) -> int:
    return await harness.value("SELECT revision FROM posts WHERE id = ?", post_id)


async def stored(harness: ServiceHarness) -> list[str]:
    """The folders of the pictures that are in the media store."""
    return sorted({entry.key.rpartition("/")[0] async for entry in harness.media.list("posts")})


async def posts_count(harness: ServiceHarness, user_id: UserId) -> int:
    return await harness.value("SELECT posts_count FROM users WHERE id = ?", user_id)


async def test_pictures_keep_their_order_and_their_texts(harness: ServiceHarness, photo: Path) -> None:
    ana = await harness.user()
    post = await harness.posts.publish(
        ana, "Hello", [Upload(photo, "one"), Upload(photo), Upload(photo, "three")]
    )
    assert [image.alt_text for image in post.card.images] == ["one", "", "three"]
    assert len({image.url for image in post.card.images}) == 3
    assert await posts_count(harness, ana) == 1


async def test_a_bad_picture_leaves_neither_a_post_nor_the_good_ones(
    harness: ServiceHarness, photo: Path
) -> None:
    ana = await harness.user()
    bad = harness.folder / "bad"
    bad.write_bytes(b"<svg/>")
    with pytest.raises(UnsupportedMedia) as refused:
        await harness.posts.publish(ana, "", [Upload(photo), Upload(bad)])
    assert refused.value.fields["images"][0].startswith("Picture 2:")
    assert await stored(harness) == []
    assert await harness.rows("SELECT id FROM posts") == []
    assert await posts_count(harness, ana) == 0


async def test_a_publication_cut_off_after_its_commit_keeps_its_pictures(
    harness: ServiceHarness, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_off(_: object) -> None:
        raise asyncio.CancelledError

    ana = await harness.user()
    monkeypatch.setattr(harness.rings, "ring", cut_off)
    with pytest.raises(asyncio.CancelledError):
        await harness.posts.publish(ana, "", [Upload(photo)])
    row = await harness.value("SELECT media_key FROM post_images")
    assert await stored(harness) == [row]


async def test_a_publication_that_was_refused_leaves_no_pictures(
    harness: ServiceHarness, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise Conflict("Not now.")

    ana = await harness.user()
    monkeypatch.setattr(harness.unit_of_work, "run", refuse)
    with pytest.raises(Conflict):
        await harness.posts.publish(ana, "", [Upload(photo)])
    assert await stored(harness) == []


async def test_an_edit_changes_what_it_names_and_nothing_else(harness: ServiceHarness, photo: Path) -> None:
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


async def test_edits_within_a_moment_are_told_apart(harness: ServiceHarness) -> None:
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


async def test_more_texts_than_pictures_change_nothing(harness: ServiceHarness, photo: Path) -> None:
    ana = await harness.user()
    post = await harness.posts.publish(ana, "As it was", [Upload(photo, "one")])
    with pytest.raises(InvalidInput) as refused:
        await harness.posts.edit(ana, post.id, "Changed", ["one", "two"])
    assert list(refused.value.fields) == ["altTexts"]
    assert asdict(await harness.posts.get(ana, post.id)) == asdict(post)


async def test_a_post_is_its_author_s_alone_to_change(harness: ServiceHarness) -> None:
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


async def test_a_deleted_post_is_gone_for_everybody_before_any_job_runs(harness: ServiceHarness) -> None:
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
            await harness.posts.of_author(viewer, ana, PageRequest()),
            await harness.feed.page(viewer, PageRequest()),
        ):
            assert [post.id for post in page.items] == [kept]
        for attempt in every_use_of(harness, viewer, post_id, comment.id):
            with pytest.raises(NotFound, match="no such post"):
                await attempt()
    claim = await harness.claim(JobKind.REMOVE_POST)
    assert claim.payload == {"post_id": post_id, "author_id": ana, "revision": 3}


def every_use_of(
    harness: ServiceHarness, viewer: UserId, post_id: PostId, comment_id: CommentId
) -> list[Callable[[], Awaitable[Any]]]:
    return [
        lambda: harness.posts.get(viewer, post_id),
        lambda: harness.posts.edit(viewer, post_id, "Back", None),
        lambda: harness.posts.delete(viewer, post_id),
        lambda: harness.likes.like(viewer, post_id),
        lambda: harness.likes.unlike(viewer, post_id),
        lambda: harness.likes.of_post(viewer, post_id, PageRequest()),
        lambda: harness.comments.add(viewer, post_id, "Hello?", None),
        lambda: harness.comments.add(viewer, post_id, "Hello?", comment_id),
        lambda: harness.comments.of_post(viewer, post_id, PageRequest()),
        lambda: harness.comments.replies(viewer, post_id, comment_id, PageRequest()),
        lambda: harness.comments.delete(viewer, post_id, comment_id),
    ]


async def test_what_hangs_on_posts_does_not_make_reading_them_dearer(
    harness: ServiceHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    fans = await harness.users(20)
    post_ids = [await harness.post(fans[0]) for _ in range(3)]
    ask, found = harness.database.rows, list[int]()

    async def counting(sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        rows = await ask(sql, parameters)
        found.append(len(rows))
        return rows

    async def cost() -> list[int]:
        """How many rows each query finds that a page of posts takes."""
        found.clear()
        with monkeypatch.context() as patched:
            patched.setattr(harness.database, "rows", counting)
            page = await harness.posts.of_author(fans[1], fans[0], PageRequest())
        assert len(page.items) == 3
        return list(found)

    before = await cost()
    for post_id in post_ids:
        for fan in fans:
            await harness.likes.like(fan, post_id)
            await harness.comments.add(fan, post_id, "Nice", None)
    assert await cost() == before
    assert sum(before) <= 2 * 3  # an id and a card each


async def test_fifty_deletions_at_once_are_one(harness: ServiceHarness) -> None:
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
