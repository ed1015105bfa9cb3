"""Process that holds thousands of streams open: `python -m benchmarks.listeners PORT TOKENS`.

A single thread uses epoll and parses only what it counts: ten thousand clients of a library would cost more than the
measured server. TOKENS is a file with one access token per line; each gets a stream. The process prints
`{"open": seconds}` once all streams are open. For each line on standard input it prints a line at once, and then the
monotonic time at which each stream received its next event. It exits at the end of standard input.
"""

import argparse
import json
import resource
import select
import socket
import sys
import time
from pathlib import Path

MAX_OPENING = 200  # concurrently, within the server's backlog
PREAMBLE_END = b"\n\n"
EVENT = b"\nevent: "
READ_BYTES = 65_536


class Listeners:
    """The streams by file descriptor."""

    def __init__(self, port: int, tokens: list[str], path: str) -> None:
        self._address = ("127.0.0.1", port)
        self._requests = [
            f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
            for token in tokens
        ]
        self._epoll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self._opening: dict[int, bytes] = {}

    def open(self) -> None:
        """Open every stream and wait for its first bytes; exit if the server refuses one."""
        waiting = iter(self._requests)
        while True:
            while len(self._opening) < MAX_OPENING and (request := next(waiting, None)) is not None:
                self._connect(request)
            if not self._opening:
                return
            for descriptor, data in self._read():
                if descriptor in self._opening:
                    received = self._opening[descriptor] + data
                    self._opening[descriptor] = received
                    if not received.startswith(b"HTTP/1.1 200"[: len(received)]):
                        sys.exit(f"error: a stream was refused: {received[:300]!r}")
                    if b"\r\n\r\n" in received and PREAMBLE_END in received.partition(b"\r\n\r\n")[2]:
                        del self._opening[descriptor]

    def _connect(self, request: bytes) -> None:
        connection = socket.create_connection(self._address)
        connection.sendall(request)
        connection.setblocking(False)
        self._sockets[connection.fileno()] = connection
        self._opening[connection.fileno()] = b""
        self._epoll.register(connection, select.EPOLLIN)

    def run(self) -> None:
        """Report each round of events until the end of standard input."""
        commands = sys.stdin.fileno()
        self._epoll.register(commands, select.EPOLLIN)
        arrived: dict[int, float] = {}
        expected = False
        while True:
            for descriptor, data in self._read():
                if descriptor == commands:
                    if not data:
                        return
                    arrived, expected = {}, True
                    print("{}", flush=True)
                elif EVENT in data:
                    if descriptor in arrived:
                        sys.exit("error: a stream received an event twice.")
                    arrived[descriptor] = time.monotonic()
            if expected and len(arrived) == len(self._sockets):
                print(json.dumps(list(arrived.values())), flush=True)
                expected = False

    def _read(self) -> list[tuple[int, bytes]]:
        read: list[tuple[int, bytes]] = []
        for descriptor, _ in self._epoll.poll(maxevents=1024):
            connection = self._sockets.get(descriptor)
            if connection is None:
                read.append((descriptor, sys.stdin.buffer.readline()))
                continue
            data = connection.recv(READ_BYTES)
            if not data:
                sys.exit("error: the server closed a stream.")
            read.append((descriptor, data))
        return read


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.listeners")
    parser.add_argument("port", type=int)
    parser.add_argument("tokens", type=Path)
    parser.add_argument("--path", default="/notifications/stream")
    arguments = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    listeners = Listeners(arguments.port, arguments.tokens.read_text().splitlines(), arguments.path)
    started = time.monotonic()
    listeners.open()
    print(json.dumps({"open": time.monotonic() - started}), flush=True)
    listeners.run()


if __name__ == "__main__":
    main()
