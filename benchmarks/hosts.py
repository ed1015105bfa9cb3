"""A measured server process with thousands of open streams, and the process that holds their client ends."""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from benchmarks.processes import cpu_s, resident_mb
from tools.harness.backends import ROOT

ARRIVAL_TIMEOUT_S = 60.0

Action = Callable[[], Awaitable[object]]


class Listeners:
    """Stream clients in a separate process, one per token in a file."""

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

    async def latencies(self, commit: Action, send: Action) -> list[float]:
        """Return the seconds from the start of `send` to the event's arrival at each client, shortest first.

        Clients count events from before `commit`, because the server may detect the committed rows without a signal.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"\n")
        await self._process.stdout.readline()
        await commit()
        began = time.monotonic()
        await send()
        async with asyncio.timeout(ARRIVAL_TIMEOUT_S):
            arrived = json.loads(await self._process.stdout.readline())
        return sorted(at - began for at in arrived)

    async def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()


@dataclass(slots=True)
class Host:
    """A server process with all streams open and its measurements: memory in MB, CPU as a share of a core."""

    pid: int
    listeners: Listeners
    empty_mb: float
    opened_mb: float
    peak_mb: float = 0.0
    idle_cpu: float = 0.0
    p50_s: list[float] = field(default_factory=list[float])
    p99_s: list[float] = field(default_factory=list[float])
    cpu_s: list[float] = field(default_factory=list[float])

    @classmethod
    async def open(cls, pid: int, port: int, path: str, tokens: Path) -> Self:
        empty_mb = resident_mb(pid)
        listeners = await Listeners.open(port, path, tokens)
        return cls(pid, listeners, empty_mb, resident_mb(pid))

    async def deliver(self, commit: Action, send: Action) -> None:
        """Send one event to every stream and record latency and CPU."""
        before = 0.0

        async def measured() -> None:
            nonlocal before
            before = cpu_s(self.pid)
            await send()

        latencies = await self.listeners.latencies(commit, measured)
        self.cpu_s.append(cpu_s(self.pid) - before)
        self.p50_s.append(latencies[len(latencies) // 2])
        self.p99_s.append(latencies[len(latencies) * 99 // 100])
        self.peak_mb = max(self.peak_mb, resident_mb(self.pid))
