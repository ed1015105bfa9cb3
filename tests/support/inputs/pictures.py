"""Small pictures with a mark in one corner, and what tests look at in a picture."""

import io
import struct

from PIL import Image, ImageCms, ImageDraw

RED, GREY = (230, 20, 20), (120, 120, 120)
PIXELS_ONLY = {0xD8, 0xE0, 0xDB, 0xC0, 0xC4, 0xDA, 0xD9}  # SOI APP0(JFIF) DQT SOF0 DHT SOS EOI


def marked(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """Return a grey picture with a red quarter at the top left."""
    picture = Image.new("RGB", (width, height), GREY)
    ImageDraw.Draw(picture).rectangle((0, 0, width // 2, height // 2), fill=RED)
    return picture.convert(mode)


def encoded(picture: Image.Image, form: str = "JPEG", **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def markers(jpeg: bytes) -> set[int]:
    """Return all markers of a JPEG file, and 0 for bytes after its end."""
    found, at = {jpeg[1]}, 2
    while True:
        marker = jpeg[at + 1]
        found.add(marker)
        if marker == 0xD9:
            return found | ({0} if at + 2 != len(jpeg) else set())
        at += 2 + struct.unpack(">H", jpeg[at + 2 : at + 4])[0]
        if marker == 0xDA:
            while not (jpeg[at] == 0xFF and jpeg[at + 1] not in {0, *range(0xD0, 0xD8)}):
                at += 1


def corner(path: bytes) -> str:
    """Return the corner with the red quarter."""
    with Image.open(io.BytesIO(path)) as picture:
        width, height = picture.size
        places = {"top left": (1, 1), "top right": (3, 1), "bottom left": (1, 3), "bottom right": (3, 3)}
        red = [
            name
            for name, (x, y) in places.items()
            if alike(picture.getpixel((width * x // 4, height * y // 4)), RED)
        ]
    return ", ".join(red)


def alike(pixel: object, colour: tuple[int, int, int]) -> bool:
    assert isinstance(pixel, tuple)
    return all(abs(one - other) <= 12 for one, other in zip(pixel, colour, strict=True))


def pixel(path: bytes, place: tuple[int, int] = (0, 0)) -> object:
    with Image.open(io.BytesIO(path)) as picture:
        return picture.getpixel(place)
