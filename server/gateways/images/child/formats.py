"""Recognition of file formats from their first bytes, whatever a client calls the file."""

# Formats that are decoded, by the name that Pillow has for them.
DECODED = ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "HEIF")
HEIC_BRANDS = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
)
AVIF_BRANDS = frozenset({b"avif", b"avis"})
MAX_BRANDS = 64

# Formats that are named in the error: what the file starts with, and the name.
OTHER_SIGNATURES = (
    (b"II*\0", "TIFF or raw"),
    (b"MM\0*", "TIFF or raw"),
    (b"II+\0", "BigTIFF"),
    (b"BM", "BMP"),
    (b"8BPS", "Photoshop"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\1\0", "ICO"),
    (b"FUJIFILMCCD-RAW", "raw"),
    (b"%PDF", "PDF"),
    (b"PK\3\4", "ZIP"),
    (b"\x1aE\xdf\xa3", "WebM video"),
)
TEXT_SIGNATURES = ((b"<svg", "SVG"), (b"<!doctype html", "HTML"), (b"<html", "HTML"))


def recognise(content: bytes) -> str | None:
    """Return the name of the format: one of DECODED, another name, or None if it is unknown."""
    if content.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if content.startswith(b"RIFF"):
        return {b"WEBP": "WEBP", b"AVI ": "AVI video"}.get(content[8:12])
    if content[4:8] == b"ftyp":
        return _iso_media(content)
    for signature, name in OTHER_SIGNATURES:
        if content.startswith(signature):
            return name
    start = content[:1024].lower()
    return next((name for signature, name in TEXT_SIGNATURES if signature in start), None)


def _iso_media(content: bytes) -> str:
    """Return the format of an ISO base media file (ISO/IEC 14496-12) by its brands."""
    end = min(int.from_bytes(content[:4], "big"), 16 + 4 * MAX_BRANDS, len(content))
    brands = {content[8:12], *(content[at : at + 4] for at in range(16, end, 4))}
    if brands & AVIF_BRANDS:
        return "AVIF"
    if brands & HEIC_BRANDS:
        return "HEIF"
    return "video"
