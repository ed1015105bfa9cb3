"""Image processing with real pictures, valid and malicious, in real worker processes."""

import asyncio
import contextlib
import io
import os
import signal
import struct
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageCms, ImageDraw, PngImagePlugin

from server.errors import AppError, InvalidInput, StorageFull, TooLarge, Unavailable, UnsupportedMedia
from server.gateways.images.processor import ImageProcessor, Shape
from tests.support.inputs.malicious_files import jpeg_bomb, png_bomb, webp_bomb
from tools.harness.waiting import wait_until

RED, GREY = (230, 20, 20), (120, 120, 120)
PIXELS_ONLY = {0xD8, 0xE0, 0xDB, 0xC2, 0xC4, 0xDA, 0xD9}  # SOI APP0(JFIF) DQT SOF2(progressive) DHT SOS EOI


@pytest.fixture
async def processor() -> AsyncIterator[ImageProcessor]:
    processor = ImageProcessor()
    yield processor
    await processor.stop()


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photograph of 12 megapixels from a phone: rotated, with a place, a comment, XMP and a profile."""
    path = tmp_path_factory.mktemp("camera") / "photo.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "CanaryCam"
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)})
    marked(4000, 3000).save(
        path,
        exif=exif,
        comment=b"canary comment",
        xmp=b"<x:xmpmeta>canary xmp</x:xmpmeta>",
        icc_profile=srgb_profile(),
    )
    return path


def marked(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """Return a grey picture with a red quarter at the top left."""
    picture = Image.new("RGB", (width, height), GREY)
    ImageDraw.Draw(picture).rectangle((0, 0, width // 2, height // 2), fill=RED)
    return picture.convert(mode)


def encoded(picture: Image.Image, form: str = "JPEG", **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def markers(jpeg: bytes) -> set[int]:
    """Return all markers of a JPEG file, and 0 for bytes after its end."""
    found, at = {jpeg[1]}, 2
    while True:
        marker = jpeg[at + 1]
        found.add(marker)
        if marker == 0xD9:
            return found | ({0} if at + 2 != len(jpeg) else set())
        at += 2 + struct.unpack(">H", jpeg[at + 2 : at + 4])[0]
        if marker == 0xDA:
            while not (jpeg[at] == 0xFF and jpeg[at + 1] not in {0, *range(0xD0, 0xD8)}):
                at += 1


def corner(path: Path) -> str:
    """Return the corner with the red quarter."""
    with Image.open(path) as picture:
        width, height = picture.size
        places = {"top left": (1, 1), "top right": (3, 1), "bottom left": (1, 3), "bottom right": (3, 3)}
        red = [
            name
            for name, (x, y) in places.items()
            if alike(picture.getpixel((width * x // 4, height * y // 4)), RED)
        ]
    return ", ".join(red)


def alike(pixel: object, colour: tuple[int, int, int]) -> bool:
    assert isinstance(pixel, tuple)
    return all(abs(one - other) <= 12 for one, other in zip(pixel, colour, strict=True))


def pixel(path: Path, place: tuple[int, int] = (0, 0)) -> object:
    with Image.open(path) as picture:
        return picture.getpixel(place)


def worker_pids() -> list[int]:
    """Return the process ids of the image workers of this process."""
    pids: list[int] = []
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):
            pids += [int(pid) for pid in (task / "children").read_text().split()]
    return [pid for pid in pids if "images/worker.py" in command(pid)]


def command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


@pytest.fixture
def endless(tmp_path: Path) -> Iterator[Path]:
    """A source that a worker can open but never finish reading: a pipe without a writer."""
    path = tmp_path / "endless"
    os.mkfifo(path)
    holder = os.open(path, os.O_RDWR)
    yield path
    os.close(holder)


def being_read(fifo: Path) -> bool:
    """Return whether a worker has the pipe open."""
    return any(
        link.exists() and link.readlink() == fifo
        for pid in worker_pids()
        for link in Path(f"/proc/{pid}/fd").iterdir()
    )


# What comes out


async def test_photograph_becomes_three_upright_jpegs(
    processor: ImageProcessor, photo: Path, tmp_path: Path
) -> None:
    made = await processor.process(photo, tmp_path / "out")
    assert [(r.name, r.width, r.height) for r in made.renditions] == [
        ("small", 240, 320),
        ("medium", 480, 640),
        ("large", 1080, 1440),
    ]
    assert (made.width, made.height) == (1080, 1440)
    for rendition in made.renditions:
        with Image.open(rendition.path) as picture:
            assert picture.format == "JPEG"
            assert picture.size == (rendition.width, rendition.height)
        assert corner(rendition.path) == "top right"
    assert len(made.blurhash) == 28


async def test_nothing_but_pixels_survives(processor: ImageProcessor, photo: Path, tmp_path: Path) -> None:
    assert {0xE1, 0xE2, 0xFE} <= markers(photo.read_bytes())  # noqa: ASYNC240 - EXIF and XMP, profile, comment
    for shape in Shape:
        made = await processor.process(photo, tmp_path / shape, shape)
        for rendition in made.renditions:
            assert markers(rendition.path.read_bytes()) <= PIXELS_ONLY


async def test_png_and_webp_metadata_is_removed(processor: ImageProcessor, tmp_path: Path) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "canary")
    text.add_itxt("XML:com.adobe.xmp", "canary")
    exif = Image.Exif()
    exif[0x010F] = "canary"
    sources = {
        "png": encoded(marked(400, 300), "PNG", pnginfo=text, exif=exif, icc_profile=srgb_profile()),
        "webp": encoded(marked(400, 300), "WEBP", exif=exif, xmp=b"canary", icc_profile=srgb_profile()),
    }
    for name, data in sources.items():
        (tmp_path / name).write_bytes(data)
        made = await processor.process(tmp_path / name, tmp_path / "out")
        for rendition in made.renditions:
            assert markers(rendition.path.read_bytes()) <= PIXELS_ONLY


async def test_bytes_after_the_picture_are_removed(processor: ImageProcessor, tmp_path: Path) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("page.html", "<script>canary</script>")
    source = tmp_path / "polyglot"
    source.write_bytes(encoded(marked(400, 300)) + archive.getvalue())
    assert zipfile.is_zipfile(source)
    made = await processor.process(source, tmp_path / "out")
    for rendition in made.renditions:
        assert markers(rendition.path.read_bytes()) <= PIXELS_ONLY
        assert not zipfile.is_zipfile(rendition.path)


@pytest.mark.parametrize(
    ("orientation", "where", "size"),
    [
        (1, "top left", (800, 600)),
        (2, "top right", (800, 600)),
        (3, "bottom right", (800, 600)),
        (4, "bottom left", (800, 600)),
        (5, "top left", (600, 800)),
        (6, "top right", (600, 800)),
        (7, "bottom right", (600, 800)),
        (8, "bottom left", (600, 800)),
        (99, "top left", (800, 600)),
    ],
)
async def test_orientation_is_applied(
    processor: ImageProcessor, tmp_path: Path, orientation: int, where: str, size: tuple[int, int]
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    (tmp_path / "photo").write_bytes(encoded(marked(800, 600), exif=exif))
    made = await processor.process(tmp_path / "photo", tmp_path / "out")
    assert (made.width, made.height) == size
    assert {corner(rendition.path) for rendition in made.renditions} == {where}


async def test_broken_exif_is_ignored(processor: ImageProcessor, tmp_path: Path) -> None:
    (tmp_path / "photo").write_bytes(encoded(marked(800, 600), exif=b"Exif\0\0II*\0\xff\xff\xff\x7f"))
    made = await processor.process(tmp_path / "photo", tmp_path / "out")
    assert (made.width, made.height) == (800, 600)


async def test_nothing_is_enlarged(processor: ImageProcessor, tmp_path: Path) -> None:
    for width, height in ((200, 100), (1, 1), (500, 2), (2, 3000)):
        (tmp_path / "tiny.png").write_bytes(encoded(marked(width, height), "PNG"))
        made = await processor.process(tmp_path / "tiny.png", tmp_path / "out")
        assert all(r.width <= width and r.height <= height for r in made.renditions)
        assert made.blurhash
        avatar = await processor.process(tmp_path / "tiny.png", tmp_path / "out", Shape.AVATAR)
        assert {r.width - r.height for r in avatar.renditions} == {0}
        assert avatar.width == min(width, height, 320)


async def test_avatar_is_the_central_square(processor: ImageProcessor, photo: Path, tmp_path: Path) -> None:
    picture = Image.new("RGB", (1000, 400), GREY)
    ImageDraw.Draw(picture).rectangle((300, 0, 699, 399), fill=RED)
    (tmp_path / "banner").write_bytes(encoded(picture))
    made = await processor.process(tmp_path / "banner", tmp_path / "out", Shape.AVATAR)
    assert [(r.name, r.width, r.height) for r in made.renditions] == [("small", 96, 96), ("large", 320, 320)]
    large = made.renditions[-1].path
    assert alike(pixel(large, (4, 160)), RED)
    assert alike(pixel(large, (315, 160)), RED)
    turned = await processor.process(photo, tmp_path / "out", Shape.AVATAR)
    assert corner(turned.renditions[-1].path) == "top right"


async def test_transparency_becomes_white(processor: ImageProcessor, tmp_path: Path) -> None:
    clear = marked(2000, 1000, "RGBA")
    clear.putalpha(0)
    palette = marked(2000, 1000).convert("P", palette=Image.Palette.ADAPTIVE, colors=4)
    nearly = Image.new("LA", (600, 600), (0, 0))
    for name, data in {
        "rgba.png": encoded(clear, "PNG"),
        "rgba.webp": encoded(clear, "WEBP", lossless=True),
        "la.png": encoded(nearly, "PNG"),
        "palette.png": encoded(palette, "PNG", transparency=palette.getpixel((0, 0))),
        "colour-key.png": encoded(marked(900, 900), "PNG", transparency=RED),
    }.items():
        (tmp_path / name).write_bytes(data)
        made = await processor.process(tmp_path / name, tmp_path / "out")
        for rendition in made.renditions:
            assert alike(pixel(rendition.path), (255, 255, 255)), name


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK", "I;16", "YCbCr", "LA", "RGBA"])
async def test_every_pixel_format_keeps_its_colours(
    processor: ImageProcessor, tmp_path: Path, mode: str
) -> None:
    if mode == "I;16":
        picture = Image.new("I;16", (1800, 900), 120 * 257)
    elif mode == "1":
        picture = Image.new("1", (1800, 900), 1)
    else:
        picture = Image.new("RGB", (1800, 900), GREY).convert(mode)
    form = "JPEG" if mode in ("CMYK", "YCbCr") else "PNG"
    (tmp_path / "picture").write_bytes(encoded(picture, form))
    made = await processor.process(tmp_path / "picture", tmp_path / "out")
    expected = (255, 255, 255) if mode == "1" else GREY
    assert all(alike(pixel(r.path, (50, 50)), expected) for r in made.renditions)


async def test_colours_are_converted_to_srgb(processor: ImageProcessor, tmp_path: Path) -> None:
    profile = srgb_profile().replace(b"rXYZ", b"_XYZ", 1).replace(b"bXYZ", b"rXYZ", 1)
    swapped = profile.replace(b"_XYZ", b"bXYZ", 1)  # What this profile calls red is blue.
    (tmp_path / "photo").write_bytes(encoded(Image.new("RGB", (64, 64), (255, 0, 0)), icc_profile=swapped))
    made = await processor.process(tmp_path / "photo", tmp_path / "out")
    assert alike(pixel(made.renditions[0].path), (0, 0, 255))


async def test_unusable_profile_is_ignored(processor: ImageProcessor, tmp_path: Path) -> None:
    for name, picture, profile in (
        ("garbage", Image.new("RGB", (64, 64), RED), b"garbage" * 40),
        ("other model", Image.new("CMYK", (64, 64), (0, 255, 255, 0)), srgb_profile()),
    ):
        (tmp_path / name).write_bytes(encoded(picture, icc_profile=profile))
        made = await processor.process(tmp_path / name, tmp_path / "out")
        red, green, _ = pixel(made.renditions[0].path)  # type: ignore[misc]
        assert red > 200 > 60 > green


async def test_first_frame_of_an_animation_is_used(processor: ImageProcessor, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (400, 300), colour) for colour in (RED, GREY)]
    for form in ("WEBP", "PNG"):
        (tmp_path / form).write_bytes(encoded(frames[0], form, save_all=True, append_images=frames[1:]))
        made = await processor.process(tmp_path / form, tmp_path / "out")
        assert alike(pixel(made.renditions[-1].path), RED)


async def test_multi_picture_jpeg_is_accepted(processor: ImageProcessor, tmp_path: Path) -> None:
    both = marked(3000, 2000)
    (tmp_path / "mpo").write_bytes(encoded(both, "MPO", save_all=True, append_images=[marked(300, 200)]))
    made = await processor.process(tmp_path / "mpo", tmp_path / "out")
    assert (made.width, made.height) == (1440, 960)
    assert markers(made.renditions[-1].path.read_bytes()) <= PIXELS_ONLY


# What is refused


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("gif.jpg", encoded(marked(40, 30), "GIF")),
        ("bmp.png", encoded(marked(40, 30), "BMP")),
        ("tiff.webp", encoded(marked(40, 30), "TIFF")),
        ("svg.svg", b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'),
        ("html.jpeg", b"<!doctype html><script>alert(1)</script>"),
        ("pdf.jpg", b"%PDF-1.7"),
        ("two-bytes.jpg", b"\xff\xd8"),
        ("zeros", bytes(4096)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_other_content_is_unsupported(
    processor: ImageProcessor, tmp_path: Path, name: str, data: bytes
) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UnsupportedMedia, match="JPEG, PNG and WebP"):
        await processor.process(tmp_path / name, tmp_path / "out")
    assert not (tmp_path / "out").exists()


async def test_empty_file_is_rejected(processor: ImageProcessor, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with pytest.raises(InvalidInput, match="empty"):
        await processor.process(tmp_path / "empty", tmp_path / "out")


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
async def test_truncated_picture_is_rejected(processor: ImageProcessor, tmp_path: Path, form: str) -> None:
    whole = encoded(Image.effect_noise((300, 200), 60), form)
    for kept in (0.3, 0.6, 0.95):
        (tmp_path / "cut").write_bytes(whole[: int(len(whole) * kept)])
        with pytest.raises(InvalidInput):
            await processor.process(tmp_path / "cut", tmp_path / "out")


@pytest.mark.parametrize(
    "data",
    [png_bomb(20_000, 20_000), jpeg_bomb(20_000, 20_000), webp_bomb(16_384, 16_384), png_bomb(5001, 5000)],
    ids=["png", "jpeg", "webp", "one column over"],
)
async def test_too_many_pixels_are_rejected_from_the_header(
    processor: ImageProcessor, tmp_path: Path, data: bytes
) -> None:
    (tmp_path / "bomb").write_bytes(data)
    with pytest.raises(TooLarge, match="25 megapixels"):
        await processor.process(tmp_path / "bomb", tmp_path / "out")


async def test_jpeg_with_too_many_scans_is_rejected_undecoded(
    processor: ImageProcessor, tmp_path: Path
) -> None:
    whole = encoded(Image.new("L", (4000, 4000)), progressive=True)
    scan = whole[whole.rindex(b"\xff\xda") : -2]
    (tmp_path / "scans").write_bytes(whole[:-2] + 4000 * scan + whole[-2:])
    with pytest.raises(InvalidInput, match="cannot be processed"):
        await processor.process(tmp_path / "scans", tmp_path / "out")
    assert len(worker_pids()) == 1  # The time limit did not end it.


async def test_corrupt_bytes_give_a_picture_or_an_error(processor: ImageProcessor, tmp_path: Path) -> None:
    for form in ("JPEG", "PNG", "WEBP"):
        whole = encoded(marked(60, 40), form, exif=Image.Exif(), icc_profile=srgb_profile())
        for at in range(0, len(whole), max(1, len(whole) // 60)):
            broken = bytearray(whole)
            broken[at] ^= 0xFF
            (tmp_path / "broken").write_bytes(broken)
            with contextlib.suppress(InvalidInput, TooLarge):
                await processor.process(tmp_path / "broken", tmp_path / "out")
    assert len(worker_pids()) == 1


async def test_full_disk_while_processing_is_storage_full(
    processor: ImageProcessor, photo: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "large.jpg").symlink_to("/dev/full")
    with pytest.raises(StorageFull):
        await processor.process(photo, tmp_path / "out")


async def test_missing_source_is_unavailable(processor: ImageProcessor, tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        await processor.process(tmp_path / "nothing", tmp_path / "out")


# Children and limits


async def test_picture_over_the_time_limit_kills_only_its_worker(
    photo: Path, endless: Path, tmp_path: Path
) -> None:
    processor = ImageProcessor(timeout_s=1.0)
    try:
        with pytest.raises(InvalidInput, match="cannot be processed"):
            await processor.process(endless, tmp_path / "out")
        assert worker_pids() == []
        assert await processor.process(photo, tmp_path / "out")
    finally:
        await processor.stop()


async def test_killed_worker_fails_only_its_picture(
    processor: ImageProcessor, photo: Path, endless: Path, tmp_path: Path
) -> None:
    doomed = asyncio.create_task(processor.process(endless, tmp_path / "out"))
    await wait_until(lambda: being_read(endless))
    os.kill(worker_pids()[0], signal.SIGSEGV)
    with pytest.raises(InvalidInput, match="cannot be processed"):
        await doomed
    assert await processor.process(photo, tmp_path / "out")


async def test_worker_killed_while_idle_is_replaced(
    processor: ImageProcessor, photo: Path, tmp_path: Path
) -> None:
    await processor.process(photo, tmp_path / "out")
    (pid,) = worker_pids()
    os.kill(pid, signal.SIGKILL)
    await wait_until(lambda: not any(worker.alive for worker in processor._pool._workers))
    assert await processor.process(photo, tmp_path / "out")


async def test_picture_over_the_memory_limit_fails_alone(photo: Path, tmp_path: Path) -> None:
    (tmp_path / "wide.png").write_bytes(encoded(Image.new("RGBA", (4900, 4900)), "PNG"))
    processor = ImageProcessor(memory_bytes=150 * 1024**2)
    try:
        with pytest.raises(InvalidInput):
            await processor.process(tmp_path / "wide.png", tmp_path / "out")
        assert await processor.process(photo, tmp_path / "out")
    finally:
        await processor.stop()


@pytest.mark.parametrize("interpreter", ["/bin/false", "/nowhere/python"])
async def test_worker_that_does_not_start_is_unavailable(
    processor: ImageProcessor,
    photo: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    interpreter: str,
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", interpreter)
        with pytest.raises(Unavailable) as raised:
            await processor.process(photo, tmp_path / "out")
    assert raised.value.retry_after_s
    assert await processor.process(photo, tmp_path / "out")


async def test_number_of_waiting_pictures_is_bounded(endless: Path, photo: Path, tmp_path: Path) -> None:
    processor = ImageProcessor(max_waiting=1)
    first = asyncio.create_task(processor.process(endless, tmp_path / "a"))
    await wait_until(lambda: being_read(endless))
    second = asyncio.create_task(processor.process(photo, tmp_path / "b"))
    await asyncio.sleep(0)
    with pytest.raises(Unavailable) as raised:
        await processor.process(photo, tmp_path / "c")
    assert raised.value.retry_after_s
    first.cancel()
    assert await second
    await processor.stop()


async def test_cancelled_request_kills_its_worker(
    processor: ImageProcessor, endless: Path, photo: Path, tmp_path: Path
) -> None:
    job = asyncio.create_task(processor.process(endless, tmp_path / "out"))
    await wait_until(lambda: being_read(endless))
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert worker_pids() == []
    assert await processor.process(photo, tmp_path / "out")


async def test_concurrent_pictures_share_the_workers(photo: Path, tmp_path: Path) -> None:
    processor = ImageProcessor(workers=2)
    jobs = [processor.process(photo, tmp_path / str(number)) for number in range(8)]
    made = await asyncio.gather(*jobs)
    assert len({image.blurhash for image in made}) == 1
    assert len(worker_pids()) == 2
    await processor.stop()
    assert worker_pids() == []


async def test_idle_worker_stops_and_is_replaced(photo: Path, tmp_path: Path) -> None:
    processor = ImageProcessor(idle_s=0.05)
    await processor.process(photo, tmp_path / "out")
    await wait_until(lambda: worker_pids() == [])
    assert await processor.process(photo, tmp_path / "out")
    await processor.stop()


async def test_signals_to_the_group_do_not_interrupt_a_picture(
    processor: ImageProcessor, photo: Path, tmp_path: Path
) -> None:
    await processor.process(photo, tmp_path / "out")
    (pid,) = worker_pids()
    assert os.getsid(pid) != os.getsid(0)
    os.kill(pid, signal.SIGINT)
    os.kill(pid, signal.SIGTERM)
    await processor.process(photo, tmp_path / "out")
    assert worker_pids() == [pid]


async def test_stop_finishes_the_picture_and_rejects_the_next(photo: Path, tmp_path: Path) -> None:
    processor = ImageProcessor()
    running = asyncio.create_task(processor.process(photo, tmp_path / "a"))
    waiting = asyncio.create_task(processor.process(photo, tmp_path / "b"))
    await wait_until(worker_pids)
    await processor.stop()
    assert await running
    with pytest.raises(Unavailable):
        await waiting
    with pytest.raises(Unavailable):
        await processor.process(photo, tmp_path / "c")
    assert worker_pids() == []


async def test_cancelled_stop_leaves_no_worker(endless: Path, tmp_path: Path) -> None:
    processor = ImageProcessor()
    job = asyncio.create_task(processor.process(endless, tmp_path / "out"))
    await wait_until(lambda: being_read(endless))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await processor.stop()
    with pytest.raises(AppError):
        await job
    assert worker_pids() == []


async def test_stop_without_work_returns_at_once(tmp_path: Path) -> None:
    processor = ImageProcessor()
    await processor.stop()
    await processor.stop()


PARENT = """
import asyncio, sys
from pathlib import Path
from server.gateways.images.processor import ImageProcessor

async def main():
    processor = ImageProcessor()
    await processor.process(Path(sys.argv[1]), Path(sys.argv[2]))
    children = [Path(f"/proc/self/task/{task.name}/children").read_text() for task in Path("/proc/self/task").iterdir()]
    print("PIL" in sys.modules, "blurhash_rs" in sys.modules, "".join(children), flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_worker_isolates_pillow_and_exits_with_its_parent(photo: Path, tmp_path: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, str(photo), str(tmp_path / "out"), stdout=subprocess.PIPE
    )
    assert parent.stdout
    pillow = blurhash = pid = b""
    async with asyncio.timeout(30):
        async for line in parent.stdout:
            if line.startswith((b"True", b"False")):
                pillow, blurhash, pid = line.split()
                break
    assert (pillow, blurhash) == (b"False", b"False")
    assert "images/worker.py" in command(int(pid))
    parent.kill()
    await parent.communicate()
    await wait_until(lambda: "images/worker.py" not in command(int(pid)))
