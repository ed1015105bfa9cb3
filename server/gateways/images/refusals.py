"""Errors of image processing, as clients see them."""

from collections.abc import Mapping
from typing import Any

from server.errors import AppError, InvalidInput, TooLarge, Unavailable, UnsupportedMedia
from server.gateways.images.limits import ACCEPTED, FORMAT_NAMES, MEGAPIXEL


def refusal(reason: str, details: Mapping[str, Any]) -> AppError:
    """Return the error for a reason of the image process: what was found, the limit, and what to do."""
    name = FORMAT_NAMES.get(details.get("format", ""), details.get("format", ""))
    match reason:
        case "unsupported" if name:
            return UnsupportedMedia(f"{name} files are not accepted. Send a {ACCEPTED} image.")
        case "unsupported":
            return UnsupportedMedia(f"The file is not an image of a known format. Send a {ACCEPTED} image.")
        case "no_decoder":
            return UnsupportedMedia(f"{name} images cannot be read here. Send the image as a JPEG.")
        case "too_many_pixels":
            return _too_many_pixels(name, details)
        case "too_many_scans":
            return InvalidInput(
                "The JPEG image has too many scans for its size. Save it again, without the option progressive.",
                code="image_unprocessable",
            )
        case "empty":
            return InvalidInput("The file is empty.", code="image_empty")
        case "damaged":
            return InvalidInput(
                f"The {name} image is damaged or incomplete. Check the file and upload it again.",
                code="image_damaged",
            )
        case "storage":
            return processing_unavailable()
        case _:
            return unprocessable()


def too_many_pictures() -> Unavailable:
    return Unavailable("Too many images are being processed. Try again.", retry_after_s=2.0)


def processing_unavailable() -> Unavailable:
    return Unavailable("Images cannot be processed at the moment. Try again.", retry_after_s=5.0)


def unprocessable() -> InvalidInput:
    return InvalidInput(
        "The image cannot be processed: decoding takes too long or needs too much memory. Save it as a JPEG and try"
        " again.",
        code="image_unprocessable",
    )


def _too_many_pixels(name: str, details: Mapping[str, Any]) -> TooLarge:
    limit = f"{details['limit'] / MEGAPIXEL:g} megapixels"
    found = (
        f" has {details['pixels'] / MEGAPIXEL:.0f} megapixels;" if "pixels" in details else " is too large;"
    )
    hint = "Scale it down." if name == "JPEG" else "Scale it down, or send it as a JPEG."
    return TooLarge(f"The {name} image{found} at most {limit} are accepted. {hint}", code="image_too_large")
