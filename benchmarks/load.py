"""Asks one address over and over on many connections, from a process of its own: `python -m benchmarks.load`.

It reads no more of an answer than where it ends, so that the client costs a fraction of what the server does.
"""

import argparse
import asyncio
import json
import sys
import time

import uvloop


class Asker(asyncio.Protocol):
    """One connection that asks again as soon as it is answered, until the deadline."""

    def __init__(self, request: bytes, deadline: float) -> None:
        self.answers = 0
        self.refused = 0
        self.done = asyncio.get_running_loop().create_future()
        self._request = request
        self._deadline = deadline
        self._buffer = bytearray()
        self._transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            head = self._buffer.find(b"\r\n\r\n")
            if head < 0:
                return
            at = self._buffer.lower().find(b"content-length:", 0, head)
            length = int(self._buffer[at + 15 : self._buffer.find(b"\r\n", at)])
            if len(self._buffer) < head + 4 + length:
                return
            self.answers += 1
            self.refused += not self._buffer.startswith(b"HTTP/1.1 200")
            del self._buffer[: head + 4 + length]
            if time.monotonic() >= self._deadline:
                self._transport.close()
                return
            self._transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


async def ask(host: str, port: int, request: bytes, connections: int, seconds: float) -> dict[str, float]:
    """Answers, those that were no 200, and the seconds that it took."""
    loop = asyncio.get_running_loop()
    began = time.monotonic()
    askers = [Asker(request, began + seconds) for _ in range(connections)]
    for asker in askers:
        await loop.create_connection(lambda asker=asker: asker, host, port)
    await asyncio.gather(*(asker.done for asker in askers))
    return {
        "answers": sum(asker.answers for asker in askers),
        "refused": sum(asker.refused for asker in askers),
        "seconds": time.monotonic() - began,
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load")
    parser.add_argument("port", type=int)
    parser.add_argument("path")
    parser.add_argument("--token", default="")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=5.0)
    given = parser.parse_args()
    lines = [f"GET {given.path} HTTP/1.1", f"Host: 127.0.0.1:{given.port}"]
    if given.token:
        lines.append(f"Authorization: Bearer {given.token}")
    request = ("\r\n".join(lines) + "\r\n\r\n").encode()
    found = uvloop.run(ask("127.0.0.1", given.port, request, given.connections, given.seconds))
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
