"""JPEG encoding of renditions."""

import io

from PIL import Image, ImageChops, ImageFile, ImageStat

QUALITY = 85
# Mean error of chroma, 0 to 255, that halving its resolution causes. Photographs are below 1.
MAX_CHROMA_ERROR = 2.0
# With optimised tables the whole file must fit in Pillow's buffer, of one byte per pixel by default. Noise needs more.
MIN_BUFFER_BYTES, BUFFER_BYTES_PER_PIXEL = 65_536, 4


def encode_jpeg(picture: Image.Image, *, full_chroma: bool) -> bytes:
    """Return a baseline JPEG without metadata.

    A progressive one is 2 % smaller and takes twice the CPU time.
    """
    picture.info.clear()
    buffer = io.BytesIO()
    ImageFile.MAXBLOCK = max(MIN_BUFFER_BYTES, BUFFER_BYTES_PER_PIXEL * picture.width * picture.height)
    picture.save(buffer, "JPEG", quality=QUALITY, optimize=True, subsampling=0 if full_chroma else 2)
    return buffer.getvalue()


def needs_full_chroma(picture: Image.Image) -> bool:
    """Return whether halving the resolution of the colours would be seen, as in coloured text and drawings.

    Measures what is lost, because the format does not tell: photographs are saved as PNG, and screenshots as JPEG.
    """
    blue, red = picture.convert("YCbCr").split()[1:]
    return max(_halving_error(blue), _halving_error(red)) > MAX_CHROMA_ERROR


def _halving_error(channel: Image.Image) -> float:
    halved = channel.reduce(2).resize(channel.size, Image.Resampling.BILINEAR)
    return ImageStat.Stat(ImageChops.difference(channel, halved)).mean[0]
