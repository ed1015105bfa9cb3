"""An HTTP client without retries that records the outcome of each request.

Ordinary clients retry or reconnect, which would hide requests that a stopping server drops.
"""

import asyncio
import contextlib
from collections import Counter
from enum import StrEnum

TIMEOUT_S = 15.0


class Outcome(StrEnum):
    ANSWERED = "answered"
    REFUSED = "refused"  # no connection; nothing was sent
    NOT_ACCEPTED = "not accepted"  # reset on a connection the server never answered on
    FAILED = "failed"  # sent on a connection in use, or cut off midway


class KeepAlive:
    """One client. `outcomes` counts requests by outcome, `statuses` answers by status."""

    def __init__(self, port: int, token: str) -> None:
        self._port = port
        self._token = token
        self._connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._served = 0
        self.outcomes: Counter[Outcome] = Counter()
        self.statuses: Counter[int] = Counter()

    async def request(self, method: str, path: str, body: bytes = b"") -> Outcome:
        """Send one request and read its answer to the end."""
        began = False
        try:
            reader, writer = await self._connected()
        except OSError:
            return self._ended(Outcome.REFUSED)
        try:
            async with asyncio.timeout(TIMEOUT_S):
                writer.write(self._head(method, path, body))
                await writer.drain()
                status_line = await reader.readline()
                began = bool(status_line)
                closes = await self._rest(reader, status_line)
        except (OSError, EOFError, TimeoutError):
            await self.close()
            accepted = began or self._served > 0
            return self._ended(Outcome.FAILED if accepted else Outcome.NOT_ACCEPTED)
        self._served += 1
        if closes:
            await self.close()
        return self._ended(Outcome.ANSWERED)

    async def close(self) -> None:
        if self._connection is not None:
            _, writer = self._connection
            self._connection = None
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._connection is None:
            self._served = 0
            async with asyncio.timeout(TIMEOUT_S):
                self._connection = await asyncio.open_connection("127.0.0.1", self._port)
        return self._connection

    def _head(self, method: str, path: str, body: bytes) -> bytes:
        lines = [
            f"{method} {path} HTTP/1.1",
            "Host: localhost",
            f"Authorization: Bearer {self._token}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
        ]
        return "\r\n".join([*lines, "", ""]).encode() + body

    async def _rest(self, reader: asyncio.StreamReader, status_line: bytes) -> bool:
        """Read headers and body. Return whether the server closes the connection; EOFError if it did too early."""
        if not status_line.endswith(b"\r\n"):
            raise EOFError
        headers: dict[str, str] = {}
        while (line := await reader.readline()) != b"\r\n":
            if not line:
                raise EOFError
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        await reader.readexactly(int(headers["content-length"]))
        self.statuses[int(status_line.split()[1])] += 1
        return headers.get("connection", "").lower() == "close"

    def _ended(self, outcome: Outcome) -> Outcome:
        self.outcomes[outcome] += 1
        return outcome
