"""Close scenes: a city at night, lights out of focus, fruit on a table, coloured shapes."""

import math
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from seeds.photographs.image_ops import (
    Colour,
    Size,
    clouds,
    fill,
    gradient,
    levels,
    light,
    mask,
    mirrored,
    mixed,
    screen,
)
from seeds.photographs.skies import BLUE, SUNSET, dimmed, sky

WINDOWS: tuple[Colour, ...] = ((255, 214, 140), (255, 190, 104), (255, 236, 196), (190, 214, 255))
FRUITS: tuple[tuple[Colour, str], ...] = (
    ((196, 40, 36), "Apples"),
    ((240, 140, 30), "Oranges"),
    ((226, 196, 60), "Lemons"),
    ((110, 60, 100), "Plums"),
    ((150, 176, 70), "Limes"),
)
LIGHTS: tuple[tuple[Colour, ...], ...] = (
    ((255, 160, 70), (255, 96, 60), (255, 208, 120), (240, 70, 100)),
    ((80, 170, 255), (150, 110, 255), (90, 230, 220), (255, 130, 200)),
    ((255, 210, 120), (140, 210, 120), (255, 150, 80), (250, 240, 190)),
)


def city(size: Size, rng: Random) -> tuple[Image.Image, str]:
    hour = rng.choice((BLUE, SUNSET, BLUE))
    height = size[1]
    shore = int(height * rng.uniform(0.66, 0.74))
    picture = sky(size, hour, rng, (rng.uniform(0.2, 0.8), shore / height - 0.08))
    lamps = Image.new("RGB", size)
    for layer in range(3):
        tone = mixed(mixed(hour.far, hour.sky[2], 0.4), hour.near, 0.25 + 0.36 * layer)
        _skyline(picture, lamps, rng, shore, (0.42, 0.32, 0.2)[layer], tone, layer)
    picture = screen(picture, lamps, lamps.filter(ImageFilter.GaussianBlur(9)))
    picture = screen(picture, light(size, 0.5, shore / height, 0.8, dimmed((255, 170, 90), 0.28)))
    picture.paste(mirrored(picture, shore, rng, hour.near, 1.2), (0, shore))
    return picture, f"A city by the water {hour.name}"


