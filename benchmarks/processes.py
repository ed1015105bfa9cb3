"""Server processes that are measured: started, waited for and ended; and what the kernel knows of them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.backends import ROOT

DEADLINE_S = 60.0


@contextmanager
def server(command: list[str], environ: dict[str, str]) -> Iterator[tuple[int, str]]:
    """A server process that is ready: its pid, and the line in which it said so."""
    process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True)
    began = time.monotonic()
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if '"message":"ready"' in line:
                break
            if time.monotonic() - began > DEADLINE_S:
                sys.exit("error: the server did not start within a minute.")
        else:
            sys.exit(f"error: {command[1]} ended at once.")
        # What it goes on to say must not fill the pipe.
        drain = subprocess.Popen(["cat"], stdin=process.stdout, stdout=subprocess.DEVNULL)
        yield process.pid, line
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)
    drain.wait(30)


def cpu_s(pid: int) -> float:
    """Seconds of a core that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    """Memory of a process that is in RAM."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024
