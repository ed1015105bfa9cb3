"""A server process with thousands of streams open, and what it took; and the process that holds their other ends."""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from benchmarks.processes import cpu_s, resident_mb
from tests.support.backends import ROOT

ARRIVED_WITHIN_S = 60.0

Act = Callable[[], Awaitable[object]]


class Listeners:
    """As many clients as there are tokens in a file, in a process of their own."""

    def __init__(self, process: asyncio.subprocess.Process, opened_s: float) -> None:
        self._process = process
        self.opened_s = opened_s

    @classmethod
    async def open(cls, port: int, path: str, tokens: Path) -> Self:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "benchmarks.listeners", str(port), str(tokens), f"--path={path}", cwd=ROOT,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 24,
        )  # fmt: skip
        assert process.stdout is not None
        said = await process.stdout.readline()
        return cls(process, json.loads(said)["open"])

    async def latencies(self, commit: Act, tell: Act) -> list[float]:
        """Seconds from when `tell` begins until the event is at each of them, the shortest first.

        They are on the watch from before the `commit`, for the server may find by itself what was committed.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"\n")
        await self._process.stdout.readline()
        await commit()
        began = time.monotonic()
        await tell()
        async with asyncio.timeout(ARRIVED_WITHIN_S):
            arrived = json.loads(await self._process.stdout.readline())
        return sorted(at - began for at in arrived)

    async def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()


@dataclass(slots=True)
class Host:
    """A server process with all streams open, and what it took; memory in MB, CPU as a share of a core."""

    pid: int
    listeners: Listeners
    empty_mb: float
    opened_mb: float
    most_mb: float = 0.0
    idle_cpu: float = 0.0
    p50_s: list[float] = field(default_factory=list[float])
    p99_s: list[float] = field(default_factory=list[float])
    cpu_s: list[float] = field(default_factory=list[float])

    @classmethod
    async def open(cls, pid: int, port: int, path: str, tokens: Path) -> Self:
        empty_mb = resident_mb(pid)
        listeners = await Listeners.open(port, path, tokens)
        return cls(pid, listeners, empty_mb, resident_mb(pid))

    async def deliver(self, commit: Act, tell: Act) -> None:
        """Have one event sent to every stream."""
        before = 0.0

        async def measured() -> None:
            nonlocal before
            before = cpu_s(self.pid)
            await tell()

        latencies = await self.listeners.latencies(commit, measured)
        self.cpu_s.append(cpu_s(self.pid) - before)
        self.p50_s.append(latencies[len(latencies) // 2])
        self.p99_s.append(latencies[len(latencies) * 99 // 100])
        self.most_mb = max(self.most_mb, resident_mb(self.pid))
