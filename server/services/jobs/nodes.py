"""The node number under which this process makes ids: leased from the database, renewed while it lives."""

import random
import secrets

import structlog

from server.clock import Clock
from server.errors import Unavailable
from server.ids import NODES, IdGenerator
from server.models.database import Database, DuplicateKey

log = structlog.get_logger(__name__)

LEASE_MS = 60_000
RENEW_S = 15.0


class NodeLease:
    """One number out of 0..127, ours while the lease is renewed.

    The database holds it, not Redis, which may lose everything and must then not make two processes equal. The row
    keeps the last time used in an id, so that the next holder starts after it even if its clock is behind.
    """

    def __init__(
        self, database: Database, clock: Clock, configured: int = -1, *, longest_unused: bool = False
    ) -> None:
        """`configured`: a number that the operator vouches for, or -1.

        `longest_unused` takes the free number that was used longest ago: with a clock in the past, its ids can carry
        any time since then.
        """
        self._database = database
        self._clock = clock
        self._configured = configured
        self._longest_unused = longest_unused
        self._owner = secrets.token_hex(16)
        self._node = -1

    async def take(self) -> IdGenerator:
        """Lease a number, and make ids with it. Raises Unavailable if all 128 are taken."""
        node, last_ms = await self._take()
        return IdGenerator(self._clock, node, last_ms)

    async def renew(self, ids: IdGenerator) -> None:
        """Prolong the lease; move `ids` to another number if it was lost. Call every RENEW_S."""
        now = self._database.now_ms
        kept = await self._database.execute(
            f"UPDATE nodes SET lease_until_ms = {now} + ?, last_ms = ? WHERE node = ? AND owner = ?",
            [LEASE_MS, ids.last_ms, self._node, self._owner],
        )
        if not kept:
            lost = self._node
            ids.move(*await self._take())
            log.warning("node_lease_lost", lost=lost, node=self._node)

    async def give_back(self, ids: IdGenerator) -> None:
        """Let the number go, with the last time that it used."""
        await self._database.execute(
            "UPDATE nodes SET lease_until_ms = 0, last_ms = ? WHERE node = ? AND owner = ?",
            [ids.last_ms, self._node, self._owner],
        )

    async def _take(self) -> tuple[int, int]:
        if self._configured >= 0:
            candidates = [self._configured]
        else:
            candidates = random.sample(range(NODES), NODES)
        now = self._database.now_ms
        known = await self._database.rows(
            f"SELECT node, last_ms, lease_until_ms, lease_until_ms >= {now} AS busy FROM nodes"
        )
        busy = {row["node"] for row in known if row["busy"]}
        used_ms: dict[int, int] = {}
        if self._longest_unused:
            # Who was killed may have made ids after the row was last written, but none after the lease.
            used_ms = {row["node"]: max(row["last_ms"], row["lease_until_ms"]) for row in known}
            candidates.sort(key=lambda node: used_ms.get(node, 0))
        for node in candidates:
            if self._configured < 0 and node in busy:
                continue
            if await self._claim(node):
                rows = await self._database.rows("SELECT last_ms FROM nodes WHERE node = ?", [node])
                self._node = node
                return node, max(rows[0]["last_ms"], used_ms.get(node, 0))
        raise Unavailable(f"All {NODES} node numbers are in use: are there that many processes?")

    async def _claim(self, node: int) -> bool:
        now = self._database.now_ms
        # A configured number belongs to whoever was configured with it, lease or not.
        free = "" if self._configured >= 0 else f" AND lease_until_ms < {now}"
        taken = await self._database.execute(
            f"UPDATE nodes SET owner = ?, lease_until_ms = {now} + ? WHERE node = ?{free}",
            [self._owner, LEASE_MS, node],
        )
        if taken:
            return True
        try:
            await self._database.execute(
                f"INSERT INTO nodes (node, owner, lease_until_ms, last_ms) VALUES (?, ?, {now} + ?, 0)",
                [node, self._owner, LEASE_MS],
            )
        except DuplicateKey:
            return False
        return True
