"""The perceptual hash of a picture, which stays nearly the same when the picture is scaled or encoded again."""

from typing import cast

import dhash
from PIL import Image

SIDE = 8
# Of the 64 bits of each half. Plain pictures and even gradients have fewer of one kind, and are like many others.
MIN_BITS = 8
REDUCING_GAP = 3.0


def picture_hash(picture: Image.Image) -> str | None:
    """Return the difference hash of an upright picture, 128 bits in hexadecimal; None if it has too little structure.

    The first 64 bits compare neighbours in rows, and the others those in columns.
    """
    # Resampled here, because dhash uses a deprecated function of Pillow.
    side = SIDE + 1
    grey = picture.convert("L").resize((side, side), Image.Resampling.LANCZOS, reducing_gap=REDUCING_GAP)
    halves = cast("tuple[int, int]", dhash.dhash_row_col(list(grey.tobytes()), SIDE))
    if any(not MIN_BITS <= half.bit_count() <= SIDE * SIDE - MIN_BITS for half in halves):
        return None
    return "".join(f"{half:016x}" for half in halves)
