"""Night scenes: stars, the Milky Way, northern lights."""

from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from seeds.photographs.image_ops import (
    SMOOTH,
    Colour,
    Size,
    below,
    clouds,
    fill,
    gradient,
    levels,
    light,
    mixed,
    ridge,
    screen,
)


def night(size: Size, rng: Random) -> tuple[Image.Image, str]:
    glow = rng.choice(((70, 80, 110), (120, 90, 80), (40, 96, 96)))
    picture = stars(size, rng, glow)
    if rng.random() < 0.45:
        picture = screen(picture, _aurora(size, rng))
    for layer in range(2):
        line = ridge(rng, size, 0.8 + 0.09 * layer, 0.1 - 0.03 * layer, 0.52)
        fill(picture, below(size, line), mixed((16, 22, 36), (4, 5, 10), layer))
    tent = (rng.uniform(0.2, 0.8), 0.93)
    picture = screen(
        picture, light(size, *tent, 0.16, (150, 84, 30)), light(size, *tent, 0.03, (255, 214, 150), 2.5)
    )
    return picture, "A camp under the stars"


def _aurora(size: Size, rng: Random) -> Image.Image:
    """Paint northern lights on black."""
    width, height = size
    rays = Image.frombytes("L", (90, 1), rng.randbytes(90)).resize((width, 1), SMOOTH)
    hems = Image.frombytes("L", (7, 1), rng.randbytes(7)).resize((width, 1), SMOOTH)
    high = height // 2
    rise = [
        int(255 * (row / high) ** 2.2) if row < high - 14 else 255 * (high - row) // 14 for row in range(high)
    ]
    fade = Image.new("L", (1, high))
    fade.putdata(rise)
    shape = Image.new("L", size)
    for x in range(0, width, 3):
        ray, hem = rays.getpixel((x, 0)), hems.getpixel((x, 0))
        assert isinstance(ray, int)
        assert isinstance(hem, int)
        strength = 0.35 + 0.65 * ray / 255
        strip = fade.point([int(value * strength) for value in range(256)]).resize((3, high))
        shape.paste(strip, (x, int(height * (0.08 + 0.22 * hem / 255)) - high // 8))
    shape = ImageChops.multiply(shape, levels(clouds(size, rng, 2, 2, 1.0), 50, 170)).filter(
        ImageFilter.GaussianBlur(5)
    )
    return Image.merge(
        "RGB", [shape.point([value * share // 100 for value in range(256)]) for share in (25, 90, 55)]
    )


def stars(size: Size, rng: Random, glow: Colour) -> Image.Image:
    """Paint a clear night sky with the Milky Way."""
    width, height = size
    picture = gradient(size, ((6, 8, 24), (12, 18, 44), (26, 36, 70), glow))
    ramp = Image.linear_gradient("L").resize((width * 2, height // 2))
    band = ramp.point([255 - abs(value - 128) * 2 for value in range(256)])
    tilted = Image.new("L", (width * 2, height * 2))
    tilted.paste(band, (0, height * 3 // 4))
    tilted = tilted.rotate(rng.choice((-1, 1)) * rng.uniform(25, 60), Image.Resampling.BILINEAR)
    band = tilted.crop((width // 2, height // 2, width * 3 // 2, height * 3 // 2))
    dust = ImageChops.multiply(band, levels(clouds(size, rng, 4, stretch=1.2), 70, 200))
    haze = Image.merge(
        "RGB", [dust.point([value * share // 100 for value in range(256)]) for share in (50, 48, 66)]
    )
    picture = screen(picture, haze)
    points = Image.new("L", size)
    draw = ImageDraw.Draw(points)
    for _ in range(width * height // 900):
        x, y = rng.randrange(width), rng.randrange(height)
        draw.point((x, y), fill=rng.choice((60, 90, 120, 170, 255)))
    for _ in range(60):
        x, y = rng.randrange(width), rng.randrange(height)
        draw.ellipse((x - 1, y - 1, x + 1, y + 1), fill=rng.randrange(160, 256))
    halo = points.filter(ImageFilter.GaussianBlur(1.2))
    return screen(picture, *(Image.merge("RGB", [layer] * 3) for layer in (points, halo)))
