"""Lingering close: the rest of a refused body is read and discarded, so that the client can read the refusal.

Many clients write the whole body before they read. A socket that is closed with unread data is reset, and the reset
discards the response that the client has not read yet.
"""

from contextlib import suppress
from dataclasses import dataclass, replace
from http import HTTPStatus

from aiohttp import hdrs, web

from server.errors import RequestTimeout
from server.handlers.http.bodies.time_limits import BodyTimer, TimeLimits

# A shorter rest of a body is read, and the connection stays open for the next request.
MAX_REST_BYTES = 65_536
TIME = TimeLimits(idle_s=10.0, min_bytes_per_s=16_384, total_s=3600.0)


@dataclass(frozen=True, slots=True)
class LingerLimits:
    """Limits for reading a body that is not needed.

    A client whose body timed out has only `timed_out_s`. A body with a Content-Encoding is limited more: decompressing
    it costs more than receiving it.
    """

    time: TimeLimits = TIME
    timed_out_s: float = 2.0
    max_bytes: int = 268_435_456
    max_encoded_bytes: int = 1_048_576


def closes_after(request: web.BaseRequest, response: web.StreamResponse) -> bool:
    """Return whether a refusal should close the connection, so that the client stops sending the body."""
    if response.status < 400 or request.content.is_eof():
        return False
    length = request.content_length
    return (
        hdrs.CONTENT_ENCODING in request.headers
        or length is None
        or length - request.content.total_raw_bytes > MAX_REST_BYTES
    )


async def discard_rest(request: web.BaseRequest, status: int, limits: LingerLimits) -> None:
    """Read the rest of a body that was answered with `status`, until it ends or a limit is reached."""
    body, time = request.content, limits.time
    if status == HTTPStatus.REQUEST_TIMEOUT:
        time = replace(time, total_s=limits.timed_out_s)
    encoded = hdrs.CONTENT_ENCODING in request.headers
    remaining = limits.max_encoded_bytes if encoded else limits.max_bytes
    timer = BodyTimer(body, time)
    with suppress(RequestTimeout, ConnectionError, web.RequestPayloadError):
        while not body.is_eof() and remaining > 0:
            remaining -= len(await timer.wait(body.readany()))
