"""Downloads of stored bytes: with validators, to conditional requests, and as one range."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from aiohttp import ETag, hdrs, web

from server.gateways.media import MediaDescription, MediaObject
from server.handlers.http.representations.preconditions import allows_range, is_not_modified
from server.handlers.http.representations.ranges import byte_range, content_range


@dataclass(frozen=True, slots=True)
class Download:
    """A stored representation. `headers` describe it, so a 304 does not have them; `read` opens a part of it."""

    description: MediaDescription
    etag: ETag
    headers: Mapping[str, str]
    read: Callable[[range], Awaitable[MediaObject]]


async def send_download(
    request: web.Request, response: web.StreamResponse, download: Download
) -> web.StreamResponse:
    """Complete a response with the representation, the part of it that is asked for, or 304.

    Raises PreconditionFailed and RangeNotSatisfiable, and what `read` raises.
    """
    described, etag = download.description, download.etag
    response.etag = etag
    response.last_modified = described.modified_at
    if is_not_modified(request, etag, described.modified_at):
        response.set_status(304)
        await response.prepare(request)
        return response
    part = _requested_part(request, etag, described)
    if part is not None:
        response.set_status(206)
        response.headers[hdrs.CONTENT_RANGE] = content_range(part, described.size)
    response.headers.update(download.headers)
    await _send(request, response, download, part or range(described.size))
    return response


async def _send(request: web.Request, response: web.StreamResponse, download: Download, part: range) -> None:
    stored = None if request.method == hdrs.METH_HEAD else await download.read(part)
    response.content_length = len(part)
    await response.prepare(request)
    if stored is not None:
        async for chunk in stored.chunks:
            await response.write(chunk)
    await response.write_eof()


def _requested_part(request: web.Request, etag: ETag, described: MediaDescription) -> range | None:
    """Return the part to send. Only GET has ranges (RFC 9110, 14.2)."""
    wanted = request.headers.get(hdrs.RANGE)
    if wanted is None or request.method != hdrs.METH_GET:
        return None
    return byte_range(wanted, described.size) if allows_range(request, etag, described.modified_at) else None
