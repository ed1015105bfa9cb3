"""Renditions of one picture: sizes, resampling, encoding."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from blurhash_rs import blurhash_encode
from PIL import Image

from server.gateways.images.child import colours, sizes
from server.gateways.images.child.encoding import (
    USUAL_AVIF_QUALITY,
    encode_avif,
    encode_jpeg,
    needs_full_chroma,
)
from server.gateways.images.child.orientation import SIDEWAYS
from server.gateways.images.child.picture_hash import picture_hash
from server.gateways.images.child.reader import Decoded, decode
from server.gateways.images.child.resampling import resize

BLURHASH_SIDE = 32
CHROMA_WIDTH = 600
HASH_WIDTH = 320
# Resampling twice by less than this would lose sharpness.
MIN_RATIO = 1.5


@dataclass(frozen=True, slots=True)
class Rendition:
    """An encoded picture; `square` if it was cropped."""

    content: bytes
    width: int
    height: int
    square: bool


@dataclass(frozen=True, slots=True)
class Rendered:
    """The renditions of one picture, in ascending order.

    `width`, `height` and `square` describe the largest that is not cropped from another, also if it is left out.
    """

    renditions: list[Rendition]
    width: int
    height: int
    square: bool
    blurhash: str
    hash: str | None
    format: str
    animated: bool


@dataclass(frozen=True, slots=True)
class Scaled:
    """A picture in the sizes of its renditions, the largest first; `square` if they are cropped.

    `whole` is small, and never cropped.
    """

    decoded: Decoded
    steps: list[Image.Image]
    whole: Image.Image
    square: bool
    full_chroma: bool


def render(content: bytes, request: Mapping[str, Any]) -> Rendered:
    """Return the JPEGs that `request` names: `widths`, in proportion, and `squares`, cropped at the centre.

    Nothing is enlarged. Orientation is applied, transparent areas become white, colours are converted to sRGB, and no
    metadata is copied. Raises Refused.
    """
    scaled = _scaled(content, request)
    steps, full_chroma = scaled.steps, scaled.full_chroma
    made = (
        [_encoded(step, full_chroma, square=False) for step in reversed(steps)] if request["widths"] else []
    )
    made += [_encoded(step, full_chroma, square=True) for step in _squares(steps, request["squares"])]
    return _rendered(scaled, made, _blurhash(steps[-1]), picture_hash(scaled.whole))


def render_avif(content: bytes, request: Mapping[str, Any]) -> Rendered:
    """Return those renditions of `widths` whose AVIF is better than the JPEG that `render` makes. Raises Refused."""
    scaled = _scaled(content, request)
    made: list[Rendition] = []
    quality = USUAL_AVIF_QUALITY
    for step in reversed([step.convert("RGB") for step in scaled.steps]):
        # Renditions of one picture need similar qualities.
        encoded = encode_avif(step, full_chroma=scaled.full_chroma, first_quality=quality)
        if encoded is not None:
            content, quality = encoded
            made.append(Rendition(content, *step.size, square=False))
    return _rendered(scaled, made, "", None)


def _rendered(scaled: Scaled, made: list[Rendition], blurhash: str, hash_: str | None) -> Rendered:
    decoded, (width, height) = scaled.decoded, scaled.steps[0].size
    return Rendered(made, width, height, scaled.square, blurhash, hash_, decoded.format, decoded.animated)


def _scaled(content: bytes, request: Mapping[str, Any]) -> Scaled:
    widths: list[int] = request["widths"]
    squares: list[int] = request["squares"]

    def target(size: tuple[int, int]) -> tuple[int, int]:
        if widths:
            return sizes.largest(*size, max(widths))
        side = min(*size, max(squares))
        return side, side

    decoded = decode(content, request["max_pixels"], target)
    profile = colours.source_profile(content, decoded.format, decoded.icc)
    width, height = decoded.size
    upright = (height, width) if decoded.transpose in SIDEWAYS else (width, height)
    largest = _finished(decoded, target(upright), profile, cropped=not widths)
    steps = [largest]
    ladder = sizes.widths_up_to(largest.width, widths)[:-1] if widths else []
    for width in reversed(ladder):
        size = sizes.scaled(largest.size, width)
        source = _large_enough(steps, width)
        steps.append(_finished(decoded, size, profile) if source is None else resize(source, size))
    whole = steps[-1]
    if not widths:
        whole = _finished(decoded, sizes.scaled(upright, min(upright[0], HASH_WIDTH)), profile)
    return Scaled(decoded, steps, whole, not widths, needs_full_chroma(_for_graphics_test(steps)))


def _finished(
    decoded: Decoded, size: tuple[int, int], profile: bytes | None, *, cropped: bool = False
) -> Image.Image:
    """Return the picture in an upright size, opaque and in sRGB."""
    picture = colours.resizable(decoded.picture)
    stored = (size[1], size[0]) if decoded.transpose in SIDEWAYS else size
    # Resampled first, because the other steps are cheap on a small picture.
    small = resize(_centre(picture) if cropped else picture, stored)
    if decoded.transpose is not None:
        small = small.transpose(decoded.transpose)
    return colours.to_srgb(small, profile)


def _squares(steps: list[Image.Image], sides: list[int]) -> list[Image.Image]:
    """Return the squares in ascending order, from the smallest step that is sufficiently larger."""
    made: list[Image.Image] = []
    for side in sorted({min(side, *steps[0].size) for side in sides}):
        source = _large_enough(steps, side) or steps[0]
        made.append(resize(_centre(source), (side, side)))
    return made


def _large_enough(steps: list[Image.Image], side: int) -> Image.Image | None:
    """Return the smallest step whose shorter side is sufficiently larger than `side`."""
    return next((step for step in reversed(steps) if min(step.size) >= MIN_RATIO * side), None)


def _centre(picture: Image.Image) -> Image.Image:
    """Return the largest centred square."""
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    return picture.crop((left, top, left + side, top + side))


def _encoded(picture: Image.Image, full_chroma: bool, *, square: bool) -> Rendition:
    return Rendition(encode_jpeg(picture, full_chroma=full_chroma), *picture.size, square)


def _for_graphics_test(steps: list[Image.Image]) -> Image.Image:
    """Return the smallest step in which text is still sharp."""
    return next((step for step in reversed(steps) if step.width >= CHROMA_WIDTH), steps[0])


def _blurhash(picture: Image.Image) -> str:
    across, down = (4, 3) if picture.width >= picture.height else (3, 4)
    scale = min(1.0, BLURHASH_SIDE / max(picture.size))
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return blurhash_encode(resize(picture, size).convert("RGB"), across, down)
