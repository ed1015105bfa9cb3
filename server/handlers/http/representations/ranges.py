"""Byte ranges (RFC 9110, 14): the part of a representation that a request asks for."""

import re

from server.errors import RangeNotSatisfiable

# Several ranges, other units and invalid values are ignored, as RFC 9110 allows: the response is complete.
_BYTES = re.compile(r"bytes=(?:([0-9]{1,18})-([0-9]{1,18})?|-([0-9]{1,18}))")


def byte_range(header: str, size: int) -> range | None:
    """Return the requested positions within `size` bytes, or None for all. Raises RangeNotSatisfiable."""
    match = _BYTES.fullmatch(header.strip())
    if match is None:
        return None
    first, last, suffix = (None if text is None else int(text) for text in match.groups())
    if first is None:
        found = range(max(0, size - (suffix or 0)), size)
    elif last is not None and last < first:
        return None
    else:
        found = range(first, size if last is None else min(last + 1, size))
    if not found:
        raise RangeNotSatisfiable(size)
    return found


def content_range(part: range, size: int) -> str:
    """Return the value of Content-Range for a part."""
    return f"bytes {part.start}-{part.stop - 1}/{size}"
