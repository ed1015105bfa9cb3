"""Photographs as cameras make them."""

import io
import random
from functools import cache

from PIL import Image
from PIL.Image import Exif

ORIENTATION, MAKER, GPS = 0x0112, 0x010F, 0x8825
TURNED_RIGHT = 6  # the first stored column is the top of the image
CAMERA = "A camera that should stay unknown"
COMMENT = b"a comment that should stay unknown"
RED = (200, 30, 30)


@cache
def twelve_megapixels() -> bytes:
    """Return a JPEG stored as 4000 x 3000 that displays upright with a red band at the top, with GPS data."""
    noise = Image.effect_noise((1000, 750), 60).resize((4000, 3000)).convert("RGB")
    noise.paste(RED, (0, 0, 600, 3000))
    exif = Exif()
    exif[ORIENTATION], exif[MAKER] = TURNED_RIGHT, CAMERA
    exif.get_ifd(GPS).update(
        {1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 36.0), 29: "2026:11:22"},
    )
    return _jpeg(noise, exif=exif, comment=COMMENT, quality=80)


@cache
def small(shade: int = 128) -> bytes:
    """Return a small JPEG."""
    return _jpeg(Image.new("RGB", (64, 48), (shade, 90, 200)))


@cache
def blots(seed: int = 1, width: int = 640, quality: int = 90) -> bytes:
    """Return a JPEG of soft blots, in proportions of 4 to 3; different seeds look different."""
    spots = Image.frombytes("L", (12, 9), random.Random(seed).randbytes(108))
    large = spots.resize((1280, 960), Image.Resampling.BICUBIC).convert("RGB")
    return _jpeg(large.resize((width, width * 3 // 4), Image.Resampling.LANCZOS), quality=quality)


@cache
def noise(width: int, height: int, quality: int = 90) -> bytes:
    """Return a JPEG of random pixels: 0.9 bytes per pixel at the quality of 90, 2.0 at 100."""
    pixels = random.Random(width * height).randbytes(width * height * 3)
    return _jpeg(Image.frombytes("RGB", (width, height), pixels), quality=quality)


def _jpeg(image: Image.Image, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", **options)
    return file.getvalue()
