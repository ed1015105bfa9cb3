"""Errors of image processing, as clients see them."""

from server.errors import AppError, InvalidInput, StorageFull, TooLarge, Unavailable, UnsupportedMedia


def refusal(reason: str, max_pixels: int) -> AppError:
    """Return the error for a reason that `worker.py` gives."""
    match reason:
        case "unsupported":
            return UnsupportedMedia("Only JPEG, PNG and WebP images can be uploaded.")
        case "too_many_pixels":
            megapixels = f"{max_pixels / 1_000_000:g}"
            return TooLarge(f"The image has more than {megapixels} megapixels.", code="image_too_large")
        case "empty":
            return InvalidInput("The file is empty.", code="image_empty")
        case "damaged":
            return InvalidInput("The image is damaged or incomplete.", code="image_damaged")
        case "storage_full":
            return StorageFull("There is no space left to store the image.")
        case "storage":
            return processing_unavailable()
        case _:
            return unprocessable()


def too_many_pictures() -> Unavailable:
    return Unavailable("Too many images are being processed. Try again.", retry_after_s=2.0)


def processing_unavailable() -> Unavailable:
    return Unavailable("Images cannot be processed at the moment. Try again.", retry_after_s=5.0)


def unprocessable() -> InvalidInput:
    return InvalidInput("The image cannot be processed.", code="image_unprocessable")
