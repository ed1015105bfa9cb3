"""Measured server processes: start, wait until ready, stop; CPU time and memory from /proc."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.harness.backends import ROOT

DEADLINE_S = 60.0


@contextmanager
def server(command: list[str], environ: dict[str, str]) -> Iterator[tuple[int, str]]:
    """Start a server process, wait until it is ready, and yield its pid and the log line that says so."""
    process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True)
    started = time.monotonic()
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if '"message":"ready"' in line:
                break
            if time.monotonic() - started > DEADLINE_S:
                sys.exit(f"error: the server did not start within {DEADLINE_S:.0f} s.")
        else:
            sys.exit(f"error: {command[1]} exited during startup.")
        # Further output must not fill the pipe.
        drain = subprocess.Popen(["cat"], stdin=process.stdout, stdout=subprocess.DEVNULL)
        yield process.pid, line
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)
    drain.wait(30)


def cpu_s(pid: int) -> float:
    """Return the CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def unlimited_config(scratch: Path, limits: str = r"\w+") -> Path:
    """Write a config.toml whose rate limits are checked and never reached. `limits`: a pattern of their names."""
    text = (ROOT / "config.toml").read_text()
    file = scratch / "config.toml"
    file.write_text(re.sub(rf"^({limits} = \{{ limit = )\d+", r"\g<1>100000000", text, flags=re.MULTILINE))
    return file
