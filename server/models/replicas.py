"""Read replicas of MariaDB: lists are read there, as if from the primary.

A read gets the position of the primary's binary log, in one statement for concurrent reads, and waits until a replica
has applied it. So it sees whatever was committed anywhere before it began: the change of the same client, and the block
or the deletion of another. A replica that is too late, does not answer or has another database is left out until a
check finds that it keeps up again. Without a replica, lists are read from the primary.
"""

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from server.batching import BatchingQueue
from server.errors import ConfigurationError, Unavailable

log = structlog.get_logger(__name__)

Rows = list[dict[str, Any]]

CHECK_WAIT_S = 1.0
NOT_CHECKED = "not checked yet"
POSITION = "SELECT @@gtid_binlog_pos AS position"
# Both servers return this, or the replica has another database.
IDENTITY = "SELECT epoch, media_store_id FROM installation"


class ReplicaClient(Protocol):
    """A pool of connections to one replica."""

    async def rows_after(
        self, position: str, wait_s: float, sql: str, parameters: Sequence[Any]
    ) -> Rows | None:
        """Return rows once the replica has applied `position`; None if it has not within `wait_s`."""
        ...


@dataclass(slots=True)
class Replica:
    """A replica, and why it is left out; empty if it is used."""

    address: str
    client: ReplicaClient
    problem: str = NOT_CHECKED


class Replicas:
    """The replicas of one primary, of which `primary_rows` reads."""

    def __init__(
        self,
        replicas: Sequence[Replica],
        primary_rows: Callable[[str], Awaitable[Rows]],
        wait_s: float,
    ) -> None:
        """Set the replicas. A read that waited `wait_s` for one goes to the primary."""
        self.all = replicas
        self._primary_rows = primary_rows
        self._wait_s = wait_s
        self._positions = BatchingQueue(self._read_positions, max_batch=10_000)

    @property
    def left_out(self) -> list[Replica]:
        return [replica for replica in self.all if replica.problem]

    async def rows(self, sql: str, parameters: Sequence[Any]) -> Rows | None:
        """Return rows from a replica; None if they have to be read from the primary."""
        usable = [replica for replica in self.all if not replica.problem]
        if not usable:
            return None
        replica = random.choice(usable)
        position = await self._positions.submit(None)
        try:
            rows = await replica.client.rows_after(position, self._wait_s, sql, parameters)
        except Unavailable as error:
            self._leave_out(replica, error.reason)
            return None
        if rows is None:
            self._leave_out(replica, f"more than {self._wait_s:g} s behind")
        return rows

    async def check(self) -> None:
        """Use the replicas that keep up, and leave the others out. Raises Unavailable if the primary is."""
        if not self.all:
            return
        position = await self._positions.submit(None)
        identity = await self._primary_rows(IDENTITY)
        for replica in self.all:
            try:
                found = await replica.client.rows_after(position, CHECK_WAIT_S, IDENTITY, ())
            except Unavailable as error:
                self._leave_out(replica, error.reason)
                continue
            except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the primary serves
                self._leave_out(replica, f"it cannot be read ({type(error).__name__})")
                continue
            if found is None:
                self._leave_out(replica, f"more than {CHECK_WAIT_S:g} s behind")
            elif found != identity:
                self._leave_out(replica, "it has another database than the primary")
            elif replica.problem:
                log.info("replica_used", replica=replica.address)
                replica.problem = ""

    async def validate_primary(self, address: str) -> None:
        """Raise ConfigurationError if the primary cannot have replicas that this program can use."""
        try:
            (row,) = await self._primary_rows(POSITION)
        except Unavailable:
            raise
        except Exception as error:
            raise ConfigurationError(
                f"DB_REPLICAS needs MariaDB, and {address} is another server: unset it."
            ) from error
        if not row["position"]:
            raise ConfigurationError(
                f"The database at {address} has no binary log, so it has no replicas: set log_bin there, or unset"
                " DB_REPLICAS."
            )

    async def _read_positions(self, reads: Sequence[None]) -> list[str]:
        (row,) = await self._primary_rows(POSITION)
        return [row["position"]] * len(reads)

    def _leave_out(self, replica: Replica, problem: str) -> None:
        if not replica.problem or replica.problem == NOT_CHECKED:
            log.warning("replica_left_out", replica=replica.address, reason=problem)
        replica.problem = problem
