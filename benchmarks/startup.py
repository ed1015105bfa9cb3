"""Startup benchmark: time until the server listens, and its memory when idle.

The baseline is an aiohttp application with one route on uvloop, started in the same way.
"""

import asyncio
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

ROOT = Path(__file__).parent.parent
RUNS = 5
IDLE_S = 3.0
DEADLINE_S = 60.0

BASELINE = """
import asyncio, uvloop
from aiohttp import web
async def hello(request): return web.Response(text="ok")
async def main():
    app = web.Application(); app.router.add_get("/healthz", hello)
    runner = web.AppRunner(app); await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0); await site.start()
    print('"message":"ready"', flush=True)
    await asyncio.Event().wait()
uvloop.run(main())
"""


async def measure(console: Console) -> None:
    """Print the medians of `RUNS` starts, each from spawning the process to its log line that it listens."""
    fresh: list[float] = []
    again: list[float] = []
    baseline: list[float] = []
    memory: list[float] = []
    engine: list[float] = []
    for _ in track(range(RUNS), "starting and stopping", console=console, transient=True):
        with tempfile.TemporaryDirectory() as folder:
            environ = {**os.environ, "VAR_DIR": folder, "PORT": "0", "LOG_FORMAT": "json"}
            fresh.append(_start([sys.executable, "run.py"], environ)[0])
            took, resident, child = _start([sys.executable, "run.py"], environ, idle_s=IDLE_S)
            again.append(took)
            memory.append(resident)
            engine.append(child)
        baseline.append(_start([sys.executable, "-c", BASELINE], dict(os.environ))[0])
    table = Table(
        "startup and idle memory",
        "median",
        "worst",
        "baseline: bare aiohttp",
        "ratio",
        title="embedded default",
    )
    base = statistics.median(baseline)
    for name, values in (("first start, with migrations", fresh), ("second start", again)):
        middle = statistics.median(values)
        table.add_row(
            name, f"{middle:.2f} s", f"{max(values):.2f} s", f"{base:.2f} s", f"{middle / base:.1f}x"
        )
    table.add_row(
        "resident memory, idle", f"{statistics.median(memory):.0f} MB", f"{max(memory):.0f} MB", "", ""
    )
    table.add_row(
        "resident memory of Valkey", f"{statistics.median(engine):.0f} MB", f"{max(engine):.0f} MB", "", ""
    )
    console.print(table)


def _start(command: list[str], environ: dict[str, str], idle_s: float = 0.0) -> tuple[float, float, float]:
    """Return the seconds until the process is ready, and the MB of it and of its children after `idle_s`."""
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if '"message":"ready"' in line:
                break
            if time.perf_counter() - started > DEADLINE_S:
                sys.exit(f"error: the server did not start within {DEADLINE_S:.0f} s.")
        took = time.perf_counter() - started
        time.sleep(idle_s)
        return took, _resident_mb(process.pid), sum(_resident_mb(pid) for pid in _children(process.pid))
    finally:
        process.send_signal(signal.SIGINT if "run.py" in command else signal.SIGTERM)
        process.communicate(timeout=30)


def _resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return float("nan")  # no /proc on macOS
    found = re.search(r"VmRSS:\s+(\d+) kB", status.read_text())
    return int(found[1]) / 1024 if found else 0.0


def _children(pid: int) -> list[int]:
    file = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in file.read_text().split()] if file.exists() else []


if __name__ == "__main__":
    asyncio.run(measure(Console()))
