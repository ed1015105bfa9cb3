"""Table `search_rebuilds`: has a row while the search index is rebuilt, so that an interrupted rebuild goes on."""

from tortoise import fields
from tortoise.models import Model

from server.models.database import Database

_ID = 1


class SearchRebuildTable(Model):
    id = fields.BigIntField(primary_key=True, generated=False)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "search_rebuilds"


class SearchRebuildRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self) -> bool:
        """Return whether this rebuild is a new one; False: an earlier one did not finish."""
        if await SearchRebuildTable.filter(id=_ID).exists():
            return False
        await SearchRebuildTable.create(id=_ID)
        return True

    async def end(self) -> None:
        await self._database.execute("DELETE FROM search_rebuilds")
