"""Limits of pictures by what it costs to decode them.

Measured on one core of a server: a baseline JPEG of 200 megapixels takes 0.4 s and 50 MB, because the decoder scales it
down. A progressive one needs 3 to 6 bytes per pixel for its coefficients; a PNG 4 bytes and 45 ms per megapixel; a WebP
16 bytes; a HEIC or AVIF 5 bytes. The largest accepted picture of each kind stays below 700 MB and 4 s.
"""

from collections.abc import Mapping
from types import MappingProxyType

MEGAPIXEL = 1_000_000

# What is accepted, by the decoder's name. `JPEG_BUFFERED` are JPEGs with several scans, such as progressive ones.
MAX_PIXELS: Mapping[str, int] = MappingProxyType(
    {
        "JPEG": 250 * MEGAPIXEL,
        "JPEG_BUFFERED": 110 * MEGAPIXEL,
        "PNG": 50 * MEGAPIXEL,
        "WEBP": 36 * MEGAPIXEL,
        "GIF": 36 * MEGAPIXEL,
        "AVIF": 64 * MEGAPIXEL,
        "HEIF": 64 * MEGAPIXEL,
    }
)

# The names of formats for people, and their media types.
FORMAT_NAMES: Mapping[str, str] = MappingProxyType(
    {"JPEG": "JPEG", "HEIF": "HEIC", "PNG": "PNG", "WEBP": "WebP", "AVIF": "AVIF", "GIF": "GIF"}
)
MEDIA_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "JPEG": "image/jpeg",
        "HEIF": "image/heic",
        "PNG": "image/png",
        "WEBP": "image/webp",
        "AVIF": "image/avif",
        "GIF": "image/gif",
    }
)
ACCEPTED = "JPEG, HEIC, PNG, WebP, AVIF or GIF"


def pixel_limits(max_pixels: int) -> dict[str, int]:
    """Return the limits by decoder; none is above `max_pixels`."""
    return {name: min(limit, max_pixels) for name, limit in MAX_PIXELS.items()}
