"""Files as phones, cameras and programs write them, of a scene with a red sun, blue sky and grass."""

import io
import struct
import zlib
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw

from tests.support.inputs.malicious_files import png_chunk
from tests.support.inputs.pictures import encoded, srgb_profile

SKY, GRASS, SUN = (90, 150, 230), (40, 140, 60), (220, 40, 40)
SCAN = b"\xff\xda"
# Written by heif-enc; the rotation (irot) was added.
HEIC = Path(__file__).with_name("rotated.heic")


@cache
def scene(width: int = 320, height: int = 240) -> Image.Image:
    """Return the scene, upright: sky above grass, the sun at the top right."""
    picture = Image.new("RGB", (width, height), SKY)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, height * 5 // 8, width, height), fill=GRASS)
    draw.ellipse((width * 5 // 8, height // 16, width * 7 // 8, height * 3 // 8), fill=SUN)
    return picture


def text(width: int, height: int, ink: tuple[int, int, int], paper: tuple[int, int, int]) -> Image.Image:
    """Return a screenshot full of small text."""
    line = Image.new("RGB", (width, 14), paper)
    ImageDraw.Draw(line).text((6, 0), "The quick brown fox jumps over the lazy dog. " * 4, fill=ink)
    picture = Image.new("RGB", (width, height), paper)
    for top in range(0, height, line.height):
        picture.paste(line, (0, top))
    return picture


def motion_photo() -> bytes:
    """Return a JPEG with a video behind it, in which scan markers occur by chance."""
    return plain() + b"\0\0\0\x18ftypmp42" + 60 * (SCAN + bytes(40))


def plain() -> bytes:
    return encoded(scene(), quality=92)


def large_profile() -> bytes:
    """Return a JPEG with a colour profile of a scanner, in whose tables scan markers occur by chance."""
    profile = srgb_profile() + 60 * (SCAN + bytes(1000))
    return encoded(scene(), quality=92, icc_profile=struct.pack(">I", len(profile)) + profile[4:])


def xmp_orientation() -> bytes:
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    xmp += b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
    return encoded(scene(), quality=92, xmp=xmp)


def png(*chunks: bytes, picture: Image.Image | None = None) -> bytes:
    """Return a PNG of the scene with more chunks behind its header."""
    whole = encoded(picture or scene(), "PNG")
    return whole[:33] + b"".join(chunks) + whole[33:]


def bad_checksum_in_text() -> bytes:
    return png(png_chunk(b"tEXt", b"Comment\0canary")[:-4] + b"\0\0\0\0")


def gamma(value: float) -> bytes:
    return png_chunk(b"gAMA", struct.pack(">I", round(value * 100_000)))


def chromaticities(*values: float) -> bytes:
    return png_chunk(b"cHRM", struct.pack(">8I", *(round(value * 100_000) for value in values)))


def coding_points(primaries: int, transfer: int) -> bytes:
    return png_chunk(b"cICP", bytes((primaries, transfer, 0, 1)))


def cut_png(share: float) -> bytes:
    """Return a PNG whose pixels end after that share of its rows, as after a broken transfer."""
    picture = scene()
    rows = round(picture.height * share)
    raw = b"".join(b"\0" + picture.crop((0, y, picture.width, y + 1)).tobytes() for y in range(rows))
    header = struct.pack(">IIBBBBB", *picture.size, 8, 2, 0, 0, 0)
    pixels = zlib.compress(raw)[:-6]  # without the end of the stream
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", pixels)


def animation(form: str, *, first_is_empty: bool = False) -> bytes:
    frames = [scene().convert("RGBA"), Image.new("RGBA", scene().size, (0, 0, 0, 255))]
    if first_is_empty:
        frames.insert(0, Image.new("RGBA", scene().size, (0, 0, 0, 0)))
    return encoded(frames[0], form, save_all=True, append_images=frames[1:], duration=100, disposal=2)


def still(form: str, **options: object) -> bytes:
    return encoded(scene(), form, **options)


def baseline(width: int, height: int, **options: object) -> bytes:
    """Return a large JPEG that costs little to write."""
    return encoded(scene().resize((width, height), Image.Resampling.BILINEAR), quality=60, **options)


def heic() -> bytes:
    """Return a HEIC of the scene in portrait, 240 x 320, stored sideways with a rotation and the same in EXIF."""
    return HEIC.read_bytes()


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))
