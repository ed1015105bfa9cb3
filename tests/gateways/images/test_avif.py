"""AVIF renditions, by a real worker process: smaller than the JPEG, and at least as similar to the original."""

import asyncio
import io
import os
from pathlib import Path

import pytest
from PIL import Image

from server.errors import InvalidInput, Unavailable
from server.gateways.images.child.similarity import similarity
from server.gateways.images.processor import ImageProcessor
from tests.gateways.images.worker_pids import worker_pids
from tests.support.inputs import phone_files
from tests.support.inputs.pictures import encoded
from tools.harness.waiting import wait_until


@pytest.fixture
def textured(tmp_path: Path) -> Path:
    """A photograph with texture, 2000 pixels wide, whose renditions lose something."""
    coarse = Image.effect_noise((250, 190), 60).resize((2000, 1500), Image.Resampling.BICUBIC)
    fine = Image.effect_noise((2000, 1500), 12)
    path = tmp_path / "photo"
    path.write_bytes(encoded(Image.blend(coarse, fine, 0.3).convert("RGB"), quality=95))
    return path


async def test_each_avif_is_smaller_and_not_worse(processor: ImageProcessor, textured: Path) -> None:
    jpegs = {each.name: each for each in (await processor.process(textured)).renditions}
    avifs = await processor.encode_avif(textured)
    assert [each.name for each in avifs] == ["small", "medium", "w1080", "large"]
    with Image.open(textured) as original:
        for avif in avifs:
            jpeg = jpegs[avif.name]
            assert len(avif.content) < len(jpeg.content)
            with Image.open(io.BytesIO(avif.content)) as made, Image.open(io.BytesIO(jpeg.content)) as other:
                assert (made.format, made.size) == ("AVIF", other.size)
                assert not made.info.get("exif")
                assert not made.info.get("icc_profile")
                direct = original.resize(made.size, Image.Resampling.LANCZOS)
                assert similarity(direct, made) >= similarity(direct, other) - 0.002


async def test_avif_that_is_not_smaller_is_left_out(processor: ImageProcessor, tmp_path: Path) -> None:
    (tmp_path / "dot").write_bytes(encoded(Image.new("RGB", (1, 1)), "PNG"))
    assert await processor.encode_avif(tmp_path / "dot") == ()


async def test_metadata_of_the_original_is_not_in_an_avif(processor: ImageProcessor, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "CanaryCam"
    photo = phone_files.scene().resize((1500, 1100))
    (tmp_path / "photo").write_bytes(encoded(photo, exif=exif, xmp=b"canary xmp", comment=b"canary comment"))
    avifs = await processor.encode_avif(tmp_path / "photo")
    assert avifs
    assert not any(b"anary" in avif.content for avif in avifs)


async def test_uploads_do_not_wait_for_avifs(
    processor: ImageProcessor, textured: Path, tmp_path: Path
) -> None:
    endless = tmp_path / "endless"
    os.mkfifo(endless)
    holder = os.open(endless, os.O_RDWR)
    before = set(worker_pids())
    background = asyncio.create_task(processor.encode_avif(endless))
    await wait_until(lambda: set(worker_pids()) - before)
    (pid,) = set(worker_pids()) - before
    await wait_until(lambda: os.getpriority(os.PRIO_PROCESS, pid) == 19)
    made = await asyncio.gather(*(processor.process(textured, owner=number) for number in range(4)))
    assert len(made) == 4
    assert not background.done()
    background.cancel()
    os.close(holder)
    with pytest.raises(asyncio.CancelledError):
        await background


async def test_shutdown_does_not_wait_for_avifs(
    processor: ImageProcessor, textured: Path, tmp_path: Path
) -> None:
    endless = tmp_path / "endless"
    os.mkfifo(endless)
    holder = os.open(endless, os.O_RDWR)
    before = set(worker_pids())
    running = asyncio.create_task(processor.encode_avif(endless))
    await wait_until(lambda: set(worker_pids()) - before)
    processor.abandon_background()
    with pytest.raises(Unavailable):
        await running
    os.close(holder)
    with pytest.raises(Unavailable):
        await processor.encode_avif(textured)
    assert (await processor.process(textured)).width == 1440


async def test_damaged_original_is_refused(processor: ImageProcessor, tmp_path: Path) -> None:
    (tmp_path / "photo").write_bytes(encoded(Image.new("RGB", (400, 300)))[:300])
    with pytest.raises(InvalidInput):
        await processor.encode_avif(tmp_path / "photo")


def test_similarity_is_one_for_equal_pictures_and_less_for_others() -> None:
    picture = phone_files.scene()
    assert similarity(picture, picture) == pytest.approx(1)
    worse = [encoded(picture, quality=quality) for quality in (90, 50, 10)]
    found = [similarity(picture, Image.open(io.BytesIO(content))) for content in worse]
    assert 1 > found[0] > found[1] > found[2] > 0
