"""Process primitives: locks released when the holder exits, Unix sockets, children that exit with their parent."""

import asyncio
import contextlib
import ctypes
import fcntl
import hashlib
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

PR_SET_PDEATHSIG = 1
SOL_LOCAL, LOCAL_PEERPID = 0, 2  # macOS
MAX_SOCKET_PATH_BYTES = 103  # plus NUL; the limit is 104 on macOS, 108 on Linux
REQUEST_TIMEOUT_S = 1.0


def open_lock(path: Path) -> int:
    """Open a lock file without locking it. Child processes do not inherit the descriptor by default."""
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


def try_lock(descriptor: int) -> bool:
    """Take the exclusive lock of an open file; return False if another process holds it.

    The lock lasts until every copy of the descriptor is closed, at the latest when the processes that have one exit.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


async def wait_for_lock(descriptor: int, seconds: float) -> bool:
    """Take the lock as soon as it is free; return False after `seconds`."""
    deadline = time.monotonic() + seconds
    while not try_lock(descriptor):
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.01)
    return True


async def wait_for_exit(child: subprocess.Popen[bytes], seconds: float) -> bool:
    """Wait until a child process has exited; return False after `seconds`."""
    deadline = time.monotonic() + seconds
    while child.poll() is None:
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.01)
    return True


def unlock(descriptor: int) -> None:
    """Release the lock, also for copies of the descriptor, and close it."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)


def socket_path(folder: Path) -> Path | None:
    """Return the socket of the server in a resolved `folder`; None if every candidate path is too long.

    It is inside the folder, or else in a temporary folder whose name is derived from `folder`.
    """
    inside = folder / "redis.sock"
    name = hashlib.blake2b(os.fsencode(folder), digest_size=8).hexdigest()
    outside = Path(tempfile.gettempdir()) / f"redis-{name}" / "redis.sock"
    return next((path for path in (inside, outside) if len(os.fsencode(path)) <= MAX_SOCKET_PATH_BYTES), None)


async def send_command(address: Path, command: bytes) -> bytes:
    """Send a line to a Unix socket and return the first line of the answer; empty without an answer in time."""
    try:
        async with asyncio.timeout(REQUEST_TIMEOUT_S):
            reader, writer = await asyncio.open_unix_connection(str(address))
            try:
                writer.write(command + b"\r\n")
                return await reader.readline()
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
    except OSError:  # a timeout is one
        return b""


def listener_pid(address: Path) -> int | None:
    """Return the process id of the listener on a Unix socket. Unlike a pid file, this is never outdated."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(REQUEST_TIMEOUT_S)
        try:
            connection.connect(str(address))
            if sys.platform != "linux":
                return connection.getsockopt(SOL_LOCAL, LOCAL_PEERPID)
            peer = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
            return struct.unpack("3i", peer)[0]
        except OSError:
            return None


def die_with_parent() -> Callable[[], None] | None:
    """Return a `preexec_fn` that has the child killed when the thread that forked it ends; Linux only.

    Everything is looked up before the fork: afterwards, a lock that another thread held is never released.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    parent, kill, getppid, exit_now = os.getpid(), int(signal.SIGKILL), os.getppid, os._exit

    def arm() -> None:
        prctl(PR_SET_PDEATHSIG, kill)
        if getppid() != parent:  # the parent ended before prctl
            exit_now(1)

    return arm
