"""Conversion of decoded pictures to opaque sRGB."""

import contextlib
import io
import struct

from PIL import Image, ImageCms

from server.gateways.images.child.png_structure import colour_chunks
from server.gateways.images.child.profiles import Chromaticities, coded_profile, gamma_profile

# The nclx colour box of AVIF and HEIC is in the metadata at the start of the file.
NCLX, NCLX_SEARCH_BYTES = b"colrnclx", 64 * 1024


def source_profile(content: bytes, file_format: str, icc: object) -> bytes | None:
    """Return the ICC profile that describes the colours of a file; None for sRGB.

    Precedence is that of the PNG specification: cICP, iCCP, sRGB, then gAMA with cHRM.
    """
    embedded = icc if isinstance(icc, bytes) and icc else None
    if file_format == "PNG":
        chunks = colour_chunks(content)
        if len(coded := chunks.get(b"cICP", b"")) == 4:
            return coded_profile(coded[0], coded[1])
        return embedded or _from_gamma(chunks)
    if embedded is None and file_format in ("AVIF", "HEIF"):
        return _from_nclx(content)
    return embedded


def to_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """Return the picture as RGB in sRGB, on white where it is transparent. YCbCr stays, because it is from sRGB.

    Invalid profiles, and those of another colour model, are ignored, as in browsers.
    """
    if picture.mode == "YCbCr":
        return picture
    if picture.mode not in ("RGBA", "LA"):
        return _converted(picture, profile)
    alpha = picture.getchannel("A")
    opaque = picture.convert("RGB") if picture.mode == "RGBA" else picture.getchannel("L")
    white = Image.new("RGB", picture.size, "white")
    white.paste(_converted(opaque, profile), mask=alpha)
    return white


def resizable(picture: Image.Image) -> Image.Image:
    """Return the picture in a mode that can be resampled, unlike palettes and bitmaps; 16 bits become 8."""
    if picture.mode.startswith("I"):
        return picture.convert("I").point(lambda value: value * (1 / 257)).convert("L")
    if picture.mode == "PA" or (picture.mode != "CMYK" and picture.has_transparency_data):
        return picture if picture.mode in ("RGBA", "LA") else picture.convert("RGBA")
    if picture.mode in ("L", "RGB", "CMYK", "YCbCr"):
        return picture
    return picture.convert("L" if picture.mode == "1" else "RGB")


def _converted(picture: Image.Image, profile: bytes | None) -> Image.Image:
    if profile:
        with contextlib.suppress(ImageCms.PyCMSError, OSError, ValueError, TypeError):
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
            if converted := ImageCms.profileToProfile(picture, source, srgb, outputMode="RGB"):
                return converted
    return picture.convert("RGB")


def _from_gamma(chunks: dict[bytes, bytes]) -> bytes | None:
    gamma, corners = chunks.get(b"gAMA", b""), chunks.get(b"cHRM", b"")
    if b"sRGB" in chunks or len(gamma) != 4:
        return None
    chromaticities: Chromaticities | None = None
    if len(corners) == 32:
        wx, wy, rx, ry, gx, gy, bx, by = (value / 100_000 for value in struct.unpack(">8I", corners))
        chromaticities = (wx, wy, rx, ry, gx, gy, bx, by)
    return gamma_profile(int.from_bytes(gamma, "big") / 100_000, chromaticities)


def _from_nclx(content: bytes) -> bytes | None:
    at = content.find(NCLX, 0, NCLX_SEARCH_BYTES)
    values = content[at + len(NCLX) : at + len(NCLX) + 4]
    if at < 0 or len(values) < 4:
        return None
    return coded_profile(*struct.unpack(">HH", values))
