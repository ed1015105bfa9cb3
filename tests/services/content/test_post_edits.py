"""Edits of a post's pictures, and the history of what they replaced."""

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
from PIL import Image as PillowImage

from server.clock import isoformat
from server.errors import AppError, Conflict, Forbidden, InvalidInput, NotFound
from server.gateways.images.processor import Rendition
from server.ids import ActionId, MediaId, PostId, UserId
from server.models.audience import Audience
from server.paging import PageRequest
from server.services.content.pictures import Upload
from server.services.content.post_pictures import ChosenPicture
from server.services.content.posts import SeenEdit
from server.services.content.sources import image_sources
from server.services.jobs.event_jobs import JobKind
from server.services.records import Post, PostVersion
from tests.services.content.test_posts import picture_folders
from tests.services.jobs.test_media_sweep import make_old
from tests.support.inputs import photos
from tests.support.inputs.pictures import encoded
from tests.support.jobs import build_media_sweep, claim_maintenance_job
from tools.harness.services import ServiceHarness

MISSING = MediaId(404)


@pytest.fixture
def photo(harness: ServiceHarness) -> Path:
    file = harness.folder / "photo"
    file.write_bytes(photos.small())
    return file


@pytest.fixture
async def ana(harness: ServiceHarness) -> UserId:
    return await harness.user("ana")


@pytest.fixture
async def post(harness: ServiceHarness, ana: UserId, photo: Path) -> Post:
    return await harness.posts.publish(
        ana, "Three", [Upload(photo, "one"), Upload(photo, "two"), Upload(photo, "three")]
    )


async def unused(harness: ServiceHarness, owner_id: UserId, photo: Path, alt_text: str = "") -> MediaId:
    return (await harness.unused_media.add(owner_id, Upload(photo, alt_text))).id


async def choose(
    harness: ServiceHarness,
    post: Post,
    chosen: Sequence[MediaId | ChosenPicture],
    seen: SeenEdit | None = None,
) -> Post:
    media = [each if isinstance(each, ChosenPicture) else ChosenPicture(each) for each in chosen]
    return await harness.posts.edit(post.author.id, post.id, None, None, None, media, seen)


def shown(post: Post) -> list[tuple[MediaId, str]]:
    return [(image.id, image.alt_text) for image in post.card.images]


async def history(harness: ServiceHarness, viewer_id: UserId, post_id: PostId) -> list[PostVersion]:
    _, page = await harness.post_history.list_versions(viewer_id, post_id, PageRequest())
    return [*page.items]


async def test_pictures_are_added_removed_and_reordered(
    harness: ServiceHarness, ana: UserId, photo: Path, post: Post
) -> None:
    one, two, three = (image.id for image in post.card.images)
    added = await unused(harness, ana, photo, "added")
    feeds = (harness.feed, harness.feed_on(harness.pipelined_redis))
    for feed in feeds:
        await feed.page(ana, PageRequest())
    removed = (post.card.images[1].base_url).removeprefix("https://media.test/")

    edited = await choose(harness, post, [three, added, ChosenPicture(one, "uno")])
    assert shown(edited) == [(three, "three"), (added, "added"), (one, "uno")]
    assert edited.card.edited_at_ms is not None
    for feed in feeds:
        (found,) = (await feed.page(ana, PageRequest())).items
        assert shown(found) == shown(edited)
    assert await harness.unused_media.list_unused(ana) == []
    assert two not in [image.id for image in edited.card.images]
    assert removed in await picture_folders(harness)
    assert await harness.work_off(JobKind.REMOVE_PICTURE) == 1
    assert removed not in await picture_folders(harness)
    assert len(await picture_folders(harness)) == 3


async def test_refused_edit_changes_nothing(
    harness: ServiceHarness, ana: UserId, photo: Path, post: Post
) -> None:
    ben = await harness.user("ben")
    first = post.card.images[0].id
    others = await unused(harness, ben, photo)
    own = await unused(harness, ana, photo)
    for chosen in ([first, MISSING], [own, others], [others]):
        with pytest.raises(InvalidInput) as refused:
            await choose(harness, post, chosen)
        assert refused.value.code == "media_unusable"
        assert refused.value.fields["media"][0].startswith(f"Image {len(chosen)}:")
    with pytest.raises(Forbidden):
        await harness.posts.edit(ben, post.id, None, None, None, [ChosenPicture(others)])
    assert shown(await harness.posts.get(ana, post.id)) == shown(post)
    assert [media.id for media in await harness.unused_media.list_unused(ana)] == [own]
    assert await history(harness, ana, post.id) == []
    assert await harness.due(JobKind.REMOVE_PICTURE) == []


