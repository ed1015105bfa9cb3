"""Media: uploaded on their own, published once, by their owner only, and deleted when no post uses them."""

import asyncio
from pathlib import Path

import pytest

from server.errors import AppError, Conflict, InvalidInput, NotFound, UnsupportedMedia
from server.ids import MediaId, UserId
from server.services.content.pictures import Upload
from server.services.jobs.event_jobs import JobKind
from server.services.jobs.retention import DAY_MS
from server.services.records import MediaStatus
from tests.services.content.test_posts import picture_folders
from tests.services.jobs.test_media_sweep import make_old
from tests.support.inputs import photos
from tests.support.jobs import build_media_sweep, claim_maintenance_job
from tools.harness.services import MAX_UNUSED_MEDIA, ServiceHarness

PARALLEL_POSTS = 20


@pytest.fixture
def photo(harness: ServiceHarness) -> Path:
    file = harness.folder / "photo"
    file.write_bytes(photos.small())
    return file


@pytest.fixture
async def ana(harness: ServiceHarness) -> UserId:
    return await harness.user("ana")


async def test_media_become_a_post_in_the_given_order(
    harness: ServiceHarness, ana: UserId, photo: Path
) -> None:
    first = await harness.unused_media.add(ana, Upload(photo, "one"))
    second = await harness.unused_media.add(ana, Upload(photo, "two"))
    assert (first.status, first.alt_text, first.problem) == (MediaStatus.READY, "one", None)
    assert first.image is not None
    assert first.image.blurhash
    assert [media.id for media in await harness.unused_media.list_unused(ana)] == [second.id, first.id]

    post = await harness.posts.publish_media(ana, "Hello", [second.id, first.id], ["dos"])
    assert [image.alt_text for image in post.card.images] == ["dos", "one"]
    assert post.card.images[1].base_url == first.image.base_url
    assert await harness.unused_media.list_unused(ana) == []
    ids = await harness.rows("SELECT id FROM post_images ORDER BY position")
    assert [row["id"] for row in ids] == [second.id, first.id]
    with pytest.raises(InvalidInput) as used:
        await harness.posts.publish_media(ana, "", [first.id])
    assert used.value.code == "media_unusable"


async def test_one_of_parallel_posts_gets_the_media(
    harness: ServiceHarness, ana: UserId, photo: Path
) -> None:
    media = await harness.unused_media.add(ana, Upload(photo))
    outcomes = await asyncio.gather(
        *(harness.posts.publish_media(ana, "", [media.id]) for _ in range(PARALLEL_POSTS)),
        return_exceptions=True,
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, AppError)]
    assert len(refused) == PARALLEL_POSTS - 1
    assert {error.code for error in refused} == {"media_unusable"}
    assert await harness.value("SELECT COUNT(*) FROM posts") == 1
    assert await harness.value("SELECT posts_count FROM users WHERE id = ?", ana) == 1


async def test_media_belong_to_their_owner(harness: ServiceHarness, ana: UserId, photo: Path) -> None:
    ben = await harness.user("ben")
    media = await harness.unused_media.add(ana, Upload(photo))
    with pytest.raises(InvalidInput, match="cannot be published"):
        await harness.posts.publish_media(ben, "", [media.id])
    for call in (
        harness.unused_media.get(ben, media.id),
        harness.unused_media.describe(ben, media.id, "mine"),
        harness.unused_media.delete(ben, media.id),
    ):
        with pytest.raises(NotFound):
            await call
    assert await harness.unused_media.list_unused(ben) == []


async def test_rejected_post_leaves_its_media(harness: ServiceHarness, ana: UserId, photo: Path) -> None:
    media = await harness.unused_media.add(ana, Upload(photo))
    with pytest.raises(InvalidInput) as refused:
        await harness.posts.publish_media(ana, "", [media.id, MediaId(1)])
    assert refused.value.fields["mediaIds"][0].startswith("Image 2:")
    assert (await harness.unused_media.get(ana, media.id)).image == media.image


async def test_unprocessed_media_cannot_be_published(harness: ServiceHarness, ana: UserId) -> None:
    await harness.media_rows.insert(MediaId(7), ana, "", None)
    with pytest.raises(Conflict) as refused:
        await harness.posts.publish_media(ana, "", [MediaId(7)])
    assert (refused.value.code, refused.value.retry_after_s) == ("media_processing", 1.0)


async def test_alt_text_can_be_changed(harness: ServiceHarness, ana: UserId, photo: Path) -> None:
    media = await harness.unused_media.add(ana, Upload(photo, "one"))
    described = await harness.unused_media.describe(ana, media.id, "uno")
    assert described.alt_text == "uno"
    assert described.image is not None
    assert described.image.alt_text == "uno"
    assert (await harness.unused_media.describe(ana, media.id, "uno")).alt_text == "uno"


async def test_deleted_media_leave_no_files(harness: ServiceHarness, ana: UserId, photo: Path) -> None:
    media = await harness.unused_media.add(ana, Upload(photo))
    await harness.unused_media.delete(ana, media.id)
    assert await picture_folders(harness) == []
    with pytest.raises(NotFound):
        await harness.unused_media.get(ana, media.id)


async def test_number_of_unused_media_is_limited(harness: ServiceHarness, ana: UserId, photo: Path) -> None:
    outcomes = await asyncio.gather(
        *(harness.unused_media.add(ana, Upload(photo)) for _ in range(MAX_UNUSED_MEDIA + 3)),
        return_exceptions=True,
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, AppError)]
    assert {error.code for error in refused} == {"too_many_unused_media"}
    unused = await harness.unused_media.list_unused(ana)
    assert len(unused) == len(await picture_folders(harness)) == MAX_UNUSED_MEDIA
    await harness.posts.publish_media(ana, "", [unused[0].id])
    await harness.unused_media.add(ana, Upload(photo))


async def test_unsupported_file_leaves_nothing(harness: ServiceHarness, ana: UserId) -> None:
    bad = harness.folder / "bad"
    bad.write_bytes(b"<svg/>")
    with pytest.raises(UnsupportedMedia):
        await harness.unused_media.add(ana, Upload(bad))
    assert await picture_folders(harness) == []
    assert await harness.unused_media.list_unused(ana) == []


async def test_sweep_deletes_expired_media_with_their_files(
    harness: ServiceHarness, ana: UserId, photo: Path
) -> None:
    expired, kept, used = [await harness.unused_media.add(ana, Upload(photo)) for _ in range(3)]
    await harness.posts.publish_media(ana, "", [used.id])
    # An id contains its creation time.
    earlier = expired.id - ((DAY_MS + 1000) << 12)
    await harness.database.execute("UPDATE media SET id = ? WHERE id = ?", [earlier, expired.id])
    for file in (harness.folder / "media").rglob("*.jpg"):
        make_old(file)
    await build_media_sweep(harness).sweep(await claim_maintenance_job(harness, JobKind.SWEEP_MEDIA))
    assert [media.id for media in await harness.unused_media.list_unused(ana)] == [kept.id]
    assert len(await picture_folders(harness)) == 2


async def test_deleted_post_removes_its_media(harness: ServiceHarness, ana: UserId, photo: Path) -> None:
    media = await harness.unused_media.add(ana, Upload(photo))
    post = await harness.posts.publish_media(ana, "", [media.id])
    await harness.posts.delete(ana, post.id)
    await harness.work_off(JobKind.REMOVE_POST)
    assert await picture_folders(harness) == []
    assert await harness.rows("SELECT id FROM post_images") == []
