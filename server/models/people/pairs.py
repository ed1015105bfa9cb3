"""Statements that the tables of ordered pairs of users share: follows, follow requests, blocks, mutes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from server.ids import UserId
from server.models.accounts.user_cards import USER_COLUMNS, UserCardRow
from server.models.conditions import ALL, Condition
from server.models.database import Database


@dataclass(frozen=True, slots=True)
class PairRow:
    """A pair, with the user at its other end."""

    id: int
    user: UserCardRow


class PairRepository:
    """Rows of `table`: at most one per ordered pair of `subject` and `target`, which are columns."""

    table: ClassVar[str]
    subject: ClassVar[str]
    target: ClassVar[str]
    # The index that lists the pairs of a user, newest first, by the column of the user; for MariaDB.
    list_indexes: ClassVar[Mapping[str, str]] = {}

    def __init__(self, database: Database) -> None:
        self._database = database

    async def exists(self, subject_id: UserId, target_id: UserId) -> bool:
        return bool(
            await self._database.rows(
                f"SELECT 1 FROM {self.table} WHERE {self.subject} = ? AND {self.target} = ?",
                [subject_id, target_id],
            )
        )

    async def insert(self, pair_id: int, subject_id: UserId, target_id: UserId) -> None:
        await self._database.execute(
            f"INSERT INTO {self.table} (id, {self.subject}, {self.target}) VALUES (?, ?, ?)",
            [pair_id, subject_id, target_id],
        )

    async def delete(self, subject_id: UserId, target_id: UserId) -> bool:
        """Return whether there was such a pair."""
        return bool(
            await self._database.execute(
                f"DELETE FROM {self.table} WHERE {self.subject} = ? AND {self.target} = ?",
                [subject_id, target_id],
            )
        )

    async def list_pairs(self, user_id: UserId, limit: int) -> list[tuple[UserId, UserId]]:
        """Return pairs in which the user is the subject or the target, as (subject, target), in no order."""
        pairs: list[tuple[UserId, UserId]] = []
        for column in (self.subject, self.target):
            rows = await self._database.rows(
                f"SELECT {self.subject} AS subject_id, {self.target} AS target_id FROM {self.table}"
                f" WHERE {column} = ? LIMIT ?",
                [user_id, limit - len(pairs)],
            )
            pairs += [(UserId(row["subject_id"]), UserId(row["target_id"])) for row in rows]
        return pairs

    async def list_targets(
        self, subject_id: UserId, before_id: int, limit: int, visible: Condition = ALL
    ) -> list[PairRow]:
        """Return the targets of a user that satisfy `visible`, a condition on `users u`, newest pair first."""
        return await self._list(self.subject, self.target, subject_id, before_id, limit, visible)

    async def list_subjects(
        self, target_id: UserId, before_id: int, limit: int, visible: Condition = ALL
    ) -> list[PairRow]:
        """Return the users whose target a user is, as `list_targets`."""
        return await self._list(self.target, self.subject, target_id, before_id, limit, visible)

    async def _list(
        self, owner: str, shown: str, owner_id: UserId, before_id: int, limit: int, visible: Condition
    ) -> list[PairRow]:
        index = self.list_indexes.get(owner)
        hint = "" if index is None else self._database.force_index(index)
        rows = await self._database.rows(
            f"SELECT t.id, {USER_COLUMNS} FROM {self.table} t{hint} JOIN users u ON u.id = t.{shown}"
            f" WHERE t.{owner} = ? AND t.id < ? AND {visible.sql} ORDER BY t.id DESC LIMIT ?",
            [owner_id, before_id, *visible.parameters, limit],
        )
        return [PairRow(row["id"], UserCardRow.from_row(row)) for row in rows]
