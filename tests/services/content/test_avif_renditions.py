"""The job that adds AVIF renditions: what it stores, what clients then see, and what is left behind: nothing."""

import os
import time
from pathlib import Path

import pytest
from PIL import Image as PillowImage

from server.errors import AppError, Unavailable
from server.gateways.images.processor import Rendition
from server.ids import PostId, UserId
from server.paging import PageRequest
from server.services.content.pictures import is_original, is_temporary
from server.services.content.posts import Upload
from server.services.content.sources import image_sources, named_urls
from server.services.jobs.claims import Claim
from server.services.jobs.event_jobs import JobKind
from server.services.records import Post
from tests.support.inputs.pictures import encoded
from tests.support.jobs import build_media_sweep, claim_maintenance_job
from tools.harness.services import ServiceHarness

DAYS = 86_400


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    texture = PillowImage.effect_noise((700, 500), 40).convert("RGB")
    (tmp_path / "photo").write_bytes(encoded(texture, quality=95))
    return tmp_path / "photo"


@pytest.fixture
async def ana(harness: ServiceHarness) -> UserId:
    harness.pictures.encodes_avif = True
    return await harness.user()


async def publish(harness: ServiceHarness, author_id: UserId, photo: Path, count: int = 1) -> Post:
    return await harness.posts.publish(author_id, "", [Upload(photo)] * count)


async def keys(harness: ServiceHarness) -> list[str]:
    return sorted([entry.key async for entry in harness.media.list()])


async def originals(harness: ServiceHarness) -> list[str]:
    return [key for key in await keys(harness) if is_original(key)]


async def encode(harness: ServiceHarness) -> None:
    assert await harness.work_off(JobKind.ENCODE_AVIF) == 1


async def reclaim(harness: ServiceHarness, claim: Claim) -> Claim:
    await harness.jobs.return_to_queue([claim])
    found = await harness.jobs.claim(claim.id)
    assert found is not None
    return found


async def test_sources_have_the_avifs_and_the_original_is_gone(
    harness: ServiceHarness, ana: UserId, photo: Path
) -> None:
    before = await publish(harness, ana, photo, 2)
    assert len(await originals(harness)) == 2
    assert all(is_temporary(key) for key in await originals(harness))
    assert {source.type for source in image_sources(before.card.images[0])} == {"image/jpeg"}
    await encode(harness)
    assert await originals(harness) == []
    post = await harness.posts.get(ana, before.id)
    stored = await keys(harness)
    for image in post.card.images:
        sources = image_sources(image)
        assert [(source.width, source.type) for source in sources] == [
            (320, "image/avif"), (320, "image/jpeg"), (700, "image/avif"), (700, "image/jpeg"),
        ]  # fmt: skip
        for source in sources:
            assert source.url.removeprefix("https://media.test/") in stored
        assert set(named_urls(sources).values()) <= {
            each.url for each in sources if each.type == "image/jpeg"
        }
    assert post.card.edited_at_ms is None
    assert post.revision == before.revision + 1


async def test_readers_see_new_sources_in_cached_feeds(
    harness: ServiceHarness, ana: UserId, photo: Path
) -> None:
    await publish(harness, ana, photo)
    other = harness.feed_on(harness.pipelined_redis)
    for feed in (harness.feed, other):
        page = await feed.page(ana, PageRequest(5))
        assert len(page.items) == 1
    await encode(harness)
    for feed in (harness.feed, other):
        (post,) = (await feed.page(ana, PageRequest(5))).items
        assert "image/avif" in {source.type for source in image_sources(post.card.images[0])}
    edited = await harness.posts.edit(ana, post.id, "New", None)
    for feed in (harness.feed, other):
        (post,) = (await feed.page(ana, PageRequest(5))).items
        assert (post.card.caption, post.card.changed_at_ms) == ("New", edited.card.edited_at_ms)


async def test_nothing_is_kept_or_made_when_it_is_switched_off(harness: ServiceHarness, photo: Path) -> None:
    await publish(harness, await harness.user(), photo)
    assert await originals(harness) == []
    assert await harness.due(JobKind.ENCODE_AVIF) == []


async def test_permanent_originals_stay(harness: ServiceHarness, ana: UserId, photo: Path) -> None:
    harness.pictures._keep_originals = True
    post = await publish(harness, ana, photo)
    kept = await originals(harness)
    await encode(harness)
    assert await originals(harness) == kept != []
    found = await harness.posts.get(ana, post.id)
    assert len(image_sources(found.card.images[0])) == 4


async def test_interrupted_job_is_repeated(
    harness: ServiceHarness, ana: UserId, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fail at each step in turn, as a killed worker does, until nothing is left to fail."""
    post = await publish(harness, ana, photo)
    claim = await harness.claim(JobKind.ENCODE_AVIF)
    for target, name in (
        (harness.images, "encode_avif"),
        (harness.media, "put"),
        (harness.image_rows, "add_variants"),
        (harness.media, "delete"),
        (harness.jobs, "finish"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(target, name, _fail)
            with pytest.raises(Unavailable):
                await harness.avif_renditions.encode(claim)
        claim = await reclaim(harness, claim)
    await harness.avif_renditions.encode(claim)
    assert await originals(harness) == []
    found = await harness.posts.get(ana, post.id)
    assert len(image_sources(found.card.images[0])) == 4
    assert found.revision == post.revision + 1


async def _fail(*_: object, **__: object) -> None:
    raise Unavailable("Killed.")


async def test_nothing_is_left_of_a_post_deleted_before_the_job(
    harness: ServiceHarness, ana: UserId, photo: Path
) -> None:
    first, second = await publish(harness, ana, photo), await publish(harness, ana, photo)
    for post in (first, second):
        await harness.posts.delete(ana, post.id)
    first_job, _ = await harness.due(JobKind.ENCODE_AVIF)
    claim = await harness.jobs.claim(first_job)
    assert claim is not None
    await harness.avif_renditions.encode(claim)
    assert len(await originals(harness)) == 1
    await harness.work_off(JobKind.REMOVE_POST)
    await harness.work_off(JobKind.ENCODE_AVIF)
    assert await keys(harness) == []


async def test_nothing_is_left_of_a_post_deleted_during_the_job(
    harness: ServiceHarness, ana: UserId, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = await publish(harness, ana, photo)
    encode_avif = harness.images.encode_avif

    async def deleted_meanwhile(source: Path) -> tuple[Rendition, ...]:
        renditions = await encode_avif(source)
        assert renditions
        await harness.posts.delete(ana, post.id)
        await harness.work_off(JobKind.REMOVE_POST)
        return renditions

    monkeypatch.setattr(harness.images, "encode_avif", deleted_meanwhile)
    await encode(harness)
    assert await keys(harness) == []


async def test_nothing_is_left_of_a_post_deleted_after_the_job(
    harness: ServiceHarness, ana: UserId, photo: Path
) -> None:
    post = await publish(harness, ana, photo)
    await encode(harness)
    await harness.posts.delete(ana, post.id)
    await harness.work_off(JobKind.REMOVE_POST)
    assert await keys(harness) == []


async def test_original_of_unused_media_is_deleted_with_it(
    harness: ServiceHarness, ana: UserId, photo: Path
) -> None:
    media = await harness.unused_media.add(ana, Upload(photo))
    assert len(await originals(harness)) == 1
    await harness.unused_media.delete(ana, media.id)
    assert await keys(harness) == []


async def test_published_media_get_avifs(harness: ServiceHarness, ana: UserId, photo: Path) -> None:
    media = await harness.unused_media.add(ana, Upload(photo))
    post = await harness.posts.publish_media(ana, "", [media.id])
    await encode(harness)
    assert len(image_sources((await harness.posts.get(ana, post.id)).card.images[0])) == 4
    assert await originals(harness) == []


async def test_refused_original_leaves_the_jpegs(harness: ServiceHarness, ana: UserId, photo: Path) -> None:
    post = await publish(harness, ana, photo)
    (original,) = await originals(harness)
    (harness.folder / "media" / original).write_bytes(b"damaged")
    await encode(harness)
    assert len(image_sources((await harness.posts.get(ana, post.id)).card.images[0])) == 2
    assert await originals(harness) == []


async def test_sweep_deletes_originals_of_failed_jobs(
    harness: ServiceHarness, ana: UserId, photo: Path
) -> None:
    await publish(harness, ana, photo, 2)
    young, old = await originals(harness)
    a_while_ago = time.time() - 4 * DAYS
    os.utime(harness.folder / "media" / old, (a_while_ago, a_while_ago))
    before = await keys(harness)
    await build_media_sweep(harness).sweep(await claim_maintenance_job(harness, JobKind.SWEEP_MEDIA))
    assert await keys(harness) == [key for key in before if key != old]
    assert await originals(harness) == [young]


async def test_job_of_an_erased_post_ends(harness: ServiceHarness, ana: UserId, photo: Path) -> None:
    post = await publish(harness, ana, photo)
    await harness.posts.delete(ana, post.id)
    await harness.work_off(JobKind.REMOVE_POST)
    assert await harness.value("SELECT COUNT(*) AS n FROM posts WHERE id = ?", PostId(post.id)) == 0
    await encode(harness)
    with pytest.raises(AppError):
        await harness.posts.get(ana, post.id)
