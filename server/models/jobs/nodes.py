"""Table `nodes`: which process generates ids under which node number, and the last timestamp that it used."""

from dataclasses import dataclass

from tortoise import fields
from tortoise.models import Model

from server.models.database import Database, DuplicateKey


class NodeTable(Model):
    """`last_ms` survives the lease: the next holder starts after it, whatever its clock says.

    `renewals` only increases, across holders as well. A lower value than one that was committed shows that the
    database was restored, or that a failover lost its newest transactions.

    `process` is what the holder says of itself, as JSON (`services/jobs/processes.py`).
    """

    node = fields.SmallIntField(primary_key=True, generated=False)
    owner = fields.CharField(max_length=40)
    lease_until_ms = fields.BigIntField()
    last_ms = fields.BigIntField()
    renewals = fields.BigIntField(db_default=0)
    process = fields.TextField(null=True)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "nodes"


@dataclass(frozen=True, slots=True)
class NodeRow:
    """A node number that was leased at least once."""

    node: int
    last_ms: int
    lease_until_ms: int
    renewals: int
    is_leased: bool


@dataclass(frozen=True, slots=True)
class LeasedNode:
    """A node number with a lease, when it was renewed, and what its process says of itself."""

    node: int
    renewed_at_ms: int
    process: str | None


class NodeRepository:
    """Leases node numbers to owners, on the database's clock."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_all(self) -> list[NodeRow]:
        """Return every number that was leased at least once."""
        now = self._database.now_ms
        rows = await self._database.rows(
            f"SELECT node, last_ms, lease_until_ms, renewals, lease_until_ms >= {now} AS is_leased FROM nodes"
        )
        return [NodeRow(**{**row, "is_leased": bool(row["is_leased"])}) for row in rows]

    async def list_leased(self, lease_ms: int) -> list[LeasedNode]:
        """Return the numbers with a lease of `lease_ms`, in order."""
        rows = await self._database.rows(
            "SELECT node, lease_until_ms - ? AS renewed_at_ms, process FROM nodes"
            f" WHERE lease_until_ms >= {self._database.now_ms} ORDER BY node",
            [lease_ms],
        )
        return [LeasedNode(**row) for row in rows]

    async def claim(
        self, node: int, owner: str, lease_ms: int, *, force: bool, process: str | None = None
    ) -> bool:
        """Lease a number that is free; with `force`, also one that is leased. Return whether it is ours."""
        now = self._database.now_ms
        free = "" if force else f" AND lease_until_ms < {now}"
        claimed = await self._database.execute(
            f"UPDATE nodes SET owner = ?, lease_until_ms = {now} + ?, process = ? WHERE node = ?{free}",
            [owner, lease_ms, process, node],
        )
        if claimed:
            return True
        try:
            await self._database.execute(
                "INSERT INTO nodes (node, owner, lease_until_ms, last_ms, process)"
                f" VALUES (?, ?, {now} + ?, 0, ?)",
                [node, owner, lease_ms, process],
            )
        except DuplicateKey:
            return False
        return True

    async def get(self, node: int) -> tuple[int, int]:
        """Return the last timestamp that was used under a number, and its renewals; (0, -1) if it was never leased."""
        row = await NodeTable.get_or_none(node=node)
        return (0, -1) if row is None else (row.last_ms, row.renewals)

    async def renew(
        self, node: int, owner: str, lease_ms: int, last_ms: int, renewals: int, process: str | None = None
    ) -> bool:
        """Extend a lease from `renewals` to `renewals + 1`.

        Returns False if another owner has the number, or the row has fewer renewals.
        """
        return bool(
            await self._database.execute(
                f"UPDATE nodes SET lease_until_ms = {self._database.now_ms} + ?, last_ms = ?, renewals = ?,"
                " process = ? WHERE node = ? AND owner = ? AND renewals >= ?",
                [lease_ms, last_ms, renewals + 1, process, node, owner, renewals],
            )
        )

    async def release(self, node: int, owner: str, last_ms: int, renewals: int) -> bool:
        """End a lease, with one more renewal; False if another owner has the number."""
        return bool(
            await NodeTable.filter(node=node, owner=owner, renewals__gte=renewals).update(
                lease_until_ms=0, last_ms=last_ms, renewals=renewals + 1
            )
        )
