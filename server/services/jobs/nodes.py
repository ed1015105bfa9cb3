"""The node number under which this process generates ids: leased from the database and renewed."""

import asyncio
import random
import secrets
from collections.abc import Callable, Mapping

import structlog

from server.clock import Clock
from server.errors import Unavailable
from server.ids import NODES, IdGenerator
from server.models.jobs.nodes import NodeRepository

log = structlog.get_logger(__name__)

LEASE_MS = 60_000
RENEW_S = 5.0  # also how long a database that refuses writes can go unnoticed
RENEW_RETRY_S = 1.0
# A node of a cluster may not have applied a transaction yet that another one committed.
REPLICATION_LAG_S = 3.0
RECHECK_S = 0.25
# Ids may be dated this much ahead after the clock was set back; more is corrected with another node number.
MAX_AHEAD_MS = 5_000


class NodeLease:
    """A lease on one node number from 0 to 127.

    It is stored in the database, because Redis may lose its data and two processes would then share a number. The row
    keeps the last timestamp used in an id, so the next holder starts after it even if its clock is behind.
    """

    def __init__(
        self,
        nodes: NodeRepository,
        clock: Clock,
        configured: int = -1,
        *,
        longest_unused: bool = False,
        describe: Callable[[], str] | None = None,
    ) -> None:
        """Create a lease. `configured` is a number that the operator guarantees to be unique, or -1.

        `longest_unused` prefers the number that was used longest ago: with a clock in the past, ids can then have any
        timestamp since that use. `describe` returns what the process says of itself, for each renewal.
        """
        self._nodes = nodes
        self._clock = clock
        self._configured = configured
        self._longest_unused = longest_unused
        self._describe = describe or (lambda: None)
        self._owner = secrets.token_hex(16)
        self._node = -1
        self._renewals = 0

    @property
    def mark(self) -> tuple[int, int]:
        """The leased number, and its newest renewal that the database committed."""
        return self._node, self._renewals

    async def acquire(self) -> IdGenerator:
        """Lease a number and return a generator that uses it. Raises Unavailable if all 128 are leased."""
        node, last_ms = await self._acquire()
        return IdGenerator(self._clock, node, last_ms)

    async def renew(self, ids: IdGenerator) -> bool:
        """Extend the lease; move `ids` to another number if it is lost. Call every RENEW_S.

        Returns False if the database lacks a renewal that it had committed.
        """
        if await self._nodes.renew(
            self._node, self._owner, LEASE_MS, ids.last_ms, self._renewals, self._describe()
        ):
            self._renewals += 1
            await self._follow_clock(ids)
            return True
        kept = await has_renewals(self._nodes, dict([self.mark]))
        lost = self._node
        ids.move(*await self._acquire())
        log.warning("node_lease_lost", lost=lost, node=self._node)
        return kept

    async def release(self, ids: IdGenerator) -> None:
        """End the lease and save the last timestamp that `ids` used."""
        if await self._nodes.release(self._node, self._owner, ids.last_ms, self._renewals):
            self._renewals += 1

    async def _follow_clock(self, ids: IdGenerator) -> None:
        """Move `ids` to a number without use in the future, if they are dated ahead of a clock that was set back.

        Their old number keeps its newest timestamp, so no id is repeated. A configured number cannot be exchanged: its
        ids are dated ahead until the clock has caught up.
        """
        ahead_ms = ids.ahead_ms
        if ahead_ms <= MAX_AHEAD_MS or self._configured >= 0:
            return
        left, renewals = self._node, self._renewals
        try:
            node, last_ms = await self._acquire(used_before_ms=self._clock.now_ms())
        except Unavailable as error:  # the next renewal tries again
            log.warning("ids_ahead_of_clock", ahead_ms=ahead_ms, error=error.reason)
            return
        newest_ms = ids.last_ms
        ids.restart(node, last_ms)
        await self._nodes.release(left, self._owner, newest_ms, renewals)
        log.warning("clock_set_back", ahead_ms=ahead_ms, left=left, node=node)

    async def _acquire(self, used_before_ms: int | None = None) -> tuple[int, int]:
        """Claim a number; with `used_before_ms`, one that was never used after that time."""
        known = await self._nodes.list_all()
        last_used_ms: dict[int, int] = {}
        if self._configured >= 0:
            candidates = [self._configured]
        else:
            leased = {row.node for row in known if row.is_leased}
            candidates = [node for node in random.sample(range(NODES), NODES) if node not in leased]
        if self._longest_unused:
            # A process that was killed may have used timestamps after the row's, but none after its lease.
            last_used_ms = {row.node: max(row.last_ms, row.lease_until_ms) for row in known}
            candidates.sort(key=lambda node: last_used_ms.get(node, 0))
        if used_before_ms is not None:
            used = {row.node for row in known if row.last_ms >= used_before_ms}
            candidates = [node for node in candidates if node not in used]
        for node in candidates:
            # A configured number belongs to the process that was configured with it, leased or not.
            if await self._nodes.claim(
                node, self._owner, LEASE_MS, force=self._configured >= 0, process=self._describe()
            ):
                last_ms, self._renewals = await self._nodes.get(node)
                self._node = node
                return node, max(last_ms, last_used_ms.get(node, 0))
        raise Unavailable(
            f"All {NODES} node numbers are leased: stop processes that are not needed, or try again in a minute."
        )


async def has_renewals(nodes: NodeRepository, marks: Mapping[int, int]) -> bool:
    """Return whether the database has these renewals by node number, waiting for replication if it lacks some."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + REPLICATION_LAG_S
    while True:
        stored = {row.node: row.renewals for row in await nodes.list_all()}
        if all(stored.get(node, -1) >= renewals for node, renewals in marks.items()):
            return True
        if loop.time() > deadline:
            return False
        await asyncio.sleep(RECHECK_S)
