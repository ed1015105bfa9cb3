"""Orientation from EXIF, as browsers read it: a SHORT in the first directory, and nothing else (no XMP)."""

import struct

from PIL import Image

ORIENTATION, SHORT = 0x0112, 3
MAX_ENTRIES = 1000
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# These exchange width and height.
SIDEWAYS = frozenset(UPRIGHT[value] for value in (5, 6, 7, 8))


def upright_transpose(exif: object) -> Image.Transpose | None:
    """Return how to turn a picture with these EXIF bytes; None if it is upright or they are unusable."""
    if not isinstance(exif, bytes):
        return None
    data = exif.removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None:
        return None
    try:
        (directory,) = struct.unpack_from(f"{order}I", data, 4)
        (entries,) = struct.unpack_from(f"{order}H", data, directory)
        for number in range(min(entries, MAX_ENTRIES)):
            tag, kind, count, value = struct.unpack_from(f"{order}HHIH", data, directory + 2 + 12 * number)
            if tag == ORIENTATION:
                return UPRIGHT.get(value) if (kind, count) == (SHORT, 1) else None
    except struct.error:
        pass
    return None
