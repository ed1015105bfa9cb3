"""The node number under which this process generates ids: leased from the database and renewed."""

import random
import secrets

import structlog

from server.clock import Clock
from server.errors import Unavailable
from server.ids import NODES, IdGenerator
from server.models.jobs.nodes import NodeRepository

log = structlog.get_logger(__name__)

LEASE_MS = 60_000
RENEW_S = 5.0  # also how long a database that refuses writes can go unnoticed
RENEW_RETRY_S = 1.0


class NodeLease:
    """A lease on one node number from 0 to 127.

    It is stored in the database, because Redis may lose its data and two processes would then share a number. The row
    keeps the last timestamp used in an id, so the next holder starts after it even if its clock is behind.
    """

    def __init__(
        self, nodes: NodeRepository, clock: Clock, configured: int = -1, *, longest_unused: bool = False
    ) -> None:
        """Create a lease. `configured` is a number that the operator guarantees to be unique, or -1.

        `longest_unused` prefers the number that was used longest ago: with a clock in the past, ids can then have any
        timestamp since that use.
        """
        self._nodes = nodes
        self._clock = clock
        self._configured = configured
        self._longest_unused = longest_unused
        self._owner = secrets.token_hex(16)
        self._node = -1

    async def acquire(self) -> IdGenerator:
        """Lease a number and return a generator that uses it. Raises Unavailable if all 128 are leased."""
        node, last_ms = await self._acquire()
        return IdGenerator(self._clock, node, last_ms)

    async def renew(self, ids: IdGenerator) -> None:
        """Extend the lease; move `ids` to another number if it is lost. Call every RENEW_S."""
        if not await self._nodes.renew(self._node, self._owner, LEASE_MS, ids.last_ms):
            lost = self._node
            ids.move(*await self._acquire())
            log.warning("node_lease_lost", lost=lost, node=self._node)

    async def release(self, ids: IdGenerator) -> None:
        """End the lease and save the last timestamp that `ids` used."""
        await self._nodes.release(self._node, self._owner, ids.last_ms)

    async def _acquire(self) -> tuple[int, int]:
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
        for node in candidates:
            # A configured number belongs to the process that was configured with it, leased or not.
            if await self._nodes.claim(node, self._owner, LEASE_MS, force=self._configured >= 0):
                self._node = node
                return node, max(await self._nodes.get_last_ms(node), last_used_ms.get(node, 0))
        raise Unavailable(
            f"All {NODES} node numbers are leased: stop processes that are not needed, or try again in a minute."
        )
