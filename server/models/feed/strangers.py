"""Relations of a reader to authors that are not in the reader's feed, for many authors at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from server.ids import UserId
from server.models.accounts.user_cards import USER_COLUMNS, UserCardRow
from server.models.conditions import Column, Condition
from server.models.database import Database, placeholders
from server.models.people.relationships import RelationshipRow, relationship_columns
from server.models.people.visibility import IS_RESTRICTED
from server.models.rules import select


@dataclass(frozen=True, slots=True)
class StrangerRow:
    relationship: RelationshipRow
    restricted: bool


class StrangerRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, reader_id: UserId, author_ids: Sequence[UserId]) -> dict[UserId, StrangerRow]:
        """Return the relation of the reader to each of the authors that exist."""
        if not author_ids:
            return {}
        columns = _relation_columns(reader_id)
        rows = await self._database.rows(
            f"SELECT u.id, {columns.sql} FROM users u WHERE u.id IN ({placeholders(len(author_ids))})",
            [*columns.parameters, *author_ids],
        )
        return {UserId(row["id"]): _stranger(row) for row in rows}

    async def list_visible(
        self, reader_id: UserId, user_ids: Sequence[UserId], visible: Condition
    ) -> list[tuple[UserCardRow, StrangerRow]]:
        """Return the users `u` that satisfy `visible`, with the relation of the reader to each, in no order."""
        columns = _relation_columns(reader_id)
        rows = await self._database.rows(
            f"SELECT {USER_COLUMNS}, {columns.sql} FROM users u"
            f" WHERE u.id IN ({placeholders(len(user_ids))}) AND {visible.sql}",
            [*columns.parameters, *user_ids, *visible.parameters],
        )
        return [(UserCardRow.from_row(row), _stranger(row)) for row in rows]


def _relation_columns(reader_id: UserId) -> Condition:
    user = Column("u.id")
    related = relationship_columns(reader_id, user)
    restricted = select((IS_RESTRICTED,), viewer=reader_id, user=user)
    return Condition(f"{related.sql}, {restricted.sql}", (*related.parameters, *restricted.parameters))


def _stranger(row: Mapping[str, Any]) -> StrangerRow:
    return StrangerRow(RelationshipRow.from_row(row), bool(row["is_restricted"]))
