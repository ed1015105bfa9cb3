"""Paint a 12-megapixel sunset with GPS data in its EXIF: `python -m tools.sample_photo FILE`.

Used by the tour in the README.
"""

import math
import random
import sys
from pathlib import Path

from PIL import ExifTags, Image, ImageChops, ImageDraw, ImageFilter

WIDTH, HEIGHT = 4000, 3000
SKY = ((24, 28, 74), (121, 58, 122), (238, 110, 88), (255, 205, 120))
HILLS = ((96, 52, 92), (62, 36, 78), (34, 22, 54), (14, 12, 30))


def paint(seed: int = 7) -> Image.Image:
    """Return the picture; `seed` determines the hills."""
    chance = random.Random(seed)
    picture = _sky()
    sun = Image.new("RGB", (WIDTH, HEIGHT))
    ImageDraw.Draw(sun).ellipse((2380, 1290, 2860, 1770), fill=(255, 236, 190))
    glow = sun.resize((400, 300)).filter(ImageFilter.GaussianBlur(22)).resize((WIDTH, HEIGHT))
    picture = ImageChops.screen(ImageChops.screen(picture, glow), sun.filter(ImageFilter.GaussianBlur(4)))
    draw = ImageDraw.Draw(picture)
    for number, colour in enumerate(HILLS):
        draw.polygon(
            [(0, HEIGHT), *_ridge(chance, 1750 + 300 * number, 190 - 25 * number), (WIDTH, HEIGHT)],
            fill=colour,
        )
    return picture


def _sky() -> Image.Image:
    column = Image.new("RGB", (1, len(SKY)))
    column.putdata(SKY)
    return column.resize((1, HEIGHT * 2 // 3), Image.Resampling.BICUBIC).resize((WIDTH, HEIGHT))


def _ridge(chance: random.Random, base: float, height: float) -> list[tuple[float, float]]:
    waves = [(chance.uniform(0.5, 1.5) * 2**n, chance.uniform(0, 7), height / 1.9**n) for n in range(6)]
    return [
        (x, base + sum(size * math.sin(x / WIDTH * 6 * pace + shift) for pace, shift, size in waves))
        for x in range(0, WIDTH + 20, 20)
    ]


def main() -> None:
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit("usage: python -m tools.sample_photo FILE.jpg")
    exif = Image.Exif()
    exif[ExifTags.Base.Model] = "Sample camera"
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)})
    paint().save(Path(sys.argv[1]), quality=90, exif=exif)
    print(f"{sys.argv[1]}: 4000 x 3000 pixels, with GPS data")


if __name__ == "__main__":
    main()
