"""What the kernel offers between processes: locks that end with their holder, unix sockets, death with the parent."""

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
MAX_SOCKET_PATH = 103  # bytes: with its NUL a path fills 104 on macOS, 108 on Linux
ASK_TIMEOUT_S = 1.0


def open_lock(path: Path) -> int:
    """A descriptor of a lock file, not yet locked; closed in the programs that we start unless they are given it."""
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


def try_lock(descriptor: int) -> bool:
    """Take the exclusive lock of an open file, if nobody has it.

    It lasts until every copy of the descriptor is closed: the kernel does so when the processes that have one end.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


async def locked_within(descriptor: int, seconds: float) -> bool:
    """Take the lock as soon as it is free; False when it was not within `seconds`."""
    give_up_at = time.monotonic() + seconds
    while not try_lock(descriptor):
        if time.monotonic() > give_up_at:
            return False
        await asyncio.sleep(0.01)
    return True


async def ended_within(child: subprocess.Popen[bytes], seconds: float) -> bool:
    """Return as soon as a child has ended; False when it has not within `seconds`."""
    give_up_at = time.monotonic() + seconds
    while child.poll() is None:
        if time.monotonic() > give_up_at:
            return False
        await asyncio.sleep(0.01)
    return True


def unlock(descriptor: int) -> None:
    """Free the lock, also in copies of the descriptor, and close it."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)


def socket_path(folder: Path) -> Path | None:
    """Where a server of a resolved `folder` listens; None when no path is short enough for a socket.

    Inside the folder, else in a folder of its own among the temporary files, whose name every process derives alike.
    """
    inside = folder / "redis.sock"
    name = hashlib.blake2b(os.fsencode(folder), digest_size=8).hexdigest()
    outside = Path(tempfile.gettempdir()) / f"redis-{name}" / "redis.sock"
    return next((path for path in (inside, outside) if len(os.fsencode(path)) <= MAX_SOCKET_PATH), None)


async def ask(address: Path, command: bytes) -> bytes:
    """The first line of the answer to a line sent to a unix socket; empty when nobody answers in time."""
    try:
        async with asyncio.timeout(ASK_TIMEOUT_S):
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


def listener(address: Path) -> int | None:
    """The process that listens on a unix socket, if one does. A pid from a file may be somebody else's by now."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(ASK_TIMEOUT_S)
        try:
            connection.connect(str(address))
            if sys.platform != "linux":
                return connection.getsockopt(SOL_LOCAL, LOCAL_PEERPID)
            peer = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
            return struct.unpack("3i", peer)[0]
        except OSError:
            return None


def die_with_parent() -> Callable[[], None] | None:
    """For `preexec_fn`: the child is killed when the thread that forked it ends, however that comes; Linux only.

    Everything is looked up before the fork: after it, a lock that another thread held stays held for ever.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    parent, kill, getppid, leave = os.getpid(), int(signal.SIGKILL), os.getppid, os._exit

    def arm() -> None:
        prctl(PR_SET_PDEATHSIG, kill)
        if getppid() != parent:  # it ended before the line above
            leave(1)

    return arm
