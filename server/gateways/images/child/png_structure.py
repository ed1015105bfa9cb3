"""The structure of a PNG file: colour chunks, animation, and how many rows it has."""

import struct
import zlib
from collections.abc import Iterator

SIGNATURE_BYTES = 8
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
INFLATE_STEP = 1024 * 1024
COLOUR_CHUNKS = frozenset({b"gAMA", b"cHRM", b"cICP", b"sRGB", b"iCCP"})
MAX_CHUNKS = 100_000


def colour_chunks(content: bytes) -> dict[bytes, bytes]:
    """Return the colour chunks that stand before the pixels, by type."""
    found: dict[bytes, bytes] = {}
    for kind, data in _chunks(content):
        if kind == b"IDAT":
            break
        if kind in COLOUR_CHUNKS:
            found.setdefault(kind, bytes(data))
    return found


def missing_share(content: bytes) -> float:
    """Return which share of the pixels' bytes cannot be decompressed, from 0 to 1."""
    header = next(_chunks(content), (b"", memoryview(b"")))
    if header[0] != b"IHDR" or len(header[1]) != 13:
        return 1.0
    width, height, depth, colour = struct.unpack(">IIBB", header[1][:10])
    row = 1 + (width * depth * CHANNELS.get(colour, 1) + 7) // 8
    # Interlaced pictures have a few bytes more.
    return max(0.0, 1 - _inflated_bytes(content) / (row * height))


def _inflated_bytes(content: bytes) -> int:
    inflater, total = zlib.decompressobj(), 0
    for kind, data in _chunks(content):
        if kind != b"IDAT":
            continue
        rest = bytes(data)
        while rest and not inflater.eof:
            try:
                total += len(inflater.decompress(rest, INFLATE_STEP))
            except zlib.error:
                return total
            rest = inflater.unconsumed_tail
    return total


def _chunks(content: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Yield type and data of each chunk; the last one may be cut off. Checksums are not verified."""
    view, at = memoryview(content), SIGNATURE_BYTES
    for _ in range(MAX_CHUNKS):
        if at + 8 > len(content):
            return
        length = int.from_bytes(view[at : at + 4], "big")
        yield bytes(view[at + 4 : at + 8]), view[at + 8 : at + 8 + length]
        at += 12 + length
