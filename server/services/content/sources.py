"""Addresses and dimensions of the renditions of pictures, computed from the names that a row stores."""

import re
from collections.abc import Iterable

from server.gateways.images.processor import AVATAR_SIDES, THUMBNAIL_SIDE, WIDTHS
from server.services.records import Image, Source

# In the list of a picture's renditions: the picture was an animation.
ANIMATED = "animated"
SQUARE = "square"
SMALL_WIDTH, MEDIUM_WIDTH = WIDTHS[:2]
# The key of an avatar that is smaller than usual ends with its side.
SMALL_AVATAR = re.compile(r"-(\d{1,3})$")
JPEG, AVIF = "image/jpeg", "image/avif"
JPEG_EXTENSION, AVIF_EXTENSION = ".jpg", ".avif"
# In that list, before the name of a rendition that exists as AVIF too.
AVIF_MARK = "avif:"


def avif_variant(name: str) -> str:
    """Return what the list of a picture's renditions has for the AVIF of the rendition `name`."""
    return f"{AVIF_MARK}{name}"


def has_avif(variants: Iterable[str]) -> bool:
    return any(name.startswith(AVIF_MARK) for name in variants)


def image_sources(image: Image) -> list[Source]:
    """Return the renditions in proportion, in ascending order; of one size, AVIF precedes JPEG."""
    legacy = SQUARE not in image.variants
    widths = {
        name: width for name in image.variants if (width := _width(image, name, legacy=legacy)) is not None
    }
    by_width = {width: name for name, width in widths.items()}  # of equal ones, the last
    sources: list[Source] = []
    for width in sorted(by_width):
        name = by_width[width]
        if avif_variant(name) in image.variants:
            sources.append(_source(image, f"{name}{AVIF_EXTENSION}", width, AVIF))
        sources.append(_source(image, f"{name}{JPEG_EXTENSION}", width, JPEG))
    return sources


def thumbnail(image: Image) -> Source | None:
    """Return the square thumbnail; None for pictures from before it was made."""
    if SQUARE not in image.variants:
        return None
    side = min(THUMBNAIL_SIDE, image.width, image.height)
    return Source(f"{image.base_url}/{SQUARE}.jpg{image.query}", side, side, JPEG)


def thumbnail_url(image: Image) -> str:
    """Return the address of the square thumbnail, or of the smallest rendition of a picture without one."""
    square = thumbnail(image)
    return named_urls(image_sources(image))["small"] if square is None else square.url


def named_urls(sources: list[Source]) -> dict[str, str]:
    """Return the addresses of the sizes small, medium and large as JPEG, or of the next larger one that exists."""
    jpegs = [source for source in sources if source.type == JPEG]
    largest = jpegs[-1]

    def at_least(width: int) -> str:
        return next((source for source in jpegs if source.width >= width), largest).url

    return {"small": at_least(SMALL_WIDTH), "medium": at_least(MEDIUM_WIDTH), "large": largest.url}


def avatar_sources(large_url: str) -> list[Source]:
    """Return the renditions of an avatar from the URL of the largest."""
    folder = large_url.rpartition("/")[0]
    small = SMALL_AVATAR.search(folder)
    side = int(small[1]) if small else AVATAR_SIDES[1]
    sources = [Source(large_url, side, side, JPEG)]
    if side > AVATAR_SIDES[0]:
        sources.insert(0, Source(f"{folder}/small.jpg", AVATAR_SIDES[0], AVATAR_SIDES[0], JPEG))
    return sources


def _source(image: Image, file: str, width: int, media_type: str) -> Source:
    height = max(1, round(image.height * width / image.width))
    return Source(f"{image.base_url}/{file}{image.query}", width, height, media_type)


def _width(image: Image, name: str, *, legacy: bool) -> int | None:
    """Return the width of a rendition; None for a name that is none.

    In pictures without a square thumbnail, a size bounds the longer side.
    """
    side = {"small": SMALL_WIDTH, "medium": MEDIUM_WIDTH}.get(name)
    if name == "large":
        return image.width
    if side is None:
        return int(name[1:]) if name.startswith("w") else None
    return round(image.width * min(1.0, side / max(image.width, image.height))) or 1 if legacy else side