async def test_picture_refused_after_its_upload_is_not_shown(
    harness: ServiceHarness, ana: UserId, post: Post, tmp_path: Path
) -> None:
    texture = PillowImage.effect_noise((700, 500), 90).resize((701, 503)).convert("RGB")
    (tmp_path / "texture").write_bytes(encoded(texture, quality=95))
    eve = await harness.user("eve")
    bad = await harness.posts.publish(eve, "", [Upload(tmp_path / "texture")])
    copy = await unused(harness, ana, tmp_path / "texture")
    refuse = partial(harness.refused_pictures.refuse_pictures_of, bad.id, ActionId(1))
    assert await harness.unit_of_work.run(refuse) == 1
    for publication in (
        choose(harness, post, [copy]),
        harness.posts.publish_media(ana, "", [copy]),
    ):
        with pytest.raises(InvalidInput) as refused:
            await publication
        assert refused.value.code == "picture_refused"


async def test_one_of_concurrent_edits_does_not_undo_the_other(
    harness: ServiceHarness, ana: UserId, photo: Path, post: Post
) -> None:
    one, two, three = (image.id for image in post.card.images)
    added = await unused(harness, ana, photo)
    seen = SeenEdit(None)
    outcomes = await asyncio.gather(
        choose(harness, post, [one, two, three, added], seen),
        choose(harness, post, [three, two, one], seen),
        choose(harness, post, [one], seen),
        return_exceptions=True,
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, AppError)]
    assert [error.code for error in refused] == ["edited_in_between"] * 2
    (winner,) = [outcome for outcome in outcomes if isinstance(outcome, Post)]
    assert shown(await harness.posts.get(ana, post.id)) == shown(winner)

    assert winner.card.edited_at_ms is not None
    kept = [image.id for image in winner.card.images][::-1]
    again = await choose(harness, winner, kept, SeenEdit(isoformat(winner.card.edited_at_ms)))
    assert [image.id for image in again.card.images] == kept
    with pytest.raises(Conflict):
        await harness.posts.edit(ana, post.id, "Late", None, seen=seen)


async def test_edits_without_a_precondition_leave_valid_posts(
    harness: ServiceHarness, ana: UserId, photo: Path, post: Post
) -> None:
    one, two, three = (image.id for image in post.card.images)
    added = await unused(harness, ana, photo)
    outcomes = await asyncio.gather(
        *(choose(harness, post, chosen) for chosen in ([added, one], [one, added, two], [three, two])),
        return_exceptions=True,
    )
    # A removed picture cannot come back, so a later edit that names it is refused.
    assert all(not isinstance(each, Exception) or isinstance(each, InvalidInput) for each in outcomes)
    await harness.work_off(JobKind.REMOVE_PICTURE)
    found = await harness.posts.get(ana, post.id)
    left = {image.base_url.removeprefix("https://media.test/") for image in found.card.images}
    unused_folders = {row["media_key"] for row in await harness.rows("SELECT media_key FROM media")}
    assert set(await picture_folders(harness)) == left | unused_folders


async def test_added_pictures_get_avifs(harness: ServiceHarness, ana: UserId, tmp_path: Path) -> None:
    harness.pictures.encodes_avif = True
    texture = PillowImage.effect_noise((700, 500), 40).convert("RGB")
    (tmp_path / "texture").write_bytes(encoded(texture, quality=95))
    post = await harness.posts.publish(ana, "", [Upload(tmp_path / "texture")])
    assert await harness.work_off(JobKind.ENCODE_AVIF) == 1
    added = await unused(harness, ana, tmp_path / "texture")
    edited = await choose(harness, post, [post.card.images[0].id, added])
    assert len(image_sources(edited.card.images[1])) == 2
    assert await harness.work_off(JobKind.ENCODE_AVIF) == 1
    found = await harness.posts.get(ana, post.id)
    assert [len(image_sources(image)) for image in found.card.images] == [4, 4]
    # Reordering alone makes no job.
    await choose(harness, post, [added, post.card.images[0].id])
    assert await harness.due(JobKind.ENCODE_AVIF) == []


