"""Skies: colours by time of day, and clouds lit by the sun."""

from dataclasses import dataclass
from random import Random

from PIL import Image, ImageChops

from seeds.photographs.image_ops import Colour, Size, clouds, gradient, levels, light, palette, screen


@dataclass(frozen=True, slots=True)
class Hour:
    """Colours of a time of day: the sky from top to horizon, sun, clouds, far and near objects."""

    name: str
    sky: tuple[Colour, ...]
    sun: Colour
    cloud: Colour
    far: Colour
    near: Colour


def hour(name: str, sky: str, others: str) -> Hour:
    """Return an hour from colours in hexadecimal notation; `others` are sun, cloud, far and near."""
    sun, cloud, far, near = palette(others)
    return Hour(name, palette(sky), sun, cloud, far, near)


DAWN = hour("at dawn", "3e5486 8e8cb2 f0b4a8 ffdeba", "ffe8c4 ffc4b2 a88ca8 28263e")
DAY = hour("by day", "2c68b0 629ed6 a8d0ea dceaf0", "fffae8 ffffff 92b0c8 22423e")
GOLD = hour("in golden light", "566e94 b0a096 f8c478 ffe2a0", "fff0be ffdeaa c49670 422e22")
SUNSET = hour("at sunset", "262254 7c3e78 ec6858 ffbe68", "ffe0a0 ff9476 8c4868 1c1226")
BLUE = hour("at the blue hour", "0a1234 1c346c 5670a4 cea4a0", "ffd2b4 7882b0 405482 0a0e1e")
STORM = hour("before the storm", "28303a 4e5862 889092 ccc8b2", "fff6d6 c4c8ca 707a7e 1a2022")
HOURS = (DAWN, DAY, GOLD, SUNSET, BLUE, STORM)


def sky(size: Size, hour: Hour, rng: Random, sun: tuple[float, float]) -> Image.Image:
    """Paint a sky with the sun or its glow at `sun`."""
    picture = gradient(size, hour.sky)
    amount = rng.randrange(96, 128)
    cover = levels(clouds(size, rng, rng.choice((2, 3, 4)), stretch=rng.uniform(1.6, 3.5)), amount, 200)
    shade = tuple(channel * 3 // 5 for channel in hour.sky[1])
    lit = Image.new("RGB", size, hour.cloud)
    lower = ImageChops.offset(cover, -size[0] // 60, size[1] // 40)  # the side away from the light
    lit.paste(Image.blend(lit, Image.new("RGB", size, shade), 0.55), (0, 0), lower)
    picture.paste(lit, (0, 0), cover.point([value * 4 // 5 for value in range(256)]))
    x, y = sun
    return screen(
        picture,
        light(size, x, y, 0.75, dimmed(hour.sun, 0.55)),
        light(size, x, y, 0.16, dimmed(hour.sun, 0.9)),
        light(size, x, y, 0.035, (255, 255, 248), 4.0),
    )


def dimmed(colour: Colour, share: float) -> Colour:
    """Return a colour dimmed to a share of its brightness."""
    red, green, blue = (round(channel * share) for channel in colour)
    return red, green, blue
