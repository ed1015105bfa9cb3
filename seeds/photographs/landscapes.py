"""Landscapes by day: mountains, the sea, dunes, a forest in fog."""

import math
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from seeds.photographs.image_ops import (
    Size,
    below,
    clouds,
    fill,
    gradient,
    levels,
    light,
    mask,
    mirrored,
    mixed,
    ridge,
    screen,
)
from seeds.photographs.skies import BLUE, DAWN, DAY, GOLD, HOURS, SUNSET, Hour, dimmed, sky


def mountains(size: Size, rng: Random) -> tuple[Image.Image, str]:
    hour = rng.choice(HOURS)
    height = size[1]
    sun = (rng.uniform(0.15, 0.85), rng.uniform(0.2, 0.42))
    picture = sky(size, hour, rng, sun)
    layers = rng.randrange(4, 7)
    for layer in range(layers):
        share = layer / (layers - 1)
        base = 0.46 + 0.46 * share
        line = ridge(rng, size, base, 0.16 - 0.07 * share, 0.5 + 0.06 * share)
        colour = mixed(hour.far, hour.near, share**0.8)
        slope = gradient(size, (colour, colour, mixed(colour, hour.sky[-1], 0.5 * (1 - share))))
        texture = levels(clouds(size, rng, 12, 4, 1.0), 60, 200)
        lit = ImageChops.soft_light(slope, Image.merge("RGB", [texture] * 3))
        fill(picture, below(size, line), Image.blend(slope, lit, 0.15 + 0.3 * share))
    if rng.random() < 0.4:
        lake = int(height * rng.uniform(0.66, 0.76))
        picture.paste(mirrored(picture, lake, rng, hour.near, 0.6), (0, lake))
        return picture, f"A lake below mountains {hour.name}"
    return picture, f"Mountains behind mountains {hour.name}"


def sea(size: Size, rng: Random) -> tuple[Image.Image, str]:
    hour = rng.choice((DAWN, DAY, GOLD, SUNSET, BLUE))
    width, height = size
    horizon = int(height * rng.uniform(0.42, 0.6))
    x = rng.uniform(0.2, 0.8)
    above = sky((width, horizon), hour, rng, (x, rng.uniform(0.6, 0.9)))
    picture = Image.new("RGB", size)
    picture.paste(above, (0, 0))
    deep = mixed(hour.near, hour.sky[0], 0.45)
    water = gradient(
        (width, height - horizon), (mixed(hour.sky[-1], deep, 0.35), mixed(hour.sky[1], deep, 0.6), deep)
    )
    picture.paste(Image.blend(mirrored(picture, horizon, rng, deep, 1.4), water, 0.55), (0, horizon))
    picture = _glitter(picture, horizon, x, hour, rng)
    if rng.random() < 0.5:
        line = ridge(rng, size, horizon / height - 0.005, 0.05, 0.55)
        side = rng.choice((-1, 1))
        cape = [
            (px, min(horizon, py + height * 0.14 * max(0.0, 0.45 + side * (px / width - 0.5))))
            for px, py in line
        ]
        land = below(size, cape)
        land.paste(0, (0, horizon, width, height))
        fill(picture, land, mixed(hour.far, hour.near, 0.6))
    return picture, f"The sea {hour.name}"


def _glitter(picture: Image.Image, horizon: int, x: float, hour: Hour, rng: Random) -> Image.Image:
    """Paint the sun's path on the water, and waves."""
    width, height = picture.size
    sparks = Image.new("L", picture.size)
    draw = ImageDraw.Draw(sparks)
    depth = height - horizon
    for _ in range(1400):
        near = rng.random() ** 1.6
        y = horizon + near * depth
        spread = width * (0.03 + 0.16 * near)
        middle = x * width + rng.gauss(0, spread)
        long = (2 + 26 * near) * rng.uniform(0.4, 1.4)
        thick = 0.4 + 2.2 * near
        strength = int(220 * math.exp(-(((middle - x * width) / (spread * 1.4)) ** 2)) * rng.uniform(0.3, 1))
        draw.ellipse((middle - long, y - thick, middle + long, y + thick), fill=strength)
    soft = sparks.filter(ImageFilter.GaussianBlur(1.1))
    path = ImageChops.multiply(Image.merge("RGB", [soft] * 3), Image.new("RGB", picture.size, hour.sun))
    swell = levels(clouds((width, depth), rng, 26, 4, 9.0), 80, 190)
    waves = Image.new("L", picture.size, 128)
    waves.paste(swell, (0, horizon))
    picture = Image.blend(picture, ImageChops.soft_light(picture, Image.merge("RGB", [waves] * 3)), 0.55)
    return screen(picture, path)


