"""Holds thousands of streams open, from a process of its own: `python -m benchmarks.listeners PORT TOKENS`.

One thread around epoll, which looks at no more of what it reads than is counted: ten thousand clients of a library
would cost more than the server that is measured. TOKENS is a file with an access token a line; a stream is opened for
each. It prints `{"open": seconds}` when all are greeted; then, for each line on its standard input, a line at once and
the moments of the monotonic clock at which each of them got its next event. It ends with its standard input.
"""

import argparse
import json
import resource
import select
import socket
import sys
import time
from pathlib import Path

OPENING = 200  # at a time, within the server's backlog
GREETED = b"\n\n"
EVENT = b"\nevent: "
READ_BYTES = 65_536


class Listeners:
    """All the streams, by their file descriptors."""

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
        """Open every stream and wait for its greeting. Exits with what was answered instead."""
        waiting = iter(self._requests)
        while True:
            while len(self._opening) < OPENING and (request := next(waiting, None)) is not None:
                self._connect(request)
            if not self._opening:
                return
            for descriptor, data in self._read():
                if descriptor in self._opening:
                    said = self._opening[descriptor] + data
                    self._opening[descriptor] = said
                    if not said.startswith(b"HTTP/1.1 200"[: len(said)]):
                        sys.exit(f"error: a stream was refused: {said[:300]!r}")
                    if b"\r\n\r\n" in said and GREETED in said.partition(b"\r\n\r\n")[2]:
                        del self._opening[descriptor]

    def _connect(self, request: bytes) -> None:
        connection = socket.create_connection(self._address)
        connection.sendall(request)
        connection.setblocking(False)
        self._sockets[connection.fileno()] = connection
        self._opening[connection.fileno()] = b""
        self._epoll.register(connection, select.EPOLLIN)

    def run(self) -> None:
        """Report each round of events, until the end of the standard input."""
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
                        sys.exit("error: a stream got an event twice.")
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
                sys.exit("error: the server ended a stream.")
            read.append((descriptor, data))
        return read


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.listeners")
    parser.add_argument("port", type=int)
    parser.add_argument("tokens", type=Path)
    parser.add_argument("--path", default="/notifications/stream")
    given = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    listeners = Listeners(given.port, given.tokens.read_text().splitlines(), given.path)
    began = time.monotonic()
    listeners.open()
    print(json.dumps({"open": time.monotonic() - began}), flush=True)
    listeners.run()


if __name__ == "__main__":
    main()
