"""Encoding of renditions: JPEG, and AVIF where it is better."""

import io

from PIL import Image, ImageChops, ImageFile, ImageStat

from server.gateways.images.child.similarity import similarity

QUALITY = 85
# Mean error of chroma, 0 to 255, that halving its resolution causes. Photographs are below 1.
MAX_CHROMA_ERROR = 2.0
# With optimised tables the whole file must fit in Pillow's buffer, of one byte per pixel by default. Noise needs more.
MIN_BUFFER_BYTES, BUFFER_BYTES_PER_PIXEL = 65_536, 4

# The lowest quality at which an AVIF is as similar as the JPEG is between 70 and 92 for nearly all photographs.
MIN_AVIF_QUALITY, MAX_AVIF_QUALITY, USUAL_AVIF_QUALITY = 55, 95, 83
# libaom's fastest setting that still compresses: 10 has the same sizes.
AVIF_SPEED = 9
MAX_AVIF_PIXELS = 8_000_000


def encode_jpeg(picture: Image.Image, *, full_chroma: bool) -> bytes:
    """Return a baseline JPEG without metadata.

    A progressive one is 2 % smaller and takes twice the CPU time.
    """
    picture.info.clear()
    buffer = io.BytesIO()
    ImageFile.MAXBLOCK = max(MIN_BUFFER_BYTES, BUFFER_BYTES_PER_PIXEL * picture.width * picture.height)
    picture.save(buffer, "JPEG", quality=QUALITY, optimize=True, subsampling=0 if full_chroma else 2)
    return buffer.getvalue()


def encode_avif(
    picture: Image.Image, *, full_chroma: bool, first_quality: int = USUAL_AVIF_QUALITY
) -> tuple[bytes, int] | None:
    """Return the smallest AVIF that is at least as similar to the picture as its JPEG, and the quality of that AVIF.

    Returns None if that is not smaller than the JPEG, and for a very large picture. The search for the quality takes
    about five encodings; it begins at `first_quality`, and then halves the range.
    """
    if picture.width * picture.height > MAX_AVIF_PIXELS:
        return None
    jpeg = encode_jpeg(picture, full_chroma=full_chroma)
    required = similarity(picture, _decoded(jpeg, "JPEG"))
    best: tuple[bytes, int] | None = None
    low, high, quality = MIN_AVIF_QUALITY, MAX_AVIF_QUALITY, first_quality
    while low <= high:
        content = _avif(picture, quality, full_chroma=full_chroma)
        if similarity(picture, _decoded(content, "AVIF")) >= required:
            best, high = (content, quality), quality - 1
        elif len(content) >= len(jpeg):
            return None
        else:
            low = quality + 1
        quality = (low + high) // 2
    return best if best is not None and len(best[0]) < len(jpeg) else None


def needs_full_chroma(picture: Image.Image) -> bool:
    """Return whether halving the resolution of the colours would be seen, as in coloured text and drawings.

    YCbCr is from a file whose chroma is halved already. Otherwise this measures what is lost, because the format does
    not tell: photographs are saved as PNG, and screenshots as JPEG.
    """
    if picture.mode == "YCbCr":
        return False
    blue, red = picture.convert("YCbCr").split()[1:]
    return max(_halving_error(blue), _halving_error(red)) > MAX_CHROMA_ERROR


def _avif(picture: Image.Image, quality: int, *, full_chroma: bool) -> bytes:
    buffer = io.BytesIO()
    subsampling = "4:4:4" if full_chroma else "4:2:0"
    picture.save(
        buffer,
        "AVIF",
        quality=quality,
        speed=AVIF_SPEED,
        subsampling=subsampling,
        max_threads=1,
        advanced={"tune": "ssim"},  # 10 % smaller at the same similarity than by default
    )
    return buffer.getvalue()


def _decoded(content: bytes, file_format: str) -> Image.Image:
    with Image.open(io.BytesIO(content), formats=(file_format,)) as picture:
        picture.load()
        return picture


def _halving_error(channel: Image.Image) -> float:
    halved = channel.reduce(2).resize(channel.size, Image.Resampling.BILINEAR)
    return ImageStat.Stat(ImageChops.difference(channel, halved)).mean[0]
