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

EMPTY = b'"items":[]'


class LoadConnection(asyncio.Protocol):
    """A connection that sends the next request after each response until the deadline.

    With an `interval_s` it sends them at fixed times, the first at `due_at`. A request that is late because of the
    response before it counts as sent when it was due, so that waiting counts.
    """

    def __init__(
        self, requests: Iterator[bytes], deadline: float, due_at: float = 0.0, interval_s: float = 0.0
    ) -> None:
        self.responses = 0
        self.refused = 0
        self.empty = 0
        self.took_s: list[float] = []
        self._sent_at = 0.0
        self.done = asyncio.get_running_loop().create_future()
        self._requests = requests
        self._deadline = deadline
        self._due_at = due_at
        self._interval_s = interval_s
        self._buffer = bytearray()
        self._transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        self._send_when_due()

    def _send_when_due(self) -> None:
        if not self._interval_s:
            self._send(time.monotonic())
            return
        due_at, self._due_at = self._due_at, self._due_at + self._interval_s
        asyncio.get_running_loop().call_later(max(0.0, due_at - time.monotonic()), self._send, due_at)

    def _send(self, sent_at: float) -> None:
        self._sent_at = sent_at
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
            self.empty += EMPTY in self._buffer
            del self._buffer[: head + 4 + length]
            if time.monotonic() >= self._deadline:
                self._transport.close()
                return
            self._send_when_due()

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
    rate: float = 0.0,
) -> dict[str, float]:
    """Return counts of responses, the elapsed seconds, and milliseconds per response.

    `refused` counts the responses other than 200 to 209, `empty` those with an empty list.
    Each connection begins at another one of the requests; with `in_turn`, all send them together, each once in turn.
    `rate`: how many requests per second all connections send together; 0: each after the response to the one before.
    """
    loop = asyncio.get_running_loop()
    started = time.monotonic()
    starts = [number * len(requests) // connections for number in range(connections)]
    turn = cycle(requests)
    interval_s = connections / rate if rate else 0.0
    opened = [
        LoadConnection(
            turn if in_turn else cycle((*requests[start:], *requests[:start])),
            started + seconds,
            started + interval_s * number / connections,
            interval_s,
        )
        for number, start in enumerate(starts)
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
        "empty": sum(connection.empty for connection in opened),
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
    parser.add_argument("--rate", type=float, default=0.0, help="requests per second; 0: as fast as possible")
    parser.add_argument("--seconds", type=float, default=5.0)
    arguments = parser.parse_args()
    wanted: list[list[str]] = [[arguments.path, arguments.token]]
    if arguments.requests is not None:
        wanted = json.loads(arguments.requests.read_text())
    requests = [_request(arguments.port, *each) for each in wanted]
    options = (arguments.port, requests, arguments.connections, arguments.seconds)
    result = uvloop.run(run("127.0.0.1", *options, in_turn=arguments.in_turn, rate=arguments.rate))
    sys.stdout.write(json.dumps(result) + "\n")


def _request(port: int, path: str, token: str, method: str = "GET") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


if __name__ == "__main__":
    main()
