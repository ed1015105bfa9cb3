"""Image operations of the painted photographs: gradients, clouds, light, reflections, film look.

All randomness comes from the `rng` parameters. Sizes are (width, height) in pixels, positions are shares of them.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageFilter

Colour = tuple[int, int, int]
Size = tuple[int, int]
SMOOTH = Image.Resampling.BICUBIC
OVERSAMPLING = 2


def palette(text: str) -> tuple[Colour, ...]:
    """Return the colours in hexadecimal notation, such as `ff8800 224466`."""
    return tuple(
        (value >> 16, value >> 8 & 255, value & 255) for value in (int(word, 16) for word in text.split())
    )


def gradient(size: Size, colours: Sequence[Colour]) -> Image.Image:
    """Return a gradient from the first colour at the top to the last at the bottom."""
    column = Image.new("RGB", (1, len(colours)))
    column.putdata(list(colours))
    return column.resize((1, size[1]), SMOOTH).resize(size)


def clouds(size: Size, rng: Random, scale: int = 3, octaves: int = 6, stretch: float = 2.0) -> Image.Image:
    """Return fractal noise in greys, `scale` features high, stretched horizontally by `stretch`."""
    width, height = size
    noise = Image.new("L", size, 128)
    for octave in range(octaves):
        high = scale * 2**octave
        wide = max(2, round(high * width / height / stretch))
        layer = Image.frombytes("L", (wide, high), rng.randbytes(wide * high)).resize(size, SMOOTH)
        noise = Image.blend(noise, layer, 0.5 if octave == 0 else 0.42 / octave**0.7)
    return noise


def levels(image: Image.Image, low: int, high: int) -> Image.Image:
    """Return a grey image with its contrast stretched: `low` becomes black and `high` white."""
    return image.point([max(0, min(255, (value - low) * 255 // max(1, high - low))) for value in range(256)])


def light(size: Size, x: float, y: float, radius: float, colour: Colour, power: float = 1.0) -> Image.Image:
    """Return a glow on black, for `screen`; `radius` is a share of the width."""
    width, height = size
    reach = max(2, int(radius * width))
    disc = Image.radial_gradient("L").resize((2 * reach, 2 * reach))
    fall = [int(255 * max(0.0, 1 - value / 181) ** (2.2 / power)) for value in range(256)]
    glow = Image.new("L", size)
    glow.paste(disc.point(fall), (int(x * width) - reach, int(y * height) - reach))
    return ImageChops.multiply(Image.new("RGB", size, colour), Image.merge("RGB", [glow] * 3))


def screen(picture: Image.Image, *layers: Image.Image) -> Image.Image:
    for layer in layers:
        picture = ImageChops.screen(picture, layer)
    return picture


def mask(size: Size, draw: Callable[[ImageDraw.ImageDraw, int], None], blur: float = 0) -> Image.Image:
    """Return a smooth-edged mask; `draw` gets the factor by which it has to enlarge coordinates."""
    large = Image.new("L", (size[0] * OVERSAMPLING, size[1] * OVERSAMPLING))
    draw(ImageDraw.Draw(large), OVERSAMPLING)
    small = large.reduce(OVERSAMPLING)
    return small.filter(ImageFilter.GaussianBlur(blur)) if blur else small


def fill(picture: Image.Image, shape: Image.Image, paint: Image.Image | Colour) -> None:
    """Paint a colour or an image where the mask is white."""
    picture.paste(paint, (0, 0), shape)


def ridge(
    rng: Random, size: Size, base: float, height: float, rough: float = 0.5
) -> list[tuple[float, float]]:
    """Return a skyline by midpoint displacement; `base` and `height` are shares of the image's height."""
    heights = [rng.uniform(-1, 1) for _ in range(3)]
    swing = 0.7
    while len(heights) < 400:
        between = [
            (left + right) / 2 + rng.uniform(-swing, swing) for left, right in itertools.pairwise(heights)
        ]
        heights = [value for pair in zip(heights, between, strict=False) for value in pair] + heights[-1:]
        swing *= rough
    step = size[0] / (len(heights) - 1)
    return [(number * step, size[1] * (base + height * value)) for number, value in enumerate(heights)]


def below(size: Size, line: Sequence[tuple[float, float]], blur: float = 0) -> Image.Image:
    """Return the mask of everything under a skyline."""
    outline = [*line, (size[0], size[1]), (0, size[1])]
    return mask(size, lambda draw, by: draw.polygon([(x * by, y * by) for x, y in outline], fill=255), blur)


def mirrored(
    picture: Image.Image, horizon: int, rng: Random, tint: Colour, ripple: float = 1.0
) -> Image.Image:
    """Return the part above the row `horizon`, reflected in water."""
    width, height = picture.size
    depth = height - horizon
    above = picture.crop((0, max(0, horizon - depth), width, horizon))
    water = above.transpose(Image.Transpose.FLIP_TOP_BOTTOM).resize((width, depth))
    water = water.filter(ImageFilter.GaussianBlur(2))
    moved = Image.new("RGB", (width, depth))
    row, phase = 0, rng.uniform(0, 6)
    while row < depth:
        high = 1 + row // 60
        near = row / depth
        shift = int(
            ripple * (2 + 16 * near) * math.sin(row / (3 + 9 * near) + phase + rng.uniform(-0.7, 0.7))
        )
        strip = ImageChops.offset(water.crop((0, row, width, min(depth, row + high))), shift, 0)
        moved.paste(strip, (0, row))
        row += high
    return Image.blend(moved, Image.new("RGB", moved.size, tint), 0.28)


def mixed(first: Colour, second: Colour, share: float) -> Colour:
    """Return a mixture of two colours: `share` 0 is the first, 1 the second."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def develop(picture: Image.Image, rng: Random, grain: float = 0.06) -> Image.Image:
    """Return the picture with a tone curve, a vignette and film grain."""
    size = picture.size
    curve = [
        round(255 * (value / 255 + 0.045 * math.sin(math.tau * (value / 255 - 0.5)))) for value in range(256)
    ]
    picture = picture.point(curve * 3)
    corner = (
        Image.radial_gradient("L")
        .resize(size)
        .point([255 - max(0, value - 90) * 2 // 3 for value in range(256)])
    )
    picture = ImageChops.multiply(picture, Image.merge("RGB", [corner] * 3))
    coarse = (size[0] * 2 // 3, size[1] * 2 // 3)
    noise = Image.frombytes("L", coarse, rng.randbytes(coarse[0] * coarse[1])).resize(size, SMOOTH)
    return Image.blend(picture, ImageChops.overlay(picture, Image.merge("RGB", [noise] * 3)), grain * 2.5)
