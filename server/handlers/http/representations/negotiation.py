"""Responses in the form that the client prefers: 304 if it has the current version, or compressed."""

import re
import zlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType

import brotli
from aiohttp import ETag, hdrs, web

from server.handlers.http.operations import JSON, options_of
from server.handlers.http.representations.preconditions import digest, is_not_modified, weak_etag
from server.handlers.http.requests import PRINCIPAL
from server.services.records import ANONYMOUS

# A smaller body fits into one or two packets anyway.
MIN_COMPRESSED_BYTES = 1024
# Measured with a feed page of 33 KB: level 2 takes 55 µs for 3.3 KB, level 6 takes 850 µs for 3.2 KB. The smaller table
# (`memLevel` 6) costs nothing in size, and its allocation takes 10 instead of 180 µs.
LEVEL, GZIP_WINDOW, MEMORY_LEVEL = 2, 31, 6
# Measured with a feed page of 62 KB, which gzip makes 7.8 KB in 146 µs: quality 3 takes 155 µs for 8.1 KB, 4 takes
# 240 µs for 7.5 KB, 5 takes 350 µs for 6.4 KB, and 6 takes 390 µs for the same. Below 5, gzip is as good.
BROTLI_QUALITY, BROTLI_WINDOW = 5, 18
# A cache may keep the response for its user, but has to ask each time whether it is current.
REVALIDATED = "private, no-cache"
# The same for all readers without an account. For this time a hidden post may stay in a cache.
PUBLIC = "public, max-age=60"
_CODING = re.compile(
    r"(?:^|,)\s*(br|gzip|x-gzip|\*)\s*(?:;\s*q=([01](?:\.[0-9]{0,3})?)\s*)?(?=,|$)", re.IGNORECASE
)


def negotiate(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """Return 304 in place of a JSON response that the client has; compress another one, if it accepts that.

    The options of the route decide about both. Raises PreconditionFailed. Streams and media are returned as they are.
    """
    if not isinstance(response, web.Response) or response.status >= 300:
        return response
    body, headers = response.body, response.headers
    if not isinstance(body, bytes) or headers.get(hdrs.CONTENT_TYPE) != JSON:
        return response
    options = options_of(request.match_info.handler)
    compressible = options.compressible and len(body) >= MIN_COMPRESSED_BYTES
    varying = [hdrs.ACCEPT_ENCODING] if compressible else []
    if options.anonymous:
        varying.append(hdrs.AUTHORIZATION)
    if varying:
        headers[hdrs.VARY] = ", ".join(varying)
    if options.etag:
        if hdrs.CACHE_CONTROL not in headers:
            headers[hdrs.CACHE_CONTROL] = PUBLIC if request.get(PRINCIPAL) is ANONYMOUS else REVALIDATED
        if hdrs.ETAG not in headers:
            headers[hdrs.ETAG] = weak_etag(digest(body))
        if _is_current(request, headers[hdrs.ETAG]):
            return _not_modified(response)
    if compressible and (coding := preferred_coding(request.headers.get(hdrs.ACCEPT_ENCODING, ""))):
        headers[hdrs.CONTENT_ENCODING] = coding
        response.body = _COMPRESS[coding](body)
    return response


def _is_current(request: web.Request, etag: str) -> bool:
    if hdrs.IF_NONE_MATCH not in request.headers and hdrs.IF_MATCH not in request.headers:
        return False
    return is_not_modified(request, ETag(etag.removeprefix("W/").strip('"'), is_weak=True))


def _not_modified(response: web.Response) -> web.Response:
    kept = (hdrs.ETAG, hdrs.CACHE_CONTROL, hdrs.VARY)
    headers = {name: response.headers[name] for name in kept if name in response.headers}
    return web.Response(status=304, headers=headers)


@lru_cache(maxsize=256)
def preferred_coding(accept_encoding: str) -> str | None:
    """Return the acceptable coding with the highest quality (RFC 9110, 12.5.3); of equal ones, Brotli.

    A quality of the coding itself takes precedence over that of `*`.
    """
    qualities = {name.lower(): float(quality or 1) for name, quality in _CODING.findall(accept_encoding)}
    any_other = qualities.get("*", 0.0)
    gzip = qualities.get("gzip", qualities.get("x-gzip", any_other))
    best, coding = max((qualities.get("br", any_other), "br"), (gzip, "gzip"), key=lambda each: each[0])
    return coding if best > 0 else None


def _gzip(body: bytes) -> bytes:
    compressor = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP_WINDOW, MEMORY_LEVEL)
    return compressor.compress(body) + compressor.flush()


def _brotli(body: bytes) -> bytes:
    return brotli.compress(body, quality=BROTLI_QUALITY, lgwin=BROTLI_WINDOW)


_COMPRESS: Mapping[str, Callable[[bytes], bytes]] = MappingProxyType({"br": _brotli, "gzip": _gzip})