async def test_nothing_is_left_of_a_picture_removed_while_its_avif_is_made(
    harness: ServiceHarness, ana: UserId, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.pictures.encodes_avif = True
    texture = PillowImage.effect_noise((700, 500), 40).convert("RGB")
    (tmp_path / "texture").write_bytes(encoded(texture, quality=95))
    post = await harness.posts.publish(ana, "", [Upload(tmp_path / "texture")] * 2)
    kept, removed = post.card.images
    encode_avif = harness.images.encode_avif

    async def removed_in_between(source: Path) -> tuple[Rendition, ...]:
        if len((await harness.posts.get(ana, post.id)).card.images) == 2:
            await choose(harness, post, [kept.id])
            await harness.work_off(JobKind.REMOVE_PICTURE)
        return await encode_avif(source)

    monkeypatch.setattr(harness.images, "encode_avif", removed_in_between)
    assert await harness.work_off(JobKind.ENCODE_AVIF) == 1
    found = await harness.posts.get(ana, post.id)
    assert [len(image_sources(image)) for image in found.card.images] == [4]
    assert await picture_folders(harness) == [kept.base_url.removeprefix("https://media.test/")]
    assert removed.id != kept.id


async def test_repeated_removal_spares_a_shared_picture(
    harness: ServiceHarness, ana: UserId, photo: Path, post: Post
) -> None:
    other = await harness.posts.publish(ana, "", [Upload(photo)])
    shared = post.card.images[0].base_url.removeprefix("https://media.test/")
    await harness.database.execute(
        "UPDATE post_images SET media_key = ? WHERE post_id = ?", [shared, other.id]
    )
    edited = await choose(harness, post, [post.card.images[1].id])
    await harness.work_off(JobKind.REMOVE_PICTURE)
    assert shared in await picture_folders(harness)
    await harness.database.execute("UPDATE jobs SET state = 'ready' WHERE kind = 'pictures.remove'")
    assert await harness.work_off(JobKind.REMOVE_PICTURE) == 2
    assert shown(await harness.posts.get(ana, post.id)) == shown(edited)
    assert shared in await picture_folders(harness)


async def test_sweep_removes_what_a_failed_removal_left(
    harness: ServiceHarness, post: Post, photo: Path
) -> None:
    await choose(harness, post, [post.card.images[1].id])
    for entry in [entry async for entry in harness.media.list("posts")]:
        make_old(harness.folder / "media" / entry.key)
    await build_media_sweep(harness).sweep(await claim_maintenance_job(harness, JobKind.SWEEP_MEDIA))
    assert await picture_folders(harness) == [
        post.card.images[1].base_url.removeprefix("https://media.test/")
    ]


async def test_history_has_what_edits_replaced(
    harness: ServiceHarness, ana: UserId, photo: Path, post: Post
) -> None:
    ben = await harness.user("ben")
    one, two, three = (image.id for image in post.card.images)
    await harness.posts.edit(ana, post.id, "Second #dusk", None)
    await harness.posts.edit(ana, post.id, None, ["uno", "dos", "tres"])
    await choose(harness, post, [three, one])
    await harness.posts.edit(ana, post.id, "Second #dusk", None)  # shows the same as before
    await harness.posts.edit(ana, post.id, None, None, Audience.PUBLIC)

    found = await history(harness, ben, post.id)
    assert [(each.caption, each.hashtags) for each in found] == [
        ("Second #dusk", ("dusk",)), ("Second #dusk", ("dusk",)), ("Three", ()),
    ]  # fmt: skip
    assert [[(image.id, image.alt_text) for image in each.images] for each in found] == [
        [(one, "uno"), (three, "tres")], [(one, "one"), (three, "three")], [(one, "one"), (three, "three")],
    ]  # fmt: skip
    assert [each.removed_images for each in found] == [1, 1, 1]
    assert two not in [image.id for each in found for image in each.images]
    times = [each.replaced_at_ms for each in found]
    assert times == sorted(times, reverse=True)
    _, first = await harness.post_history.list_versions(ben, post.id, PageRequest(2))
    assert [each.id for each in first.items] == [each.id for each in found[:2]]
    assert first.next_cursor is not None


async def test_history_is_for_those_who_see_the_post(
    harness: ServiceHarness, ana: UserId, post: Post
) -> None:
    ben, eve = await harness.users(2)
    await harness.posts.edit(ana, post.id, "Private", None)
    await harness.posts.edit(ana, post.id, "Public", None, Audience.CLOSE_FRIENDS)
    with pytest.raises(NotFound):
        await history(harness, ben, post.id)
    await harness.posts.edit(ana, post.id, "For friends", None)
    await harness.posts.edit(ana, post.id, "For everybody", None, Audience.PUBLIC)
    # What was written for close friends is not shown to everybody.
    assert [each.caption for each in await history(harness, ben, post.id)] == ["Private", "Three"]
    assert [each.caption for each in await history(harness, ana, post.id)] == [
        "For friends", "Public", "Private", "Three",
    ]  # fmt: skip
    await harness.close_friends.add(ana, eve)
    await harness.posts.edit(ana, post.id, None, None, Audience.CLOSE_FRIENDS)
    assert len(await history(harness, eve, post.id)) == 4
    await harness.blocks.block(ana, eve)
    with pytest.raises(NotFound):
        await history(harness, eve, post.id)


async def test_history_is_deleted_with_its_post(harness: ServiceHarness, ana: UserId, post: Post) -> None:
    for number in range(9):
        await harness.posts.edit(ana, post.id, f"{number}", None)
    await harness.posts.delete(ana, post.id)
    await harness.work_off(JobKind.REMOVE_POST)
    assert await harness.rows("SELECT id FROM post_versions") == []
    assert await picture_folders(harness) == []
