"""The hash chain of the audit log: each row of `moderation_actions` contains a hash over its content and the last hash.

Table `audit_chain` has the newest sequence and hash. Its one row serializes writers, and shows when rows at the end are
missing.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from tortoise import fields
from tortoise.models import Model

from server.models.database import Database, DuplicateKey, SerializationFailure
from server.models.moderation.actions import (
    COLUMNS,
    ModerationActionRow,
    ModerationActionTable,
)

ROW_ID = 1
VERSION = 1
TRIGGERS = ("moderation_actions_no_update", "moderation_actions_no_delete")


class AuditChainTable(Model):
    """One row, which the first entry inserts."""

    id = fields.SmallIntField(primary_key=True, generated=False)
    sequence = fields.BigIntField()
    hash = fields.CharField(max_length=64)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "audit_chain"


@dataclass(frozen=True, slots=True)
class ChainHead:
    """The newest entry; sequence 0 and an empty hash before the first."""

    sequence: int
    hash: str


@dataclass(frozen=True, slots=True)
class ChainedEntry:
    """A stored entry, and its hash as it should be after the entry with `previous` as hash."""

    id: int
    sequence: int
    hash: str
    content: Mapping[str, Any]

    def expected_hash(self, previous: str) -> str:
        return chain_hash(previous, self.sequence, self.content)


class AuditChainRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, row: ModerationActionRow) -> None:
        """Insert an entry as the last statement of a transaction but its jobs.

        It locks the head of the chain until the commit. Because every transaction locks it last, two of them cannot
        wait for each other.
        """
        head = await self._lock_head()
        content = asdict(row)
        sequence = head.sequence + 1
        digest = chain_hash(head.hash, sequence, content)
        await ModerationActionTable.create(**content, sequence=sequence, hash=digest)
        await self._database.execute(
            "UPDATE audit_chain SET sequence = ?, hash = ? WHERE id = ?", [sequence, digest, ROW_ID]
        )

    async def get_head(self) -> ChainHead:
        return await self._head("") or ChainHead(0, "")

    async def list_after(self, sequence: int, limit: int) -> list[ChainedEntry]:
        """Return entries in their order."""
        rows = await self._database.rows(
            f"SELECT {', '.join(COLUMNS)}, sequence, hash FROM moderation_actions WHERE sequence > ?"
            " ORDER BY sequence LIMIT ?",
            [sequence, limit],
        )
        return [
            ChainedEntry(row["id"], row["sequence"], row["hash"], {name: row[name] for name in COLUMNS})
            for row in rows
        ]

    async def list_unchained(self, from_id: int, limit: int) -> list[int]:
        """Return the ids of entries that are in no chain, in order."""
        rows = await self._database.rows(
            "SELECT id FROM moderation_actions WHERE sequence IS NULL AND id >= ? ORDER BY id LIMIT ?",
            [from_id, limit],
        )
        return [row["id"] for row in rows]

    async def count_unchained(self) -> int:
        (row,) = await self._database.rows(
            "SELECT COUNT(*) AS n FROM moderation_actions WHERE sequence IS NULL"
        )
        return row["n"]

    async def has_triggers(self) -> bool:
        """Return whether the database refuses to change and delete entries."""
        names = (
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name IN (?, ?)"
            if self._database.dialect == "sqlite"
            else "SELECT trigger_name AS name FROM information_schema.triggers"
            " WHERE trigger_schema = DATABASE() AND trigger_name IN (?, ?)"
        )
        return len(await self._database.rows(names, TRIGGERS)) == len(TRIGGERS)

    async def _lock_head(self) -> ChainHead:
        head = await self._head(self._database.for_update)
        if head is not None:
            return head
        try:
            await AuditChainTable.create(id=ROW_ID, sequence=0, hash="")
        except DuplicateKey as error:
            raise SerializationFailure("Another transaction began the audit log at the same time.") from error
        return ChainHead(0, "")

    async def _head(self, suffix: str) -> ChainHead | None:
        rows = await self._database.rows(
            f"SELECT sequence, hash FROM audit_chain WHERE id = ?{suffix}", [ROW_ID]
        )
        return ChainHead(**rows[0]) if rows else None


def chain_hash(previous: str, sequence: int, content: Mapping[str, Any]) -> str:
    """Return the SHA-256 of an entry's content, its place and the hash before it, in hexadecimal."""
    values = [content[name] for name in COLUMNS]
    data = orjson.dumps([VERSION, previous, sequence, *values])
    return hashlib.sha256(data).hexdigest()