def dunes(size: Size, rng: Random) -> tuple[Image.Image, str]:
    hour = rng.choice((GOLD, SUNSET, DAY, DAWN))
    picture = sky(size, hour, rng, (rng.uniform(0.1, 0.9), 0.25))
    sand = rng.choice(((214, 150, 92), (226, 178, 120), (198, 120, 80)))
    for layer in range(4):
        share = layer / 3
        line = ridge(rng, size, 0.52 + 0.13 * layer, 0.07 + 0.03 * share, 0.26)
        lit = mixed(mixed(sand, hour.sky[-1], 0.5 * (1 - share)), hour.sun, 0.18)
        shaded = mixed(lit, hour.near, 0.55)
        slope = gradient(size, (lit, lit, mixed(lit, shaded, 0.35), shaded))
        ripples = levels(clouds(size, rng, 60, 3, 7.0), 70, 190)
        slope = Image.blend(slope, ImageChops.soft_light(slope, Image.merge("RGB", [ripples] * 3)), 0.3)
        fill(picture, below(size, line), slope)
        fill(picture, _lee(size, line, rng), shaded)
    return picture, f"Dunes {hour.name}"


def _lee(size: Size, line: list[tuple[float, float]], rng: Random) -> Image.Image:
    """Return the mask of a dune's shaded side, from its peak along a crest to the lower edge."""
    width, height = size
    peak = min(range(len(line) // 8, len(line) * 7 // 8), key=lambda place: line[place][1])
    x, y = line[peak]
    bend, reach = rng.uniform(0.1, 0.3) * width, rng.uniform(-0.1, 0.15) * width
    down = [part / 30 for part in range(31)]
    crest = [
        (x + bend * math.sin(share * 2.6) + reach * share, y + (height - y) * share**1.3) for share in down
    ]
    outline = [*line[peak:], (width, height), *crest[::-1]]
    side = mask(
        size, lambda draw, by: draw.polygon([(px * by, py * by) for px, py in outline], fill=200), 1.5
    )
    fade = (
        Image.linear_gradient("L")
        .resize((1, max(1, int(height * 0.5))))
        .resize((width, max(1, int(height * 0.5))))
    )
    veil = Image.new("L", size)
    veil.paste(ImageChops.invert(fade), (0, int(y)))
    return ImageChops.darker(ImageChops.multiply(side, veil), below(size, line))


def forest(size: Size, rng: Random) -> tuple[Image.Image, str]:
    fog, dark, name = rng.choice(
        (
            ((206, 214, 212), (24, 40, 38), "in the fog"),
            ((226, 206, 176), (44, 38, 26), "in morning sun"),
            ((150, 170, 190), (14, 26, 40), "after the rain"),
        )
    )
    picture = gradient(size, (mixed(fog, (255, 255, 255), 0.4), fog, mixed(fog, dark, 0.25)))
    sun = light(size, rng.uniform(0.2, 0.8), rng.uniform(0.1, 0.35), 0.8, dimmed(fog, 0.5))
    picture = screen(picture, sun)
    for layer in range(6):
        share = layer / 5
        ground = ridge(rng, size, 0.62 + 0.07 * layer, 0.04, 0.45)
        trees = _trees(size, ground, rng, 0.16 + 0.5 * share, 26 - 3 * layer)
        shape = ImageChops.lighter(below(size, ground), trees)
        fill(picture, shape, mixed(fog, dark, 0.16 + 0.8 * share))
        veil = gradient(size, ((0, 0, 0), (0, 0, 0), (150, 150, 150))).getchannel(0)
        drift = ImageChops.multiply(veil, levels(clouds(size, rng, 3), 60, 220))
        if layer < 5:
            fill(picture, drift, mixed(fog, (255, 255, 255), 0.25))
    return picture, f"A forest {name}"


def _trees(
    size: Size, ground: list[tuple[float, float]], rng: Random, tall: float, count: int
) -> Image.Image:
    """Return the mask of firs on a skyline; `tall` is their height as a share of the image's height."""
    outlines: list[list[tuple[float, float]]] = []
    for _ in range(count):
        x, foot = rng.choice(ground)
        top = size[1] * tall * rng.uniform(0.45, 1.0)
        half = top * rng.uniform(0.13, 0.19)
        left, right = list[tuple[float, float]](), list[tuple[float, float]]()
        tiers = 11
        for tier in range(tiers):
            down = (tier + 1) / tiers
            reach = half * down * rng.uniform(0.8, 1.1)
            y = foot - top * (1 - down)
            left += [(x - reach, y), (x - reach * 0.5, y - top * 0.012)]
            right += [(x + reach, y), (x + reach * 0.5, y - top * 0.012)]
        outlines.append(
            [(x, foot - top), *right, (x + half * 0.2, foot + 30), (x - half * 0.2, foot + 30), *left[::-1]]
        )

    def draw(pen: ImageDraw.ImageDraw, by: int) -> None:
        for outline in outlines:
            pen.polygon([(px * by, py * by) for px, py in outline], fill=255)

    return mask(size, draw)
