"""Confinement of the image process: limits of resources, and no privileges."""

import contextlib
import ctypes
import os
import signal
import sys

if sys.platform != "win32":
    import resource

PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38  # <linux/prctl.h>


def confine(memory_bytes: int, parent_pid: int) -> None:
    """Drop privileges and limit resources; exit with the parent on Linux."""
    # A signal to the process group must not interrupt an image during the drain.
    for name in ("SIGINT", "SIGTERM"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        if os.getppid() != parent_pid:
            sys.exit("the parent has exited")
    if sys.platform != "win32":
        for kind, limit in (
            (resource.RLIMIT_AS, memory_bytes),
            (resource.RLIMIT_FSIZE, 0),
            (resource.RLIMIT_CORE, 0),
            (resource.RLIMIT_NOFILE, 64),
        ):
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(kind, (limit, limit))


def limit_cpu(seconds: float) -> None:
    """Limit the CPU time of the next request to `seconds`, in case the parent cannot enforce its timeout."""
    if sys.platform != "win32":
        used = resource.getrusage(resource.RUSAGE_SELF)
        allowed = int(used.ru_utime + used.ru_stime + seconds) + 1
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_CPU, (allowed, resource.RLIM_INFINITY))
