"""Sharpness and colours of renditions, compared with a direct conversion."""

import io
import math
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from PIL import Image, ImageCms, ImageFilter, ImageStat

from server.gateways.images.child.profiles import PRIMARIES, matrix_profile
from server.gateways.images.processor import ImageProcessor
from tests.support.inputs import phone_files
from tests.support.inputs.pictures import encoded

LAPLACIAN = ImageFilter.Kernel((3, 3), [0, 1, 0, 1, -4, 1, 0, 1, 0], scale=1, offset=128)
P3_PROFILE = matrix_profile(PRIMARIES[12], lambda value: value**2.2)
SRGB = ImageCms.createProfile("sRGB")
SRGB_TO_XYZ = ((0.41245, 0.35758, 0.18044), (0.21267, 0.71515, 0.07217), (0.01933, 0.11919, 0.95030))


def test_profile_of_display_p3_is_readable() -> None:
    assert P3_PROFILE is not None
    profile = ImageCms.ImageCmsProfile(io.BytesIO(P3_PROFILE))
    assert (profile.profile.xcolor_space.strip(), profile.profile.version) == ("RGB", 2.4)


@pytest.mark.parametrize("size", [(2400, 1800), (1500, 1125), (3000, 2000)])
async def test_renditions_are_as_sharp_as_a_direct_resize(
    processor: ImageProcessor, tmp_path: Path, size: tuple[int, int]
) -> None:
    texture = Image.effect_noise((size[0] // 3, size[1] // 3), 90).resize(size, Image.Resampling.BICUBIC)
    (tmp_path / "photo").write_bytes(encoded(texture.convert("RGB"), quality=92))
    made = await processor.process(tmp_path / "photo")
    with Image.open(tmp_path / "photo") as original:
        for rendition in made.renditions:
            if rendition.name == "square":
                continue
            picture = Image.open(io.BytesIO(rendition.content))
            direct = original.resize(picture.size, Image.Resampling.LANCZOS)
            expected = Image.open(io.BytesIO(encoded(direct, quality=85, subsampling=2)))
            assert sharpness(picture) == pytest.approx(sharpness(expected), rel=0.03), rendition.name


def grey_with_alpha() -> Image.Image:
    picture = phone_files.scene().convert("L").convert("LA")
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    return picture


def cmyk() -> Image.Image:
    return phone_files.scene().convert("CMYK")


@pytest.mark.parametrize(
    ("make", "form", "options"),
    [
        (phone_files.scene, "JPEG", {"icc_profile": P3_PROFILE}),
        (phone_files.scene, "PNG", {"icc_profile": P3_PROFILE}),
        (phone_files.scene, "WEBP", {"icc_profile": P3_PROFILE, "lossless": True}),
        (phone_files.scene, "AVIF", {"icc_profile": P3_PROFILE, "quality": 95}),
        (lambda: phone_files.scene().convert("L"), "PNG", {}),
        (grey_with_alpha, "PNG", {}),
        (cmyk, "JPEG", {"quality": 95}),
        (lambda: phone_files.scene().convert("P", palette=Image.Palette.ADAPTIVE), "PNG", {"icc_profile": P3_PROFILE}),
    ],
    ids=["P3 JPEG", "P3 PNG", "P3 WebP", "P3 AVIF", "grey", "grey alpha", "CMYK", "P3 palette"],
)  # fmt: skip
async def test_colours_are_within_two_delta_e(
    processor: ImageProcessor,
    tmp_path: Path,
    make: Callable[[], Image.Image],
    form: str,
    options: dict[str, object],
) -> None:
    picture = make()
    (tmp_path / "photo").write_bytes(encoded(picture, form, **options))
    made = await processor.process(tmp_path / "photo")
    got = Image.open(io.BytesIO(next(each.content for each in made.renditions if each.name == "large")))
    assert delta_e(got.convert("RGB"), reference(picture, "icc_profile" in options)) < 2


def reference(picture: Image.Image, has_p3: bool) -> Image.Image:
    """Return the picture in sRGB on white, converted by littlecms."""
    if picture.mode == "LA":
        white = Image.new("L", picture.size, 255)
        white.paste(picture.getchannel("L"), mask=picture.getchannel("A"))
        return white.convert("RGB")
    converted = picture.convert("RGB")
    if has_p3 and P3_PROFILE:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(P3_PROFILE))
        return ImageCms.profileToProfile(converted, profile, SRGB) or converted
    return converted


def delta_e(one: Image.Image, other: Image.Image) -> float:
    """Return the mean CIE 1976 difference of the pixels of a quarter of the size."""
    pairs = zip(*(each.reduce(4).get_flattened_data() for each in (one, other)), strict=True)
    differences = [math.dist(lab(first), lab(second)) for first, second in pairs]
    return sum(differences) / len(differences)


@cache
def lab(colour: tuple[int, int, int]) -> tuple[float, float, float]:
    """Return L*, a* and b* of an sRGB colour, for the white point D65."""
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (channel / 255 for channel in colour)
    ]
    x, y, z = (
        sum(a * b for a, b in zip(row, linear, strict=True)) / white
        for row, white in zip(SRGB_TO_XYZ, (0.95047, 1.0, 1.08883), strict=True)
    )
    fx, fy, fz = (value ** (1 / 3) if value > 0.008856 else 7.787 * value + 16 / 116 for value in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def sharpness(picture: Image.Image) -> float:
    return ImageStat.Stat(picture.convert("L").filter(LAPLACIAN)).var[0]