def _skyline(
    picture: Image.Image,
    lamps: Image.Image,
    rng: Random,
    shore: int,
    tall: float,
    tone: Colour,
    layer: int,
) -> None:
    """Paint a row of buildings down to the shore, with some windows lit."""
    width, height = picture.size
    walls, glass = ImageDraw.Draw(picture), ImageDraw.Draw(lamps)
    x = -rng.randrange(30)
    while x < width:
        wide = rng.randrange(width // 30, width // 13)
        centre = 1 - abs((x / width) - 0.5)
        roof = shore - int(height * tall * rng.uniform(0.3, 1.0) * centre)
        walls.rectangle((x, roof, x + wide, shore), fill=tone)
        glass.rectangle((x, roof, x + wide, shore), fill=(0, 0, 0))
        if rng.random() < 0.25:
            walls.line((x + wide // 2, roof, x + wide // 2, roof - height // 18), fill=tone, width=3)
        pane, gap = 3 + layer, 8 + 3 * layer
        colour = rng.choice(WINDOWS)
        lit = rng.uniform(0.12, 0.5)
        for wy in range(roof + gap, shore - gap, gap + 2):
            for wx in range(x + gap, x + wide - gap, gap):
                if rng.random() < lit:
                    shade = dimmed(colour, rng.uniform(0.35, 0.9))
                    glass.rectangle((wx, wy, wx + pane - 1, wy + pane), fill=shade)
        x += wide + rng.choice((0, 0, 1, 4))


def bokeh(size: Size, rng: Random) -> tuple[Image.Image, str]:
    width, height = size
    palette = rng.choice(LIGHTS)
    dark = dimmed(rng.choice(palette), 0.1)
    picture = gradient(size, (dark, dimmed(rng.choice(palette), 0.26), dark))
    for depth in range(3):
        layer = Image.new("RGB", size)
        for _ in range(26):
            radius = 2 + int(width * rng.uniform(0.018, 0.05) * (1 + depth))
            x, y = rng.randrange(width), int(rng.gauss(0.5, 0.22) * height)
            disc = Image.new("L", (2 * radius, 2 * radius))
            pen = ImageDraw.Draw(disc)
            strength = rng.randrange(50, 150)
            pen.ellipse((0, 0, 2 * radius - 1, 2 * radius - 1), fill=strength)
            rim = 1 + radius // 12
            pen.ellipse((rim, rim, 2 * radius - 1 - rim, 2 * radius - 1 - rim), fill=strength * 3 // 4)
            patch = layer.crop((x - radius, y - radius, x + radius, y + radius))
            tinted = ImageChops.multiply(
                Image.new("RGB", disc.size, rng.choice(palette)), Image.merge("RGB", [disc] * 3)
            )
            layer.paste(ImageChops.screen(patch, tinted), (x - radius, y - radius))
        picture = screen(picture, layer.filter(ImageFilter.GaussianBlur(1.5 + 4 * depth)))
    return picture, "Lights of an evening, out of focus"


def still_life(size: Size, rng: Random) -> tuple[Image.Image, str]:
    width, height = size
    wall, table = rng.choice(
        (
            ((92, 104, 100), (120, 84, 56)),
            ((150, 136, 120), (92, 66, 50)),
            ((54, 60, 76), (140, 112, 84)),
            ((196, 182, 160), (150, 120, 90)),
        )
    )
    edge = int(height * rng.uniform(0.58, 0.66))
    picture = gradient(size, (dimmed(wall, 0.75), wall, wall))
    plaster = levels(clouds(size, rng, 4), 40, 220)
    picture = Image.blend(picture, ImageChops.soft_light(picture, Image.merge("RGB", [plaster] * 3)), 0.35)
    board = gradient((width, height - edge), (dimmed(table, 1.0), dimmed(table, 0.6)))
    grain = levels(clouds((width, height - edge), rng, 24, 3, 12.0), 60, 200)
    board = Image.blend(board, ImageChops.soft_light(board, Image.merge("RGB", [grain] * 3)), 0.6)
    picture.paste(board, (0, edge))
    picture = screen(picture, light(size, 0.05, 0.1, 0.9, dimmed((255, 236, 200), 0.42)))
    colour, name = rng.choice(FRUITS)
    count = rng.randrange(3, 6)
    across = [0.2 + 0.6 * (number + rng.uniform(0.2, 0.8)) / count for number in range(count)]
    places = sorted((rng.uniform(0.74, 0.86), x) for x in across)
    for y, x in places:
        hue = mixed(colour, (255, 230, 160), rng.uniform(0, 0.25))
        picture = _fruit(picture, x, y, width * rng.uniform(0.075, 0.105), hue)
    return picture, f"{name} on a table"


def _fruit(picture: Image.Image, x: float, y: float, radius: float, colour: Colour) -> Image.Image:
    """Paint a fruit and its shadow, lit from the upper left."""
    size = picture.size
    middle, foot = x * size[0], y * size[1]
    top, squat = foot - 1.8 * radius, 1.9 * radius

    def ellipse(
        left: float, upper: float, right: float, lower: float, blur: float = 0, tone: int = 255
    ) -> Image.Image:
        return mask(
            size,
            lambda pen, by: pen.ellipse((left * by, upper * by, right * by, lower * by), fill=tone),
            blur,
        )

    shadow = ellipse(
        middle - radius * 0.6, foot - radius * 0.35, middle + radius * 2.4, foot + radius * 0.25, 14, 170
    )
    fill(picture, shadow, (12, 8, 8))
    body = ellipse(middle - radius, top, middle + radius, top + squat)
    fill(picture, body, dimmed(colour, 0.3))
    where = (middle / size[0] - 0.35 * radius / size[0], (top + 0.6 * radius) / size[1])
    shine = light(size, *where, 1.55 * radius / size[0], colour, 2.2)
    shine = screen(shine, light(size, *where, 0.35 * radius / size[0], (150, 140, 126), 1.2))
    lit = screen(picture, shine)
    picture.paste(lit, (0, 0), body)
    return picture


def colours(size: Size, rng: Random) -> tuple[Image.Image, str]:
    """Paint light through coloured glass: soft overlapping sheets."""
    width, height = size
    palette = [*rng.choice(LIGHTS), (250, 244, 230)]
    picture = gradient(size, (dimmed(palette[0], 0.3), dimmed(palette[1], 0.5), dimmed(palette[2], 0.7)))
    for _ in range(7):
        angle = rng.uniform(0, math.pi)
        middle, wide = (rng.random() * width, rng.random() * height), rng.uniform(0.1, 0.3) * width
        dx, dy = math.cos(angle) * width * 2, math.sin(angle) * width * 2
        nx, ny = -math.sin(angle) * wide, math.cos(angle) * wide
        sheet = [
            (middle[0] + dx + nx, middle[1] + dy + ny), (middle[0] - dx + nx * 0.3, middle[1] - dy + ny * 0.3),
            (middle[0] - dx - nx, middle[1] - dy - ny), (middle[0] + dx - nx * 0.3, middle[1] + dy - ny * 0.3),
        ]  # fmt: skip
        shape = mask(
            size,
            lambda pen, by, sheet=sheet: pen.polygon([(px * by, py * by) for px, py in sheet], fill=120),
            rng.uniform(2, 30),
        )
        fill(picture, shape, rng.choice(palette))
    glass = levels(clouds(size, rng, 5, 5, 1.0), 50, 210)
    lit = ImageChops.soft_light(picture, Image.merge("RGB", [glass] * 3))
    return Image.blend(picture, lit, 0.6), "Light through coloured glass"
