"""Server-Sent Events to one client: their form on the wire, and writes that are bounded in bytes and in time.

What is sent, and when, is decided by the stream.
"""

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import AsyncGenerator, Callable
from typing import Any, cast

from aiohttp import web
from aiohttp.http import StreamWriter

HEARTBEAT = b": heartbeat\n\n"
BUFFER_BYTES = 8192
FINAL_WRITE_TIMEOUT_S = 0.3
TCP_USER_TIMEOUT_FACTOR = 1.25
# What is not sent yet is thrown away; Windows has short numbers here.
RESET_AT_CLOSE = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)

HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
}


def preamble(retry_ms: int, position: int) -> bytes:
    """How a stream begins. The bare id makes a client that is cut before its first event resume from here."""
    return f": connected\nretry: {retry_ms}\nid: {position}\n\n".encode()


def closing_event(retry_ms: int) -> bytes:
    """How a stream ends when the client is to come back after `retry_ms`."""
    return f"retry: {retry_ms}\n: server is going away\n\n".encode()


def event(sequence: int, type_: str, data: bytes) -> bytes:
    """One event; `data` is a single line."""
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (sequence, type_.encode(), data)


class SlowReader(ConnectionError):
    """The client took too long to read, and was cut off."""


class EventWriter:
    """The response of one stream. Every method raises ConnectionError once the client is gone."""

    def __init__(self, request: web.Request, write_timeout_s: float) -> None:
        self.response = web.StreamResponse(headers=HEADERS)
        self._request = request
        self._timeout_s = write_timeout_s
        self._writer: StreamWriter | None = None
        self._deadline: asyncio.Timeout | None = None

    async def start(self, on_gone: Callable[[], None]) -> None:
        """Send the headers; `on_gone` is called when the client leaves, though nothing is being written."""
        # Nothing else is ever answered on this connection; so nobody need look when it idles, either.
        self.response.force_close()
        self._request.protocol.keep_alive(False)
        self._bound_buffers()
        # The one hook that aiohttp has for a lost connection while a handler waits for something else.
        self._request.protocol.set_parser(cast("Any", _Departure(on_gone)))
        self._writer = cast("StreamWriter | None", await self.response.prepare(self._request))

    async def write(self, data: bytes) -> None:
        """Send `data`, and wait until no more than BUFFER_BYTES are still ours to send.

        A client that makes us wait longer than the timeout is cut off: SlowReader.
        """
        assert self._writer is not None, "the stream has not started"
        # By itself it would wait after each 64 KiB, and for as long as it takes.
        await self._writer.write(data, drain=False)
        if self._request.protocol.writing_paused:
            async with self._in_time():
                await self._writer.drain()

    async def end(self) -> None:
        """End the response in order."""
        async with self._in_time():
            await self.response.write_eof()

    def hurry(self) -> None:
        """From now on give the client LAST_WORDS_S for a write, the one that is going on included."""
        self._timeout_s = min(self._timeout_s, FINAL_WRITE_TIMEOUT_S)
        if self._deadline is not None:
            self._deadline.reschedule(asyncio.get_running_loop().time() + self._timeout_s)

    @contextlib.asynccontextmanager
    async def _in_time(self) -> AsyncGenerator[None]:
        try:
            async with asyncio.timeout(self._timeout_s) as self._deadline:
                yield
        except TimeoutError as error:
            self._cut_off()
            raise SlowReader("the client does not read") from error
        finally:
            self._deadline = None

    def _cut_off(self) -> None:
        """Drop the connection with all that the client did not read of it, in the kernel too."""
        transport = self._request.transport
        if transport is None:
            return
        connection = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
        transport.abort()

    def _bound_buffers(self) -> None:
        transport = self._request.transport
        if transport is None:
            return
        transport.set_write_buffer_limits(high=BUFFER_BYTES)
        connection = transport.get_extra_info("socket")
        if connection is None or connection.family not in {socket.AF_INET, socket.AF_INET6}:
            return
        # The kernel would take megabytes for a client that does not read, ...
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            # ... and wait a quarter of an hour for one that vanished without a word. It should be a little more patient
            # than we are, lest it end what we would have told of.
            patience_ms = int(self._timeout_s * TCP_USER_TIMEOUT_FACTOR * 1000)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, patience_ms)


class _Departure:
    """In the place of a parser of what the client sends: ignores it, but for its end."""

    def __init__(self, on_gone: Callable[[], None]) -> None:
        self._on_gone = on_gone

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        return False, b""

    def feed_eof(self) -> None:
        self._on_gone()
