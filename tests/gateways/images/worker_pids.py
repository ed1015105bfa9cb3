"""The image workers of this process."""

import contextlib
from pathlib import Path


def worker_pids() -> list[int]:
    """Return the process ids of the image workers of this process."""
    pids: list[int] = []
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):
            pids += [int(pid) for pid in (task / "children").read_text().split()]
    return [pid for pid in pids if "images/worker.py" in command(pid)]


def command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""
