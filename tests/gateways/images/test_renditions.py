"""Renditions by real worker processes: sizes, orientation, colours, and no metadata."""

import io
import zipfile
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, PngImagePlugin

from server.gateways.images.processor import ImageProcessor, Shape
from tests.support.inputs.pictures import (
    GREY,
    PIXELS_ONLY,
    RED,
    alike,
    corner,
    encoded,
    marked,
    markers,
    pixel,
    srgb_profile,
)


async def test_photograph_becomes_upright_jpegs(
    processor: ImageProcessor, photo: Path, tmp_path: Path
) -> None:
    made = await processor.process(photo)
    assert [(r.name, r.width, r.height) for r in made.renditions] == [
        ("small", 320, 427),
        ("medium", 640, 853),
        ("w1080", 1080, 1440),
        ("large", 1440, 1920),
        ("square", 400, 400),
    ]
    assert (made.width, made.height) == (1440, 1920)
    for rendition in made.renditions:
        with Image.open(io.BytesIO(rendition.content)) as picture:
            assert picture.format == "JPEG"
            assert picture.size == (rendition.width, rendition.height)
        assert corner(rendition.content) == "top right"
    assert len(made.blurhash) == 28


async def test_nothing_but_pixels_survives(processor: ImageProcessor, photo: Path, tmp_path: Path) -> None:
    assert {0xE1, 0xE2, 0xFE} <= markers(photo.read_bytes())  # noqa: ASYNC240 - EXIF and XMP, profile, comment
    for shape in Shape:
        made = await processor.process(photo, shape)
        for rendition in made.renditions:
            assert markers(rendition.content) <= PIXELS_ONLY


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
        made = await processor.process(tmp_path / name)
        for rendition in made.renditions:
            assert markers(rendition.content) <= PIXELS_ONLY


async def test_bytes_after_the_picture_are_removed(processor: ImageProcessor, tmp_path: Path) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("page.html", "<script>canary</script>")
    source = tmp_path / "polyglot"
    source.write_bytes(encoded(marked(400, 300)) + archive.getvalue())
    assert zipfile.is_zipfile(source)
    made = await processor.process(source)
    for rendition in made.renditions:
        assert markers(rendition.content) <= PIXELS_ONLY
        assert not zipfile.is_zipfile(io.BytesIO(rendition.content))


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
    made = await processor.process(tmp_path / "photo")
    assert (made.width, made.height) == size
    assert {corner(rendition.content) for rendition in made.renditions} == {where}


async def test_broken_exif_is_ignored(processor: ImageProcessor, tmp_path: Path) -> None:
    (tmp_path / "photo").write_bytes(encoded(marked(800, 600), exif=b"Exif\0\0II*\0\xff\xff\xff\x7f"))
    made = await processor.process(tmp_path / "photo")
    assert (made.width, made.height) == (800, 600)


async def test_nothing_is_enlarged(processor: ImageProcessor, tmp_path: Path) -> None:
    for width, height in ((200, 100), (1, 1), (500, 2), (2, 3000), (60, 60)):
        (tmp_path / "tiny.png").write_bytes(encoded(marked(width, height), "PNG"))
        made = await processor.process(tmp_path / "tiny.png")
        assert all(r.width <= width and r.height <= height for r in made.renditions)
        assert made.blurhash
        avatar = await processor.process(tmp_path / "tiny.png", Shape.AVATAR)
        assert {r.width - r.height for r in avatar.renditions} == {0}
        assert avatar.width == min(width, height, 320)


async def test_avatar_is_the_central_square(processor: ImageProcessor, photo: Path, tmp_path: Path) -> None:
    picture = Image.new("RGB", (1000, 400), GREY)
    ImageDraw.Draw(picture).rectangle((300, 0, 699, 399), fill=RED)
    (tmp_path / "banner").write_bytes(encoded(picture))
    made = await processor.process(tmp_path / "banner", Shape.AVATAR)
    assert [(r.name, r.width, r.height) for r in made.renditions] == [("small", 96, 96), ("large", 320, 320)]
    large = made.renditions[-1].content
    assert alike(pixel(large, (4, 160)), RED)
    assert alike(pixel(large, (315, 160)), RED)
    turned = await processor.process(photo, Shape.AVATAR)
    assert corner(turned.renditions[-1].content) == "top right"


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
        made = await processor.process(tmp_path / name)
        for rendition in made.renditions:
            assert alike(pixel(rendition.content), (255, 255, 255)), name


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
    made = await processor.process(tmp_path / "picture")
    expected = (255, 255, 255) if mode == "1" else GREY
    assert all(alike(pixel(r.content, (50, 50)), expected) for r in made.renditions)


async def test_colours_are_converted_to_srgb(processor: ImageProcessor, tmp_path: Path) -> None:
    profile = srgb_profile().replace(b"rXYZ", b"_XYZ", 1).replace(b"bXYZ", b"rXYZ", 1)
    swapped = profile.replace(b"_XYZ", b"bXYZ", 1)  # What this profile calls red is blue.
    (tmp_path / "photo").write_bytes(encoded(Image.new("RGB", (64, 64), (255, 0, 0)), icc_profile=swapped))
    made = await processor.process(tmp_path / "photo")
    assert alike(pixel(made.renditions[0].content), (0, 0, 255))


async def test_unusable_profile_is_ignored(processor: ImageProcessor, tmp_path: Path) -> None:
    for name, picture, profile in (
        ("garbage", Image.new("RGB", (64, 64), RED), b"garbage" * 40),
        ("other model", Image.new("CMYK", (64, 64), (0, 255, 255, 0)), srgb_profile()),
    ):
        (tmp_path / name).write_bytes(encoded(picture, icc_profile=profile))
        made = await processor.process(tmp_path / name)
        red, green, _ = pixel(made.renditions[0].content)  # type: ignore[misc]
        assert red > 200 > 60 > green


async def test_first_frame_of_an_animation_is_used(processor: ImageProcessor, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (400, 300), colour) for colour in (RED, GREY)]
    for form in ("WEBP", "PNG"):
        (tmp_path / form).write_bytes(encoded(frames[0], form, save_all=True, append_images=frames[1:]))
        made = await processor.process(tmp_path / form)
        assert alike(pixel(made.renditions[-1].content), RED)


async def test_multi_picture_jpeg_is_accepted(processor: ImageProcessor, tmp_path: Path) -> None:
    both = marked(3000, 2000)
    (tmp_path / "mpo").write_bytes(encoded(both, "MPO", save_all=True, append_images=[marked(300, 200)]))
    made = await processor.process(tmp_path / "mpo")
    assert (made.width, made.height) == (1440, 960)
    assert markers(made.renditions[-1].content) <= PIXELS_ONLY
