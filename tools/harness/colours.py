"""Differences of colours in CIELAB."""

import math
from functools import cache

from PIL import Image

SRGB_TO_XYZ = ((0.41245, 0.35758, 0.18044), (0.21267, 0.71515, 0.07217), (0.01933, 0.11919, 0.95030))


def delta_e(one: Image.Image, other: Image.Image) -> float:
    """Return the mean CIE 1976 difference of the pixels of two pictures, reduced to about 80 columns."""
    pairs = zip(
        *(each.reduce(max(1, each.width // 80)).get_flattened_data() for each in (one, other)), strict=True
    )
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
