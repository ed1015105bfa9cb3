"""Painted avatars: a head and shoulders, with a few variations."""

from random import Random

from PIL import Image, ImageDraw, ImageFilter

from seeds.photographs.image_ops import Colour, develop, fill, gradient, light, mask, mixed, palette, screen
from seeds.photographs.skies import dimmed

SIDE = 480
SKIN = palette("f4d0b2 e2b08a be8660 926042 623e2c")
HAIR = palette("1c1616 482c1c 7a4e28 c4985c 963c28 969496")
CLOTH = palette("2e5c78 aa463c dcaa50 466e50 6e5082 282c38 d6cec0")
WALL = palette("96c4ce f4c4a0 cebee2 b4d0aa eeda96 5c6e8c")
FRAME = (36, 36, 44)
MIDDLE = 0.5


def portrait(seed: str) -> Image.Image:
    """Return the square portrait for `seed`."""
    rng = Random(f"portrait/{seed}")
    size = (SIDE, SIDE)
    wall, skin, hair = rng.choice(WALL), rng.choice(SKIN), rng.choice(HAIR)
    cloth = rng.choice(CLOTH)
    picture = gradient(size, (mixed(wall, (255, 255, 255), 0.25), wall, dimmed(wall, 0.72)))
    wide, long = rng.uniform(0.155, 0.18), rng.uniform(0.2, 0.23)
    style = rng.choice(("short", "long", "bun", "curls"))

    def oval(x: float, y: float, rx: float, ry: float, blur: float = 0) -> Image.Image:
        box = ((x - rx) * SIDE, (y - ry) * SIDE, (x + rx) * SIDE, (y + ry) * SIDE)
        return mask(size, lambda pen, by: pen.ellipse([edge * by for edge in box], fill=255), blur)

    if style == "long":
        fill(picture, oval(MIDDLE, 0.52, wide * 1.45, long * 1.6), dimmed(hair, 0.85))
    if style == "bun":
        fill(picture, oval(MIDDLE, 0.17, 0.085, 0.08), hair)
    fill(picture, oval(MIDDLE, 1.02, 0.36, 0.3), cloth)
    fill(picture, oval(MIDDLE, 0.71, 0.085, 0.13), dimmed(skin, 0.82))
    fill(picture, oval(MIDDLE, 0.45, wide * 1.16, long * 1.14), hair)
    if style == "curls":
        for _ in range(34):
            x, y = MIDDLE + rng.uniform(-1.3, 1.3) * wide, 0.34 + rng.uniform(-0.12, 0.12)
            fill(picture, oval(x, y, 0.05, 0.05), mixed(hair, (255, 255, 255), rng.uniform(0, 0.08)))
    face = oval(MIDDLE, 0.48, wide, long)
    fill(picture, face, skin)
    lit = screen(picture, light(size, 0.42, 0.4, 0.3, dimmed(skin, 0.22), 1.6))
    picture.paste(lit, (0, 0), face)
    _features(picture, rng, skin, hair, wide)
    left, right = 180 + rng.uniform(4, 22), 360 - rng.uniform(4, 22)
    edges = [(MIDDLE - wide * 1.12) * SIDE, 0.22 * SIDE, (MIDDLE + wide * 1.12) * SIDE, 0.58 * SIDE]
    fringe = mask(size, lambda pen, by: pen.chord([edge * by for edge in edges], left, right, fill=255))
    fill(picture, fringe, hair)
    return develop(picture, rng, 0.04)


def _features(picture: Image.Image, rng: Random, skin: Colour, hair: Colour, wide: float) -> None:
    """Paint eyes, brows, nose and a smile; for some seeds glasses."""
    layer = picture.resize((SIDE * 2, SIDE * 2))
    pen = ImageDraw.Draw(layer)
    apart, y = wide * 0.46, 0.475
    for x in (MIDDLE - apart, MIDDLE + apart):
        pen.ellipse(_box(x, y, 0.016, 0.02), fill=(32, 24, 24))
        pen.ellipse(_box(x - 0.004, y - 0.009, 0.004, 0.004), fill=(240, 240, 240))
        pen.arc(_box(x, 0.444, 0.042, 0.026), 200, 340, fill=dimmed(hair, 0.8), width=8)
    pen.arc(_box(MIDDLE, 0.525, 0.025, 0.025), 20, 160, fill=dimmed(skin, 0.72), width=6)
    lips = mixed(dimmed(skin, 0.6), (150, 30, 40), 0.5)
    pen.arc(_box(MIDDLE, 0.578, wide * rng.uniform(0.36, 0.5), 0.047), 25, 155, fill=lips, width=9)
    if rng.random() < 0.3:
        for x in (MIDDLE - apart, MIDDLE + apart):
            pen.ellipse(_box(x, y, 0.055, 0.05), outline=FRAME, width=6)
        pen.line(_box(MIDDLE, y, apart - 0.055, 0), fill=FRAME, width=6)
    picture.paste(layer.resize((SIDE, SIDE), Image.Resampling.LANCZOS).filter(ImageFilter.SMOOTH))


def _box(x: float, y: float, rx: float, ry: float) -> list[float]:
    """Return the bounding box of an ellipse on the layer of twice the size."""
    return [2 * SIDE * edge for edge in (x - rx, y - ry, x + rx, y + ry)]
