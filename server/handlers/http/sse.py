"""Server-Sent Events: wire format, and writes to one client with bounded buffers and time."""

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
# SO_LINGER on, 0 s: unsent data is discarded at close. Windows uses 16-bit numbers.
RESET_ON_CLOSE = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)

STREAM_HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store, no-transform",  # a proxy that compresses would buffer the events
    "X-Accel-Buffering": "no",
}


def preamble(retry_ms: int, position: int) -> bytes:
    """Return the start of a stream. Its id lets a client resume from here if it disconnects before the first event."""
    return f": connected\nretry: {retry_ms}\nid: {position}\n\n".encode()


def closing_event(retry_ms: int) -> bytes:
    """Return the end of a stream after which the client reconnects in `retry_ms`."""
    return f"retry: {retry_ms}\n: server is shutting down\n\n".encode()


def event(sequence: int, type_: str, data: bytes) -> bytes:
    """Return one event; `data` is a single line."""
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (sequence, type_.encode(), data)


def passing_event(type_: str, data: bytes) -> bytes:
    """Return one event without an id, which a resumed stream does not repeat; `data` is a single line."""
    return b"event: %b\ndata: %b\n\n" % (type_.encode(), data)


class SlowReader(ConnectionError):
    """The client read too slowly, and was disconnected."""


class EventWriter:
    """The response of one stream. Every method raises ConnectionError after the client disconnected."""

    def __init__(self, request: web.Request, write_timeout_s: float) -> None:
        self.response = web.StreamResponse(headers=STREAM_HEADERS)
        self._request = request
        self._timeout_s = write_timeout_s
        self._writer: StreamWriter | None = None
        self._deadline: asyncio.Timeout | None = None

    async def start(self, on_disconnect: Callable[[], None]) -> None:
        """Send the headers; `on_disconnect` is called when the client disconnects, even if nothing is being written."""
        # The connection serves no other request, so that it needs no keep-alive timer either.
        self.response.force_close()
        self._request.protocol.keep_alive(False)
        self._bound_buffers()
        # aiohttp has no public callback for a lost connection while a handler waits. Its hook for WebSocket parsers is
        # one, and it also keeps aiohttp from buffering what the client sends.
        self._request.protocol.set_parser(cast("Any", _DisconnectParser(on_disconnect)))
        self._writer = cast("StreamWriter | None", await self.response.prepare(self._request))

    async def write(self, data: bytes) -> None:
        """Send `data`, and wait until at most BUFFER_BYTES are unsent.

        Disconnects a client that takes longer than the timeout, and raises SlowReader.
        """
        assert self._writer is not None, "the stream has not started"
        # Its own drain would wait only after 64 KiB, and without a timeout.
        await self._writer.write(data, drain=False)
        if self._request.protocol.writing_paused:
            async with self._deadline_or_disconnect():
                await self._writer.drain()

    async def end(self) -> None:
        """Complete the response."""
        async with self._deadline_or_disconnect():
            await self.response.write_eof()

    def shorten_deadline(self) -> None:
        """Limit further writes, and the current one, to FINAL_WRITE_TIMEOUT_S."""
        self._timeout_s = min(self._timeout_s, FINAL_WRITE_TIMEOUT_S)
        if self._deadline is not None:
            self._deadline.reschedule(asyncio.get_running_loop().time() + self._timeout_s)

    @contextlib.asynccontextmanager
    async def _deadline_or_disconnect(self) -> AsyncGenerator[None]:
        try:
            async with asyncio.timeout(self._timeout_s) as self._deadline:
                yield
        except TimeoutError as error:
            self._disconnect()
            raise SlowReader("the client reads too slowly") from error
        finally:
            self._deadline = None

    def _disconnect(self) -> None:
        """Abort the connection, and discard unsent data, including the kernel's."""
        transport = self._request.transport
        if transport is None:
            return
        connection = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        transport.abort()

    def _bound_buffers(self) -> None:
        transport = self._request.transport
        if transport is None:
            return
        transport.set_write_buffer_limits(high=BUFFER_BYTES)
        connection = transport.get_extra_info("socket")
        if connection is None or connection.family not in {socket.AF_INET, socket.AF_INET6}:
            return
        # By default the kernel buffers megabytes for a client that does not read.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            # By default the kernel waits 15 minutes for a client that vanished. Its timeout is a little longer than the
            # write timeout, which is reported.
            timeout_ms = int(self._timeout_s * TCP_USER_TIMEOUT_FACTOR * 1000)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, timeout_ms)


class _DisconnectParser:
    """A protocol parser that discards what the client sends, and reports the end of the connection."""

    def __init__(self, on_disconnect: Callable[[], None]) -> None:
        self._on_disconnect = on_disconnect

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        return False, b""

    def feed_eof(self) -> None:
        self._on_disconnect()
