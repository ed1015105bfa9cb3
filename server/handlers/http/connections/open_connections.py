"""A limit on all open connections of the process, so that it never runs out of file descriptors.

Without it, clients that hold idle connections use up the descriptors: uvloop then closes new connections unanswered,
and files and the database cannot be opened either.
"""

import resource
from typing import Protocol

import structlog

log = structlog.get_logger(__name__)

# For files, the database, Redis and child processes.
MIN_RESERVE, RESERVED_PART = 64, 4
MIN_CONNECTIONS = 16
RECOVERED_PART = 0.75


class Connection(Protocol):
    """A connection that can be closed."""

    def force_close(self) -> None: ...


def max_connections() -> int:
    """Return how many connections the limit of file descriptors allows, after a reserve; 0 for no limit."""
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if descriptors == resource.RLIM_INFINITY:
        return 0
    reserve = max(MIN_RESERVE, descriptors // RESERVED_PART)
    return max(MIN_CONNECTIONS, descriptors - reserve)


class OpenConnections:
    """The open connections of a process. A new one above the maximum replaces the one that has been idle longest."""

    def __init__(self, maximum: int) -> None:
        """`maximum` is 0 for no limit."""
        self._maximum = maximum
        self._open: set[Connection] = set()
        self._idle: dict[Connection, None] = {}  # in the order in which they became idle
        self._reported = False

    @property
    def count(self) -> int:
        """The number of open connections."""
        return len(self._open)

    def add(self, connection: Connection) -> bool:
        """Add a new connection. Return False if it exceeds the maximum and none is idle: then close it."""
        if self._maximum and len(self._open) >= self._maximum:
            self._report()
            if not self._idle:
                return False
            longest = next(iter(self._idle))
            self.remove(longest)
            longest.force_close()
        self._open.add(connection)
        self._idle[connection] = None
        return True

    def mark_busy(self, connection: Connection) -> None:
        """Keep a connection open, because it has a request."""
        self._idle.pop(connection, None)

    def mark_idle(self, connection: Connection) -> None:
        """Allow to close a connection, because its request is answered."""
        if connection in self._open:
            self._idle[connection] = None

    def remove(self, connection: Connection) -> None:
        """Remove a closed connection; nothing happens for one that was removed before."""
        self._open.discard(connection)
        self._idle.pop(connection, None)
        if self._reported and len(self._open) < self._maximum * RECOVERED_PART:
            self._reported = False

    def _report(self) -> None:
        if not self._reported:
            self._reported = True
            log.warning(
                "connections_exhausted",
                limit=self._maximum,
                detail="Idle connections are closed for new ones. Raise the limit of open files (ulimit -n).",
            )
