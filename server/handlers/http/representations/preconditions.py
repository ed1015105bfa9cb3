"""Conditional requests (RFC 9110, 13): whether the client already has, or still expects, a version of a resource."""

import hashlib
from datetime import datetime

from aiohttp import ETag, hdrs, web

from server.errors import PreconditionFailed

ANY = "*"
DIGEST_BYTES = 12


def digest(content: bytes) -> bytes:
    """Return what identifies a version of some content."""
    return hashlib.blake2b(content, digest_size=DIGEST_BYTES).digest()


def weak_etag(version: bytes) -> str:
    """Return an ETag for a digest. It is weak because it names both the plain and the compressed form."""
    return f'W/"{version.hex()}"'


def is_not_modified(request: web.Request, etag: ETag, modified_at: datetime | None = None) -> bool:
    """Return whether to answer a GET or HEAD request with 304. Raises PreconditionFailed.

    `modified_at` is in whole seconds, as HTTP dates are. The conditions take precedence as in RFC 9110,
    13.2.2. Call it only if the request would succeed without them.
    """
    headers = request.headers
    if hdrs.IF_MATCH in headers:
        if not _matches(request.if_match, etag, strong=True):
            raise PreconditionFailed("No version named in If-Match is the current one.")
    elif modified_at and request.if_unmodified_since and modified_at > request.if_unmodified_since:
        raise PreconditionFailed("The resource was modified after If-Unmodified-Since.")
    if hdrs.IF_NONE_MATCH in headers:
        return _matches(request.if_none_match, etag, strong=False)
    return bool(modified_at and request.if_modified_since and modified_at <= request.if_modified_since)


def allows_range(request: web.Request, etag: ETag, modified_at: datetime) -> bool:
    """Return whether If-Range, if present, names the current version; otherwise the range is ignored."""
    condition = request.headers.get(hdrs.IF_RANGE)
    if condition is None:
        return True
    if condition.endswith('"'):  # a weak one never matches
        return not etag.is_weak and condition == f'"{etag.value}"'
    return request.if_range == modified_at


def _matches(named: tuple[ETag, ...] | None, etag: ETag, *, strong: bool) -> bool:
    if strong and etag.is_weak:
        return any(each.value == ANY for each in named or ())
    return any(
        each.value == ANY or (each.value == etag.value and not (strong and each.is_weak))
        for each in named or ()
    )
