"""Files as phones, cameras and programs write them: each comes out as a browser shows it."""

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from server.errors import InvalidInput
from server.gateways.images.processor import ImageProcessor, ProcessedImage
from tests.support.inputs import phone_files
from tests.support.inputs.pictures import encoded

# From http://www.brucelindbloom.com, for D65.
ADOBE_TO_XYZ = ((0.57673, 0.18555, 0.18819), (0.29738, 0.62735, 0.07527), (0.02703, 0.07069, 0.99111))
P3_TO_XYZ = ((0.48657, 0.26567, 0.19822), (0.22897, 0.69174, 0.07929), (0.0, 0.04511, 1.04394))
XYZ_TO_SRGB = ((3.24045, -1.53714, -0.49853), (-0.96927, 1.87601, 0.04156), (0.05564, -0.20403, 1.05723))
ADOBE_RGB = (0.3127, 0.329, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)


@pytest.fixture
def process(processor: ImageProcessor, tmp_path: Path) -> Callable[[bytes], object]:
    async def process(content: bytes) -> ProcessedImage:
        (tmp_path / "file").write_bytes(content)
        return await processor.process(tmp_path / "file")

    return process


def largest(made: ProcessedImage) -> Image.Image:
    content = next(each.content for each in made.renditions if each.name == "large")
    return Image.open(io.BytesIO(content)).convert("RGB")


def difference(one: Image.Image, other: Image.Image) -> float:
    """Return the mean difference of two pictures of one size, from 0 to 255."""
    assert one.size == other.size
    return max(ImageStat.Stat(ImageChops.difference(one, other)).mean)


@pytest.mark.parametrize(
    "content",
    [
        phone_files.plain(),
        phone_files.motion_photo(),
        phone_files.large_profile(),
        phone_files.plain()[:-2],
        phone_files.xmp_orientation(),
        phone_files.bad_checksum_in_text(),
        phone_files.cut_png(0.99),
        phone_files.still("WEBP", quality=90),
        phone_files.still("WEBP", lossless=True),
        phone_files.still("AVIF", quality=90),
        phone_files.still("GIF"),
        encoded(phone_files.scene(), progressive=True, quality=92),
        encoded(phone_files.scene(), progressive=True, quality=92)[:-40],
    ],
    ids=[
        "plain", "motion photo", "profile", "no end", "xmp", "checksum", "cut png", "webp", "lossless", "avif", "gif",
        "progressive", "cut progressive",
    ],
)  # fmt: skip
async def test_file_comes_out_as_the_scene(process: Callable, content: bytes) -> None:
    picture = largest(await process(content))
    assert abs(picture.height - 240) <= 240 * 0.03
    assert difference(picture, phone_files.scene().crop((0, 0, *picture.size))) < 3


async def test_bytes_behind_the_picture_change_nothing(process: Callable) -> None:
    assert (await process(phone_files.motion_photo())) == (await process(phone_files.plain()))


async def test_heic_is_turned_once(process: Callable) -> None:
    pytest.importorskip("pi_heif")
    picture = largest(await process(phone_files.heic()))
    assert picture.size == (240, 320)
    assert difference(picture, phone_files.scene(240, 320)) < 5


@pytest.mark.parametrize("share", [0.5, 0.94])
async def test_file_without_its_lower_part_is_damaged(process: Callable, share: float) -> None:
    noise = encoded(Image.effect_noise((400, 800), 80))
    for content in (noise[: int(len(noise) * share)], phone_files.cut_png(share)):
        with pytest.raises(InvalidInput, match="is damaged or incomplete"):
            await process(content)


