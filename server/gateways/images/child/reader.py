"""Decoding of untrusted files into pictures: formats, limits, damage, animations, orientation."""

import contextlib
import importlib
import io
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from PIL import Image, ImageChops, ImageFile

from server.gateways.images.child import formats
from server.gateways.images.child.jpeg_structure import read_structure
from server.gateways.images.child.orientation import SIDEWAYS, upright_transpose
from server.gateways.images.child.png_structure import missing_share
from server.gateways.images.child.refused import Refused

try:
    import pi_heif
except ImportError:
    pi_heif = None

# Every scan of a progressive JPEG covers all pixels but can have ten bytes: 300 KB kept a decoder busy for more than
# 20 s. Encoders write about 10 scans.
MAX_SCANS = 50
MAX_SCANNED_PIXELS = 1_500_000_000
# Share of rows that may be missing at the end of a file; they are cut off.
MAX_MISSING = 0.03
# Frames of an animation in which to look for one that is not empty.
MAX_FRAMES_TRIED, MAX_FRAME_PIXELS = 8, 50_000_000
ANIMATED = frozenset({"PNG", "WEBP", "GIF", "AVIF"})
MCU_ROWS = 16
# A file that is scaled down by more has sharper colours than its halved chroma when it is scaled.
MAX_PLANE_RATIO = 1.25
Target = Callable[[tuple[int, int]], tuple[int, int]]
PLUGINS = ("Jpeg", "Mpo", "Png", "WebP", "Gif", "Avif")
END_OF_IMAGE = b"\xff\xd9"


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded picture and how to turn it upright.

    `picture` can be smaller than `size`, because a JPEG is scaled while it is decoded.
    """

    picture: Image.Image
    size: tuple[int, int]
    format: str
    animated: bool
    icc: object
    transpose: Image.Transpose | None


def load_decoders() -> None:
    """Import the decoders, so that nothing is imported while a picture is read."""
    for name in PLUGINS:
        importlib.import_module(f"PIL.{name}ImagePlugin")
    if pi_heif is not None:
        pi_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=1)


def decode(content: bytes, max_pixels: Mapping[str, int], target: Target) -> Decoded:
    """Return the picture in `content`; `target` returns for its upright size how large it is needed. Raises Refused."""
    if not content:
        raise Refused("empty")
    name = formats.recognise(content)
    if name not in formats.DECODED:
        raise Refused("unsupported", format=name or "")
    if name == "HEIF" and pi_heif is None:
        raise Refused("no_decoder", format="HEIC")
    with _decoding(name):
        if name == "JPEG":
            return _decode_jpeg(content, max_pixels, target)
        try:
            return _decode(content, name, max_pixels[name])
        except (OSError, SyntaxError, ValueError, EOFError):
            if name != "PNG":
                raise
        return _decode_damaged_png(content, max_pixels[name])


@contextlib.contextmanager
def _decoding(name: str) -> Iterator[None]:
    """Translate errors of decoders, which raise nearly anything: unknown ones mean a damaged picture."""
    try:
        yield
    except (Refused, MemoryError):
        raise
    except Exception as error:
        raise Refused("damaged", format=name) from error


def _decode(content: bytes, name: str, limit: int, target: Target | None = None, scans: int = 1) -> Decoded:
    # Some decoders (WebP) allocate the canvas while opening. Pillow checks the size before that, but raises only above
    # twice the limit.
    Image.MAX_IMAGE_PIXELS = limit // 2
    try:
        with Image.open(io.BytesIO(content), formats=(name,)) as picture:
            width, height = picture.size
            if width * height > limit:
                raise Refused("too_many_pixels", format=name, pixels=width * height, limit=limit)
            if scans > 1 and scans * width * height > MAX_SCANNED_PIXELS:
                raise Refused("too_many_scans", format=name)
            if target is not None:
                _scale_while_decoding(picture, target)
            animated = name in ANIMATED and bool(getattr(picture, "is_animated", False))
            if not (animated and _load_visible_frame(picture, width * height)):
                picture.load()
            # HEIC pictures are turned by their decoder.
            transpose = None if name == "HEIF" else upright_transpose(picture.info.get("exif"))
            return Decoded(
                picture, (width, height), name, animated, picture.info.get("icc_profile"), transpose
            )
    except Image.DecompressionBombError as error:
        raise Refused("too_many_pixels", format=name, limit=limit) from error


def _scale_while_decoding(picture: Image.Image, target: Target) -> None:
    """Let a JPEG decoder scale by 1/2, 1/4 or 1/8, at a fraction of the cost of decoding in full.

    The result has at least twice the size that is needed, because resampling from less loses sharpness.
    """
    transpose = upright_transpose(picture.info.get("exif"))
    sideways = transpose in SIDEWAYS
    width, height = target((picture.height, picture.width) if sideways else picture.size)
    wanted = (height, width) if sideways else (width, height)
    # Renditions have halved chroma as the file has, so that its planes can be scaled without a conversion to RGB.
    mode = "YCbCr" if picture.width <= MAX_PLANE_RATIO * wanted[0] and _has_halved_chroma(picture) else None
    picture.draft(mode, (2 * wanted[0], 2 * wanted[1]))


def _has_halved_chroma(picture: Image.Image) -> bool:
    """Return whether a JPEG has YCbCr planes in sRGB, and the colours at half the resolution in both directions."""
    sampling = [component[1:3] for component in getattr(picture, "layer", ())]
    return (
        sampling == [(2, 2), (1, 1), (1, 1)]
        and picture.info.get("adobe_transform", 1) == 1
        and not picture.info.get("icc_profile")
    )


def _load_visible_frame(picture: Image.Image, pixels: int) -> bool:
    """Load the first frame that is not fully transparent; return False if there is none among the first."""
    frames = min(getattr(picture, "n_frames", 1), MAX_FRAMES_TRIED, MAX_FRAME_PIXELS // pixels)
    for number in range(frames):
        picture.seek(number)
        picture.load()
        if not picture.has_transparency_data or picture.convert("RGBA").getchannel("A").getbbox():
            return True
    picture.seek(0)
    return False


def _decode_jpeg(content: bytes, max_pixels: Mapping[str, int], target: Target) -> Decoded:
    structure = read_structure(content, MAX_SCANS)
    if structure.scans > MAX_SCANS:
        raise Refused("too_many_scans", format="JPEG")
    limit = max_pixels["JPEG_BUFFERED" if structure.buffered else "JPEG"]
    if structure.complete:
        return _decode(content, "JPEG", limit, target, structure.scans)
    if structure.buffered and not structure.all_coefficients:
        raise Refused("damaged", format="JPEG")
    # The decoder fills what is missing with grey.
    decoded = _decode(content + END_OF_IMAGE, "JPEG", limit, target, structure.scans)
    return _without_rows(decoded, _grey_rows(decoded.picture))


def _grey_rows(picture: Image.Image) -> int:
    """Return how many rows at the bottom a JPEG decoder filled with grey, also the ones that it filled in part."""
    full = _grey_below(picture)
    right = _grey_below(picture.crop((picture.width - 1, 0, picture.width, picture.height)))
    return min(right, full + MCU_ROWS)


def _grey_below(picture: Image.Image) -> int:
    grey = Image.new(picture.mode, picture.size, (128,) * len(picture.getbands()))
    # Rounding may be off by one.
    other = (
        ImageChops.difference(picture, grey).point([0, 0, *([255] * 254)] * len(grey.getbands())).getbbox()
    )
    return picture.height - (other[3] if other else 0)


def _decode_damaged_png(content: bytes, limit: int) -> Decoded:
    """Decode a PNG with a wrong checksum in metadata, or without its last rows, as browsers do."""
    missing = missing_share(content)
    if missing > MAX_MISSING:
        raise Refused("damaged", format="PNG")
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        decoded = _decode(content, "PNG", limit)
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = False
    rows = 0 if decoded.picture.info.get("interlace") else math.ceil(missing * decoded.picture.height)
    return _without_rows(decoded, rows)


def _without_rows(decoded: Decoded, rows: int) -> Decoded:
    """Return the picture without the rows that are missing at its bottom. Raises Refused for too many."""
    width, height = decoded.picture.size
    if rows > MAX_MISSING * height and rows > 1:
        raise Refused("damaged", format=decoded.format)
    kept = decoded.picture.crop((0, 0, width, height - rows))
    kept_height = round(decoded.size[1] * kept.height / height)
    return replace(decoded, picture=kept, size=(decoded.size[0], kept_height)) if rows else decoded
