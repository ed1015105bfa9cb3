"""Resumable uploads: what arrived is kept, one of concurrent requests wins, and a complete upload becomes media."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.errors import AppError, ChecksumMismatch, Conflict, NotFound, StorageFull, TooLarge
from server.ids import UserId
from server.services.content import uploads as uploads_module
from server.services.content.pictures import Upload
from server.services.content.uploads import UploadRules
from server.services.jobs.event_jobs import JobKind
from server.services.jobs.retention import DAY_MS
from server.services.records import MediaStatus, ResumableUpload
from tests.services.content.test_posts import picture_folders
from tests.services.jobs.test_media_sweep import make_old
from tests.support.inputs import photos
from tests.support.jobs import build_media_sweep, claim_maintenance_job
from tools.harness.services import MAX_UNUSED_MEDIA, UPLOAD_RULES, ServiceHarness

PART = 1000
REQUESTS = 10


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads_module, "PART_BYTES", PART)


@pytest.fixture
async def ana(harness: ServiceHarness) -> UserId:
    return await harness.user("ana")


@pytest.fixture
def photo() -> bytes:
    return photos.noise(80, 80)


async def pieces(content: bytes, size: int = 300, cut_after: int | None = None) -> AsyncIterator[bytes]:
    """Yield `content`; with `cut_after` fail like a connection that is cut."""
    for start in range(0, len(content), size):
        if cut_after is not None and start >= cut_after:
            raise ConnectionResetError
        yield content[start : start + size]


async def parts(harness: ServiceHarness) -> list[str]:
    return sorted([entry.key async for entry in harness.media.list("uploads")])


async def begin(harness: ServiceHarness, owner_id: UserId, content: bytes) -> ResumableUpload:
    return await harness.uploads.create(owner_id, len(content), "A field", "filename YQ==")


async def test_upload_cut_off_many_times_becomes_media(
    harness: ServiceHarness, ana: UserId, photo: bytes
) -> None:
    upload = await begin(harness, ana, photo)
    assert (upload.offset, upload.length, upload.metadata) == (0, len(photo), "filename YQ==")
    cuts = 0
    while upload.offset + 700 < len(photo):
        with pytest.raises(ConnectionResetError):
            await harness.uploads.append(
                ana, upload.id, upload.offset, pieces(photo[upload.offset :], cut_after=700)
            )
        kept = await harness.uploads.get(ana, upload.id)
        assert kept.offset == upload.offset + 900
        upload, cuts = kept, cuts + 1
    upload = await harness.uploads.append(ana, upload.id, upload.offset, pieces(photo[upload.offset :]))
    assert upload.offset == upload.length
    assert cuts > 3
    media = await harness.unused_media.get(ana, upload.id)
    assert (media.status, media.image, media.alt_text) == (MediaStatus.PROCESSING, None, "A field")

    assert await harness.work_off(JobKind.PROCESS_UPLOAD) == 1
    media = await harness.unused_media.get(ana, upload.id)
    assert media.status is MediaStatus.READY
    assert media.image is not None
    assert (media.image.width, media.image.alt_text) == (80, "A field")
    assert await parts(harness) == []
    assert await harness.rows("SELECT id FROM upload_parts") == []
    # A client whose last response was lost asks for the offset.
    assert (await harness.uploads.get(ana, upload.id)).offset == len(photo)
    post = await harness.posts.publish_media(ana, "", [media.id])
    assert post.card.images[0].base_url == media.image.base_url


async def test_one_of_concurrent_requests_wins(harness: ServiceHarness, ana: UserId, photo: bytes) -> None:
    upload = await begin(harness, ana, photo)
    outcomes = await asyncio.gather(
        *(harness.uploads.append(ana, upload.id, 0, pieces(photo)) for _ in range(REQUESTS)),
        return_exceptions=True,
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, AppError)]
    assert {error.code for error in refused} == {"upload_offset"}
    while (upload := await harness.uploads.get(ana, upload.id)).offset < len(photo):
        upload = await harness.uploads.append(ana, upload.id, upload.offset, pieces(photo[upload.offset :]))
    await harness.work_off(JobKind.PROCESS_UPLOAD)
    assert (await harness.unused_media.get(ana, upload.id)).status is MediaStatus.READY
    assert await parts(harness) == []


async def test_checksum_keeps_all_or_nothing(harness: ServiceHarness, ana: UserId, photo: bytes) -> None:
    upload = await begin(harness, ana, photo)
    right = hashlib.sha1(photo[:2500]).digest()  # noqa: S324 - the checksum of the protocol
    with pytest.raises(ChecksumMismatch):
        await harness.uploads.append(ana, upload.id, 0, pieces(b"?" + photo[1:2500]), right)
    with pytest.raises(ConnectionResetError):
        await harness.uploads.append(ana, upload.id, 0, pieces(photo[:2500], cut_after=2000), right)
    assert (await harness.uploads.get(ana, upload.id)).offset == 0
    assert await parts(harness) == []
    kept = await harness.uploads.append(ana, upload.id, 0, pieces(photo[:2500]), right)
    assert kept.offset == 2500


async def test_wrong_offsets_and_too_many_bytes_are_refused(
    harness: ServiceHarness, ana: UserId, photo: bytes
) -> None:
    ben, upload = await harness.user("ben"), await begin(harness, ana, photo)
    with pytest.raises(Conflict, match="must be 0"):
        await harness.uploads.append(ana, upload.id, 5, pieces(photo))
    with pytest.raises(NotFound):
        await harness.uploads.append(ben, upload.id, 0, pieces(photo))
    with pytest.raises(NotFound):
        await harness.uploads.delete(ben, upload.id)
    with pytest.raises(TooLarge):
        await harness.uploads.append(ana, upload.id, 0, pieces(photo + b"more"))
    with pytest.raises(TooLarge):
        await harness.uploads.create(ana, UPLOAD_RULES.max_bytes + 1, "", "")


async def test_full_store_keeps_what_was_stored(
    harness: ServiceHarness, ana: UserId, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload, put = await begin(harness, ana, photo), harness.media.put_private

    async def fill_up(key: str, content: bytes) -> None:
        if len(await parts(harness)) == 2:
            raise StorageFull("There is no space left to store the image.")
        await put(key, content)

    monkeypatch.setattr(harness.media, "put_private", fill_up)
    with pytest.raises(StorageFull):
        await harness.uploads.append(ana, upload.id, 0, pieces(photo))
    monkeypatch.setattr(harness.media, "put_private", put)
    kept = await harness.uploads.get(ana, upload.id)
    assert kept.offset == 2400
    done = await harness.uploads.append(ana, upload.id, kept.offset, pieces(photo[kept.offset :]))
    assert done.offset == done.length


async def test_file_that_is_no_image_fails(harness: ServiceHarness, ana: UserId) -> None:
    upload = await begin(harness, ana, b"<svg/>")
    await harness.uploads.append(ana, upload.id, 0, pieces(b"<svg/>"))
    await harness.work_off(JobKind.PROCESS_UPLOAD)
    media = await harness.unused_media.get(ana, upload.id)
    assert media.status is MediaStatus.FAILED
    assert media.problem is not None
    assert media.problem.code == "unsupported_media"
    assert await parts(harness) == []


async def test_unfinished_uploads_are_limited(harness: ServiceHarness, ana: UserId) -> None:
    for _ in range(MAX_UNUSED_MEDIA):
        last = await harness.uploads.create(ana, 1000, "", "")
    with pytest.raises(Conflict) as refused:
        await harness.uploads.create(ana, 1000, "", "")
    assert refused.value.code == "too_many_unused_media"
    await harness.uploads.delete(ana, last.id)
    few = harness.uploads_with(UploadRules(10_000, MAX_UNUSED_MEDIA, max_unfinished_bytes=2500))
    with pytest.raises(Conflict) as refused:
        await few.create(ana, 1000, "", "")
    assert refused.value.code == "too_many_unfinished_bytes"


async def test_deleted_upload_leaves_nothing(harness: ServiceHarness, ana: UserId, photo: bytes) -> None:
    for content in (photo[:1500], photo):
        upload = await begin(harness, ana, photo)
        await harness.uploads.append(ana, upload.id, 0, pieces(content))
        await harness.work_off(JobKind.PROCESS_UPLOAD)
        await harness.uploads.delete(ana, upload.id)
        assert await parts(harness) == await picture_folders(harness) == []
        with pytest.raises(NotFound):
            await harness.uploads.get(ana, upload.id)
    assert await harness.unused_media.list_unused(ana) == []


async def test_sweep_deletes_expired_uploads_and_parts_without_a_row(
    harness: ServiceHarness, ana: UserId, photo: bytes
) -> None:
    expired, kept = await begin(harness, ana, photo), await begin(harness, ana, photo)
    for upload in (expired, kept):
        await harness.uploads.append(ana, upload.id, 0, pieces(photo[:1500]))
    await harness.media.put_private("uploads/lost/0", b"of a killed process")
    for file in (harness.folder / "media").rglob("*"):
        make_old(file)
    earlier = expired.id - ((DAY_MS + 1000) << 12)
    await harness.database.execute("DELETE FROM upload_parts WHERE upload_id = ?", [expired.id])
    await harness.database.execute("UPDATE uploads SET id = ? WHERE id = ?", [earlier, expired.id])
    await build_media_sweep(harness).sweep(await claim_maintenance_job(harness, JobKind.SWEEP_MEDIA))
    assert [row["id"] for row in await harness.rows("SELECT id FROM uploads")] == [kept.id]
    folder = await harness.value("SELECT folder FROM uploads")
    left = await parts(harness)
    assert len(left) == 2
    assert all(key.startswith(folder) for key in left)


async def test_steps_are_reported_to_the_owner(harness: ServiceHarness, ana: UserId, photo: bytes) -> None:
    upload = await begin(harness, ana, photo)
    await harness.uploads.append(ana, upload.id, 0, pieces(photo[:50]))
    assert harness.media_progress == []
    await harness.uploads.append(ana, upload.id, 50, pieces(photo[50:]))
    assert harness.media_progress == [(ana, upload.id, "queued")]
    await harness.work_off(JobKind.PROCESS_UPLOAD)
    bad = await begin(harness, ana, b"no image")
    await harness.uploads.append(ana, bad.id, 0, pieces(b"no image"))
    await harness.work_off(JobKind.PROCESS_UPLOAD)
    gone = await begin(harness, ana, photo)
    await harness.uploads.append(ana, gone.id, 0, pieces(photo))
    await harness.uploads.delete(ana, gone.id)
    await harness.work_off(JobKind.PROCESS_UPLOAD)
    assert harness.media_progress[1:] == [
        (ana, upload.id, "processing"),
        (ana, upload.id, "ready"),
        (ana, bad.id, "queued"),
        (ana, bad.id, "processing"),
        (ana, bad.id, "failed"),
        (ana, gone.id, "queued"),
    ]


async def test_image_of_one_request_is_reported_when_ready(
    harness: ServiceHarness, ana: UserId, photo: bytes, tmp_path: Path
) -> None:
    (tmp_path / "photo").write_bytes(photo)
    media = await harness.unused_media.add(ana, Upload(tmp_path / "photo"))
    assert harness.media_progress == [(ana, media.id, "ready")]
