"""Uploaded files that are kept beside their renditions, in a folder and in a bucket."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.gateways.images.processor import Shape
from server.gateways.media import MediaStore
from server.ids import UserId
from server.models.accounts.users import UserTable
from server.services.content.pictures import Pictures, is_private
from server.services.jobs.event_jobs import JobKind
from tests.services.jobs.test_media_sweep import make_old
from tests.support.inputs import photos
from tests.support.jobs import build_media_sweep, claim_maintenance_job
from tools.harness.services import ServiceHarness

ANA = UserId(1)


CONTENT = photos.small()


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    file = tmp_path / "photo"
    file.write_bytes(CONTENT)
    return file


@pytest.fixture
async def bucket(s3: None, tmp_path: Path) -> AsyncIterator[MediaStore]:
    store = MediaStore.in_bucket(f"s3://pictures/{tmp_path.name}", base_url="https://media.test")
    yield store
    await store.close()


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, harness: ServiceHarness) -> MediaStore:
    return harness.media if request.param == "folder" else request.getfixturevalue("bucket")


async def keys(store: MediaStore) -> list[str]:
    return [entry.key async for entry in store.list()]


async def private_keys(store: MediaStore) -> list[str]:
    return [key for key in await keys(store) if is_private(key)]


@pytest.mark.parametrize("shape", Shape)
async def test_original_is_kept_and_deleted_with_its_picture(
    harness: ServiceHarness, store: MediaStore, photo: Path, shape: Shape
) -> None:
    pictures = Pictures(harness.images, store, harness.refused_pictures, keep_originals=True)
    stored = await pictures.store(photo, ANA, shape)
    (original,) = await private_keys(store)
    assert original.startswith(f"{stored.media_key}/original-")
    assert original in stored.keys
    assert sorted(stored.keys) == sorted(await keys(store))
    found = await store.get(original)
    assert b"".join([chunk async for chunk in found.chunks]) == CONTENT
    await pictures.remove(stored.media_key)
    assert await keys(store) == []

    await pictures.discard([await pictures.store(photo, ANA, shape)])
    assert await keys(store) == []


async def test_originals_are_not_kept_by_default(harness: ServiceHarness, photo: Path) -> None:
    stored = await Pictures(harness.images, harness.media, harness.refused_pictures).store(
        photo, ANA, Shape.PHOTO
    )
    assert sorted(stored.keys) == sorted(await keys(harness.media))
    assert await private_keys(harness.media) == []


async def test_sweep_deletes_originals_without_a_row(harness: ServiceHarness, photo: Path) -> None:
    pictures = Pictures(harness.images, harness.media, harness.refused_pictures, keep_originals=True)
    used = await pictures.store(photo, ANA, Shape.AVATAR)
    await pictures.store(photo, ANA, Shape.AVATAR)
    await UserTable.filter(id=await harness.user()).update(avatar_key=used.media_key)
    for key in await keys(harness.media):
        make_old(harness.folder / "media" / key)
    await build_media_sweep(harness).sweep(await claim_maintenance_job(harness, JobKind.SWEEP_MEDIA))
    assert sorted(await keys(harness.media)) == sorted(used.keys)
