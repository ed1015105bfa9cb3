"""A child process that decodes pictures, as seen from the server: start, request, dismiss, kill.

`worker` is the program of the child; `processor` manages the number of children.
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

WORKER = Path(__file__).with_name("worker.py")
MAX_ANSWER_BYTES = 64 * 1024
# The child decodes untrusted bytes: it gets what Python needs to start, but no secrets.
ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "SYSTEMROOT")


class ImageChild:
    """A running `worker`. It handles one request at a time and must be killed after an error."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._requests = process.stdin
        self._answers = process.stdout

    @classmethod
    async def start(cls, memory_bytes: int) -> Self:
        """Start a child with at most `memory_bytes` of address space, and wait until it is ready.

        Raises OSError, EOFError or ValueError if it cannot be started or exits at once.
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            str(WORKER),
            str(memory_bytes),
            str(os.getpid()),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
            start_new_session=True,  # Ctrl-C in the terminal must not reach the child: the drain needs it
        )
        child = cls(process)
        try:
            await child._receive()
        except BaseException:
            await child.kill()
            raise
        return child

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Return whether the exit of the process has not been noticed yet."""
        return self._process.returncode is None

    async def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Send one request and return the answer. Raises OSError, EOFError or ValueError if the child fails."""
        body = orjson.dumps(request)
        self._requests.write(struct.pack(">I", len(body)) + body)
        await self._requests.drain()
        return await self._receive()

    async def _receive(self) -> dict[str, Any]:
        (length,) = struct.unpack(">I", await self._answers.readexactly(4))
        if length > MAX_ANSWER_BYTES:
            raise ValueError(f"answer of {length} bytes")
        return orjson.loads(await self._answers.readexactly(length))

    def dismiss(self) -> None:
        """Close the input of the child, so that it exits."""
        self._requests.close()

    async def ended(self) -> int | None:
        """Wait for the exit of the child; return its exit code, negative for a signal."""
        await self._process.communicate()
        return self._process.returncode

    async def kill(self) -> int | None:
        """Kill the child if it runs, wait for its exit, and return its exit code."""
        self.send_kill()
        return await self.ended()

    def send_kill(self) -> None:
        """Kill the child; a pending request raises EOFError."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
