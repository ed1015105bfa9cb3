"""Files that are sent as pictures and are meant to hurt: bombs, and what is no picture at all."""

import io
import struct
import zlib

from PIL import Image

# By what they are; each under a name and a type that says JPEG.
NO_PICTURES = {
    "a text": b"Dear diary, \n" * 100,
    "an SVG": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    "an HTML page": b"<!doctype html><script>alert(1)</script>",
    "a GIF": b"GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\1\0\1\0\0\2\2D\1\0;",
    "a PDF": b"%PDF-1.7\n",
    "a program": b"\x7fELF" + bytes(2000),
}


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_bomb(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = png_chunk(b"IDAT", zlib.compress(bytes(10_000)))
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + body + png_chunk(b"IEND", b"")


def jpeg_bomb(width: int, height: int) -> bytes:
    data = bytearray(_encoded("JPEG"))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def webp_bomb(width: int, height: int) -> bytes:
    canvas = b"\x10\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    still = _encoded("WEBP", lossless=True)[12:]
    body = b"WEBP" + b"VP8X" + struct.pack("<I", 10) + canvas + still
    return b"RIFF" + struct.pack("<I", len(body)) + body


def bombs() -> dict[str, bytes]:
    """Pictures of few bytes and of as many pixels as their formats allow, or as we test for."""
    return {
        "a PNG bomb": png_bomb(20_000, 20_000),
        "a JPEG bomb": jpeg_bomb(20_000, 20_000),
        "a WebP bomb": webp_bomb(16_384, 16_384),
    }


def _encoded(form: str, **options: object) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, form, **options)
    return file.getvalue()
