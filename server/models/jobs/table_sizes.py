"""Sizes of the main tables: exact for small ones, the estimates of the database for large ones on MySQL."""

from dataclasses import dataclass

from server.models.database import Database

TABLES = (
    "users", "sessions", "posts", "post_images", "media", "comments", "comment_likes", "likes", "saves", "follows",
    "follow_requests", "notifications", "devices", "jobs", "search_terms", "hashtags", "places", "report_cases",
    "moderation_actions", "idempotency_keys",
)  # fmt: skip
# Counting so many rows takes about a millisecond.
MAX_COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class TableSize:
    """Rows of a table, and its bytes with indexes; None if the database does not say them."""

    name: str
    rows: int
    is_estimate: bool
    bytes: int | None


class TableSizeRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_tables(self) -> list[TableSize]:
        """Return the main tables, in a fixed order."""
        if self._database.dialect == "sqlite":
            return [TableSize(name, await self._count(name), False, None) for name in TABLES]
        rows = await self._database.rows(
            "SELECT table_name AS name, table_rows AS estimate, data_length + index_length AS bytes"
            " FROM information_schema.tables WHERE table_schema = DATABASE()"
        )
        known = {row["name"]: (int(row["estimate"] or 0), int(row["bytes"] or 0)) for row in rows}
        sizes: list[TableSize] = []
        for name in TABLES:
            estimate, size = known[name]
            is_large = estimate > MAX_COUNTED
            sizes.append(TableSize(name, estimate if is_large else await self._count(name), is_large, size))
        return sizes

    async def get_database_bytes(self) -> int:
        """Return the bytes of the whole database."""
        (row,) = await self._database.rows(
            "SELECT page_count * page_size AS bytes FROM pragma_page_count(), pragma_page_size()"
            if self._database.dialect == "sqlite"
            else "SELECT SUM(data_length + index_length) AS bytes FROM information_schema.tables"
            " WHERE table_schema = DATABASE()"
        )
        return int(row["bytes"] or 0)

    async def _count(self, name: str) -> int:
        (row,) = await self._database.rows(f"SELECT COUNT(*) AS n FROM {name}")
        return row["n"]
