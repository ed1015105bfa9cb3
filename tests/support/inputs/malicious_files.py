"""Hostile inputs: decompression bombs, files that are not images, and texts."""

import io
import struct
import zlib

from PIL import Image

# Content by kind; each is sent as JPEG.
NOT_IMAGES = {
    "a text": b"Dear diary, \n" * 100,
    "an SVG": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    "an HTML page": b"<!doctype html><script>alert(1)</script>",
    "a TIFF": b"II*\0\x08\0\0\0\0\0\0\0\0\0",
    "a PDF": b"%PDF-1.7\n",
    "a program": b"\x7fELF" + bytes(2000),
}

# Texts by attack; each may come as a name, a comment or in an address.
TEXTS = {
    "a header": "ana\r\nBcc: eve@example.com",
    "a header after a line feed": "ana\nBcc: eve@example.com",
    "a header after a carriage return": "ana\rBcc: eve@example.com",
    "a header after other breaks": "ana\u2028Bcc: eve\u2029Bcc: eve\x85Bcc: eve\x0bBcc: eve\x0cBcc: eve\x1eBcc: eve",
    "a header in an encoded word": "=?utf-8?q?ana=0D=0ABcc:_eve@example.com?=",
    "a header in base64": "ana=?utf-8?b?DQpCY2M6IGV2ZUBleGFtcGxlLmNvbQ==?=",
    "a body": "ana\r\n\r\n<h1>You won</h1>",
    "another part": "ana\r\n--===============0==\r\nContent-Type: text/html\r\n\r\n<h1>You won</h1>",
    "another e-mail": "ana\r\n.\r\nMAIL FROM:<eve@example.com>\r\nRCPT TO:<bob@example.com>\r\nDATA\r\n",
    "another e-mail after bare line feeds": "ana\n.\nMAIL FROM:<eve@example.com>\r.\rRCPT TO:<bob@example.com>",
    "another address": '"ana" <eve@example.com>, bob@example.com>',
    "the end of a text": "ana\0bob",
    "a text that runs backwards": "ana\u202e\u2066gpj.exe\u2069\u200f\u061c",
    "an escape sequence": "ana\x1b[2J\x07\x9b2J\x7f",
    "half a character": "ana\ud800bob\udc80",
    "500 emoji": "\U0001f600" * 500,
    "500 families": "\U0001f469\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466" * 500,
    "500 accents on one letter": "e" + "\u0301" * 500,
    "a word without end": "x" * 5000,
    "a script": "</td></table><script>alert(1)</script><img src=x onerror=alert(1)><!--",
    "an attribute": '" onmouseover="alert(1)" x=\'',
    "a template": "{{ 7 * 7 }}{% include 'layout.html' %}{# ana #}",
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
    """Return small files that declare as many pixels as their formats or the tests allow."""
    return {
        "a PNG bomb": png_bomb(20_000, 20_000),
        "a JPEG bomb": jpeg_bomb(20_000, 20_000),
        "a WebP bomb": webp_bomb(16_384, 16_384),
    }


def _encoded(form: str, **options: object) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, form, **options)
    return file.getvalue()
