"""`Expect: 100-continue`: the client waits for `100 Continue` before it sends the body.

aiohttp sends it before the middlewares. Here it is sent when a request is admitted: a refusal that the head allows,
such as a missing token, comes instead of it, and the client does not send a body that is not needed.
"""

from typing import Any

from aiohttp import HttpVersion11, hdrs, web
from aiohttp.http import RawRequestMessage
from multidict import CIMultiDict, CIMultiDictProxy

CONTINUE = "100-continue"
AWAITS_CONTINUE = web.RequestKey("awaits_continue", bool)


def without_expectation(message: RawRequestMessage) -> RawRequestMessage:
    """Return the head without `Expect: 100-continue`, or the same head if it has none."""
    if message.headers.get(hdrs.EXPECT, "").lower() != CONTINUE:
        return message
    headers = CIMultiDict(message.headers)
    del headers[hdrs.EXPECT]
    kept: Any = CIMultiDictProxy(headers)
    return message._replace(headers=kept)


def note_expectation(request: web.BaseRequest) -> None:
    """Remember that the client awaits `100 Continue`. HTTP/1.0 has no such response (RFC 9110, 10.1.1)."""
    if request.version >= HttpVersion11:
        request[AWAITS_CONTINUE] = True


async def send_continue(request: web.BaseRequest) -> None:
    """Ask a client that waits for it to send the body. Call it once, when nothing in the head refuses the request."""
    if request.get(AWAITS_CONTINUE) and not request.content.total_bytes and not request.content.is_eof():
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # the response has not begun
