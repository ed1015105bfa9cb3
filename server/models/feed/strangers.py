"""Relations of a reader to authors that are not in the reader's feed, for many authors at once."""

from collections.abc import Sequence
from dataclasses import dataclass

from server.ids import UserId
from server.models.conditions import Column
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
        author = Column("u.id")
        related = relationship_columns(reader_id, author)
        restricted = select((IS_RESTRICTED,), viewer=reader_id, user=author)
        rows = await self._database.rows(
            f"SELECT u.id, {related.sql}, {restricted.sql} FROM users u"
            f" WHERE u.id IN ({placeholders(len(author_ids))})",
            [*related.parameters, *restricted.parameters, *author_ids],
        )
        return {
            UserId(row["id"]): StrangerRow(RelationshipRow.from_row(row), bool(row["is_restricted"]))
            for row in rows
        }
