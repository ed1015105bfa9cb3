"""What a process takes for itself alone before it starts anything: the port to listen on, its role on a folder."""

import fcntl
import os
import socket
from pathlib import Path
from typing import TextIO

from server.errors import ConfigurationError


def bind(host: str, port: int) -> socket.socket:
    """Take the port without listening on it yet. Raises ConfigurationError when somebody else has it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        reason = os.strerror(error.errno).lower() if error.errno and error.errno > 0 else str(error)
        raise ConfigurationError(
            f"{host}:{port} cannot be listened on ({reason}): stop what runs there, or choose another with --port"
            " or PORT, --host or HOST."
        ) from error
    return listener


def claim_role(folder: Path, role: str) -> TextIO:
    """Be the only process with `role` on `folder` until the returned file is closed; a kill closes it as well.

    Raises ConfigurationError when another process is.
    """
    lock = (folder / f"{role}.lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.seek(0)
        pid = lock.read().strip() or "unknown"
        lock.close()
        raise ConfigurationError(
            f"Another process (pid {pid}) already runs the role {role} on {folder}: stop it, start the other role,"
            " or give this one a VAR_DIR of its own."
        ) from error
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock
