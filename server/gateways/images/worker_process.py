"""One worker process, seen from the server: start, request, stop, kill.

`worker.py` is what the process runs; `pool` decides how many there are and when.
"""

import asyncio
import contextlib
import os
import struct
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import orjson

WORKER_SCRIPT = Path(__file__).with_name("worker.py")
MAX_ANSWER_BYTES = 64 * 1024
# The worker decodes untrusted bytes: it gets what Python needs to start, and none of the program's secrets.
WORKER_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "SYSTEMROOT")


class ImageWorker:
    """A running worker that accepts one request at a time; after an error it can only be killed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._requests = process.stdin
        self._answers = process.stdout

    @classmethod
    async def start(cls, memory_bytes: int) -> Self:
        """Start a worker with at most `memory_bytes` of address space, and wait until it is ready.

        Raises OSError, EOFError or ValueError if it cannot start or exits at once.
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            str(WORKER_SCRIPT),
            str(memory_bytes),
            str(os.getpid()),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={name: os.environ[name] for name in WORKER_ENVIRONMENT if name in os.environ},
            # Ctrl-C in the terminal must reach the server only, because the drain needs the worker.
            start_new_session=True,
        )
        worker = cls(process)
        try:
            await worker._receive()
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

    async def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Send one request and return the answer; raise OSError, EOFError or ValueError if the worker fails."""
        body = orjson.dumps(request)
        self._requests.write(struct.pack(">I", len(body)) + body)
        await self._requests.drain()
        return await self._receive()

    async def _receive(self) -> dict[str, Any]:
        (length,) = struct.unpack(">I", await self._answers.readexactly(4))
        if length > MAX_ANSWER_BYTES:
            raise ValueError(f"answer of {length} bytes")
        return orjson.loads(await self._answers.readexactly(length))

    def close(self) -> None:
        """Close the worker's input, upon which it exits."""
        self._requests.close()

    async def wait(self) -> int | None:
        """Wait for the exit and the end of the pipes; return the exit code, negative for a signal."""
        await self._process.communicate()
        return self._process.returncode

    async def kill(self) -> int | None:
        """Kill the process unless it exited, and return its exit code."""
        self.send_kill()
        return await self.wait()

    def send_kill(self) -> None:
        """Kill the process without waiting; a pending request raises EOFError."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
