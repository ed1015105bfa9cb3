"""Load generator: `python -m benchmarks.load` requests one path, or those of a file, repeatedly on many connections.

It parses responses only to find their end, so that the client uses a fraction of the server's CPU.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path

import uvloop


class LoadConnection(asyncio.Protocol):
    """A connection that sends the next request after each response until the deadline."""

    def __init__(self, requests: Iterator[bytes], deadline: float) -> None:
        self.responses = 0
        self.refused = 0
        self.took_s: list[float] = []
        self._sent_at = 0.0
        self.done = asyncio.get_running_loop().create_future()
        self._requests = requests
        self._deadline = deadline
        self._buffer = bytearray()
        self._transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        self._send()

    def _send(self) -> None:
        self._sent_at = time.monotonic()
        self._transport.write(next(self._requests))

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
            self.responses += 1
            self.took_s.append(time.monotonic() - self._sent_at)
            self.refused += not self._buffer.startswith(b"HTTP/1.1 20")
            del self._buffer[: head + 4 + length]
            if time.monotonic() >= self._deadline:
                self._transport.close()
                return
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


async def run(
    host: str,
    port: int,
    requests: Sequence[bytes],
    connections: int,
    seconds: float,
    *,
    in_turn: bool = False,
) -> dict[str, float]:
    """Return the count of responses, of those other than 200 to 209, the elapsed seconds, and milliseconds per answer.

    Each connection begins at another one of the requests; with `in_turn`, all send them together, each once in turn.
    """
    loop = asyncio.get_running_loop()
    started = time.monotonic()
    starts = [number * len(requests) // connections for number in range(connections)]
    turn = cycle(requests)
    opened = [
        LoadConnection(turn if in_turn else cycle((*requests[start:], *requests[:start])), started + seconds)
        for start in starts
    ]
    for connection in opened:
        await loop.create_connection(lambda connection=connection: connection, host, port)
    await asyncio.gather(*(connection.done for connection in opened))
    took = sorted(each for connection in opened for each in connection.took_s)
    return {
        "p50_ms": took[len(took) // 2] * 1000,
        "p99_ms": took[int(len(took) * 0.99)] * 1000,
        "responses": sum(connection.responses for connection in opened),
        "refused": sum(connection.refused for connection in opened),
        "seconds": time.monotonic() - started,
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load")
    parser.add_argument("port", type=int)
    parser.add_argument("path", nargs="?", default="")
    parser.add_argument("--token", default="")
    parser.add_argument(
        "--requests", type=Path, help="a JSON file with lists of path, token and method (GET)"
    )
    parser.add_argument("--in-turn", action="store_true", help="send each request once in turn")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=5.0)
    arguments = parser.parse_args()
    wanted: list[list[str]] = [[arguments.path, arguments.token]]
    if arguments.requests is not None:
        wanted = json.loads(arguments.requests.read_text())
    requests = [_request(arguments.port, *each) for each in wanted]
    options = (arguments.port, requests, arguments.connections, arguments.seconds)
    result = uvloop.run(run("127.0.0.1", *options, in_turn=arguments.in_turn))
    sys.stdout.write(json.dumps(result) + "\n")


def _request(port: int, path: str, token: str, method: str = "GET") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


if __name__ == "__main__":
    main()
