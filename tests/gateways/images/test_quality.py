"""Sharpness and colours of renditions, compared with a direct conversion."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageCms, ImageFilter, ImageStat

from server.gateways.images.child.profiles import PRIMARIES, matrix_profile
from server.gateways.images.processor import ImageProcessor
from tests.support.inputs import phone_files
from tests.support.inputs.pictures import encoded
from tools.harness.colours import delta_e

LAPLACIAN = ImageFilter.Kernel((3, 3), [0, 1, 0, 1, -4, 1, 0, 1, 0], scale=1, offset=128)
P3_PROFILE = matrix_profile(PRIMARIES[12], lambda value: value**2.2)
SRGB = ImageCms.createProfile("sRGB")


def test_profile_of_display_p3_is_readable() -> None:
    assert P3_PROFILE is not None
    profile = ImageCms.ImageCmsProfile(io.BytesIO(P3_PROFILE))
    assert (profile.profile.xcolor_space.strip(), profile.profile.version) == ("RGB", 2.4)


@pytest.mark.parametrize("size", [(2400, 1800), (1500, 1125), (3000, 2000), (1080, 811), (1440, 1080)])
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


def coloured() -> Image.Image:
    """Return a smooth picture with all colours, slightly larger than the largest rendition."""
    return phone_files.scene().resize((1501, 1127), Image.Resampling.BICUBIC)


def cmyk() -> Image.Image:
    return phone_files.scene().convert("CMYK")


@pytest.mark.parametrize(
    ("make", "form", "options"),
    [
        (phone_files.scene, "JPEG", {"icc_profile": P3_PROFILE}),
        (phone_files.scene, "JPEG", {"subsampling": 2, "quality": 95}),
        (coloured, "JPEG", {"subsampling": 2, "quality": 95}),
        (coloured, "JPEG", {"keep_rgb": True, "quality": 95}),
        (phone_files.scene, "PNG", {"icc_profile": P3_PROFILE}),
        (phone_files.scene, "WEBP", {"icc_profile": P3_PROFILE, "lossless": True}),
        (phone_files.scene, "AVIF", {"icc_profile": P3_PROFILE, "quality": 95}),
        (lambda: phone_files.scene().convert("L"), "PNG", {}),
        (grey_with_alpha, "PNG", {}),
        (cmyk, "JPEG", {"quality": 95}),
        (lambda: phone_files.scene().convert("P", palette=Image.Palette.ADAPTIVE), "PNG", {"icc_profile": P3_PROFILE}),
    ],
    ids=[
        "P3 JPEG", "halved JPEG", "halved JPEG, scaled", "RGB JPEG", "P3 PNG", "P3 WebP", "P3 AVIF",
        "grey", "grey alpha", "CMYK", "P3 palette",
    ],
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
    expected = reference(picture, "icc_profile" in options)
    assert delta_e(got.convert("RGB"), expected.resize(got.size, Image.Resampling.LANCZOS)) < 2


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


def sharpness(picture: Image.Image) -> float:
    return ImageStat.Stat(picture.convert("L").filter(LAPLACIAN)).var[0]
