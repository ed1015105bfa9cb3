"""Dimensions of renditions."""

import math

MIN_HEIGHT = 540  # a panorama is wider than the widest rendition, so that its height is at least this
MAX_SIDE = 8192  # phones' graphics processors draw larger pictures in pieces or not at all
MAX_AREA = 16_000_000
# A width is left out if the next one is hardly larger.
MIN_RATIO = 1.2


def largest(width: int, height: int, max_width: int) -> tuple[int, int]:
    """Return the dimensions of the largest rendition; nothing is enlarged.

    The width is `max_width`, also of a tall screenshot, whose text would be unreadable otherwise. Panoramas are wider,
    and the area and the longer side are bounded.
    """
    scale = min(1.0, max_width / width)
    if height * scale < MIN_HEIGHT:
        scale = min(1.0, MIN_HEIGHT / height)
    scale = min(scale, MAX_SIDE / width, 2 * MAX_SIDE / height, math.sqrt(MAX_AREA / (width * height)))
    return max(1, round(width * scale)), max(1, round(height * scale))


def widths_up_to(width: int, ladder: list[int]) -> list[int]:
    """Return the widths of the renditions of a picture whose largest is `width` wide, in ascending order."""
    return [step for step in sorted(ladder) if step * MIN_RATIO <= width] + [width]


def scaled(size: tuple[int, int], width: int) -> tuple[int, int]:
    """Return the dimensions of the rendition of that width."""
    return width, max(1, round(size[1] * width / size[0]))
