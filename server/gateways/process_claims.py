"""Exclusive claims of a process: the port it listens on, and its role on a data folder."""

import fcntl
import os
import socket
from pathlib import Path
from typing import TextIO

from server.errors import ConfigurationError
from server.gateways.addresses import address


def bind(host: str, port: int) -> socket.socket:
    """Bind the port without listening on it yet. Raises ConfigurationError if that fails."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        reason = os.strerror(error.errno).lower() if error.errno and error.errno > 0 else str(error)
        raise ConfigurationError(
            f"Cannot listen on {address(host, port)} ({reason}): stop the process that uses it, or choose another with"
            " --port, PORT or HOST."
        ) from error
    return listener


def claim_role(folder: Path, role: str) -> TextIO:
    """Claim `role` on `folder` for this process, until the returned file is closed or the process exits.

    Raises ConfigurationError if another process has the role.
    """
    lock = (folder / f"{role}.lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.seek(0)
        pid = lock.read().strip() or "unknown"
        lock.close()
        raise ConfigurationError(
            f"Another process (pid {pid}) already runs the role {role} on {folder}: stop it, run another role, or set"
            " a different VAR_DIR."
        ) from error
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock
