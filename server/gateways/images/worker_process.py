"""One worker process, seen from the server: start, request, stop, kill.

`worker.py` is what the process runs; `pool` decides how many there are and when.
"""

import asyncio
import contextlib
import os
import socket
import struct
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import orjson

WORKER_SCRIPT = Path(__file__).with_name("worker.py")
MAX_ANSWER_BYTES = 64 * 1024
MAX_OUTPUT_BYTES = 64 * 1024 * 1024
# The worker decodes untrusted bytes: it gets what Python needs to start, and none of the program's secrets.
WORKER_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "SYSTEMROOT")


class ImageWorker:
    """A running worker that accepts one request at a time; after an error it can only be killed.

    `unprotected` names what the kernel does not restrict: `landlock` files and TCP, `seccomp` system calls.
    """

    def __init__(self, process: asyncio.subprocess.Process, channel: socket.socket) -> None:
        self._process = process
        self._channel = channel
        self.unprotected: list[str] = []

    @classmethod
    async def start(cls, memory_bytes: int, niceness: int = 0) -> Self:
        """Start a worker with at most `memory_bytes` of address space, and wait until it is ready.

        `niceness`: 0 to 19; a worker with 19 gets only the CPU time that other processes leave.

        Raises OSError, EOFError or ValueError if it cannot start or exits at once.
        """
        channel, remote = socket.socketpair()
        channel.setblocking(False)
        try:
            with remote:
                process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-I",
                    str(WORKER_SCRIPT),
                    str(memory_bytes),
                    str(os.getpid()),
                    str(niceness),
                    stdin=remote.fileno(),
                    stdout=asyncio.subprocess.DEVNULL,
                    env={name: os.environ[name] for name in WORKER_ENVIRONMENT if name in os.environ},
                    # Ctrl-C in the terminal must reach the server only, because the drain needs the worker.
                    start_new_session=True,
                )
        except BaseException:
            channel.close()
            raise
        worker = cls(process, channel)
        try:
            worker.unprotected = (await worker._receive())["unprotected"]
        except BaseException:
            await worker.kill()
            raise
        return worker

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        """True until the exit of the process was noticed."""
        return self._process.returncode is None

    async def ask(self, request: Mapping[str, Any], source: int) -> tuple[dict[str, Any], bytes]:
        """Send a request with an open file; return the answer and what follows it.

        Raises OSError, EOFError or ValueError if the worker fails.
        """
        body = orjson.dumps(request)
        # Small enough for the socket's buffer, which is empty: the worker reads one request at a time.
        socket.send_fds(self._channel, [struct.pack(">I", len(body)) + body], [source])
        answer = await self._receive()
        rest = sum(each["bytes"] for each in answer["done"]["renditions"]) if "done" in answer else 0
        if not 0 <= rest <= MAX_OUTPUT_BYTES:
            raise ValueError(f"renditions of {rest} bytes")
        return answer, bytes(await self._receive_bytes(rest))

    async def _receive(self) -> dict[str, Any]:
        (length,) = struct.unpack(">I", await self._receive_bytes(4))
        if length > MAX_ANSWER_BYTES:
            raise ValueError(f"answer of {length} bytes")
        return orjson.loads(await self._receive_bytes(length))

    async def _receive_bytes(self, count: int) -> bytearray:
        received, at = bytearray(count), 0
        loop = asyncio.get_running_loop()
        while at < count:
            read = await loop.sock_recv_into(self._channel, memoryview(received)[at:])
            if read == 0:
                raise EOFError("the worker closed its socket")
            at += read
        return received

    def close(self) -> None:
        """Close the worker's socket, upon which it exits."""
        self._channel.close()

    async def wait(self) -> int:
        """Wait for the exit and return the exit code, negative for a signal."""
        return await self._process.wait()

    async def kill(self) -> int:
        """Kill the process unless it exited, and return its exit code."""
        self.send_kill()
        try:
            return await self.wait()
        finally:
            self.close()

    def send_kill(self) -> None:
        """Kill the process without waiting; a pending request raises EOFError."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
