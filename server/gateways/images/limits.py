"""Limits of pictures by what it costs to decode them.

Measured with noisy pictures of these sizes: a baseline JPEG of 250 megapixels takes 1.6 s and 170 MB, because the
decoder scales it down. A progressive one keeps its coefficients, 3 to 6 bytes per pixel. A PNG takes 8 bytes per
pixel, a WebP 15, an AVIF with alpha 13, a HEIC 5. The largest accepted picture of each kind stays below 800 MB and 5
s of CPU time.
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
        "AVIF": 50 * MEGAPIXEL,
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