async def test_missing_rows_are_cut_off(process: Callable) -> None:
    noise = encoded(Image.effect_noise((400, 800), 80).point(lambda value: value // 2))
    picture = largest(await process(noise[: int(len(noise) * 0.985)]))
    assert 776 <= picture.height < 800
    assert picture.getpixel((399, picture.height - 1)) != (128, 128, 128)


@pytest.mark.parametrize("form", ["PNG", "WEBP", "GIF"])
async def test_first_visible_frame_of_an_animation_is_shown(process: Callable, form: str) -> None:
    for first_is_empty in (False, True):
        made = await process(phone_files.animation(form, first_is_empty=first_is_empty))
        assert made.animated
        assert difference(largest(made), phone_files.scene()) < 5
    assert not (await process(phone_files.still(form))).animated


async def test_png_colours_are_those_of_its_chunks(process: Callable) -> None:
    linear = largest(await process(phone_files.png(phone_files.gamma(1.0))))
    assert alike(linear.getpixel((5, 5)), (160, 202, 244))
    adobe = phone_files.png(phone_files.gamma(1 / 2.19921875), phone_files.chromaticities(*ADOBE_RGB))
    expected = in_srgb(phone_files.GRASS, ADOBE_TO_XYZ, lambda value: value**2.19921875)
    assert alike(largest(await process(adobe)).getpixel((5, 235)), expected)
    p3 = phone_files.png(phone_files.coding_points(12, 13))
    expected = in_srgb(phone_files.GRASS, P3_TO_XYZ, lambda value: ((value + 0.055) / 1.055) ** 2.4)
    assert alike(largest(await process(p3)).getpixel((5, 235)), expected)
    for chunks in (phone_files.gamma(0.45455), phone_files.coding_points(1, 13), phone_files.gamma(0)):
        assert difference(largest(await process(phone_files.png(chunks))), phone_files.scene()) < 3


async def test_screenshot_keeps_its_width(process: Callable) -> None:
    page = phone_files.text(1080, 9600, (0, 0, 0), (255, 255, 255))
    made = await process(encoded(page, "PNG"))
    assert [(r.name, r.width, r.height) for r in made.renditions] == [
        ("small", 320, 2844), ("medium", 640, 5689), ("large", 1080, 9600), ("square", 400, 400),
    ]  # fmt: skip


async def test_panorama_keeps_a_visible_height(process: Callable) -> None:
    made = await process(phone_files.baseline(9000, 1500))
    assert [(r.name, r.width, r.height) for r in made.renditions] == [
        ("small", 320, 53), ("medium", 640, 107), ("w1080", 1080, 180), ("w1440", 1440, 240), ("large", 3240, 540),
        ("square", 400, 400),
    ]  # fmt: skip
    assert (await process(phone_files.baseline(20_000, 500))).width == 8192


async def test_coloured_text_keeps_its_edges(process: Callable) -> None:
    page = phone_files.text(640, 320, (230, 30, 30), (30, 40, 200))
    made = await process(encoded(page, "PNG"))
    assert sampling(made) == (1, 1)
    assert difference(largest(made), page) < 12


async def test_photograph_has_half_the_colour_resolution(process: Callable) -> None:
    noisy = ImageChops.add(phone_files.scene(900, 600), noise_of(900, 600))
    assert sampling(await process(encoded(noisy))) == (2, 2)


async def test_colour_noise_is_encoded(process: Callable) -> None:
    """Its full colour resolution needs more than a byte per pixel."""
    channels = [Image.effect_noise((640, 480), 60) for _ in "RGB"]
    made = await process(encoded(Image.merge("RGB", channels), "PNG"))
    assert sampling(made) == (1, 1)
    large = next(each for each in made.renditions if each.name == "large")
    assert len(large.content) > large.width * large.height


async def test_48_megapixels_are_accepted(process: Callable) -> None:
    made = await process(phone_files.baseline(8064, 6048))
    assert (made.width, made.height) == (1440, 1080)


def noise_of(width: int, height: int) -> Image.Image:
    return Image.effect_noise((width, height), 20).point(lambda value: value // 8).convert("RGB")


def sampling(made: ProcessedImage) -> tuple[int, int]:
    picture = Image.open(io.BytesIO(made.renditions[-2].content))
    return picture.layer[0][1:3]  # type: ignore[attr-defined]


def in_srgb(
    colour: tuple[int, int, int], to_xyz: Sequence[Sequence[float]], linear: Callable[[float], float]
) -> tuple[int, int, int]:
    """Return what a colour of another RGB space is in sRGB."""
    values = [linear(value / 255) for value in colour]
    for matrix in (to_xyz, XYZ_TO_SRGB):
        values = [sum(a * b for a, b in zip(row, values, strict=True)) for row in matrix]
    red, green, blue = (
        round(255 * (12.92 * v if v <= 0.0031308 else 1.055 * v ** (1 / 2.4) - 0.055))
        for v in (min(1.0, max(0.0, value)) for value in values)
    )
    return red, green, blue


def alike(pixel: object, colour: tuple[int, int, int]) -> bool:
    assert isinstance(pixel, tuple)
    return all(abs(one - other) <= 4 for one, other in zip(pixel, colour, strict=True))
