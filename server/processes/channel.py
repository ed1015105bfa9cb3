"""Messages between a supervisor and a member of its group: JSON objects over a socket pair, each after its length."""

import asyncio
import socket
from typing import Any, Self

import orjson

LENGTH_BYTES = 4


class Channel:
    """One end of the socket pair."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def over(cls, end: socket.socket) -> Self:
        """Take over the socket `end`."""
        return cls(*await asyncio.open_connection(sock=end))

    def send(self, message: dict[str, Any]) -> None:
        """Send a message; it is dropped if the other end is closed."""
        if not self._writer.is_closing():
            data = orjson.dumps(message)
            self._writer.write(len(data).to_bytes(LENGTH_BYTES) + data)

    async def receive(self) -> dict[str, Any] | None:
        """Return the next message, or None when the other process has closed its end or has ended."""
        try:
            length = int.from_bytes(await self._reader.readexactly(LENGTH_BYTES))
            return orjson.loads(await self._reader.readexactly(length))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None

    async def close(self) -> None:
        """Send what is buffered, then close."""
        try:
            await self._writer.drain()
            self._writer.close()
            await self._writer.wait_closed()
        except ConnectionError:
            pass
