"""Table `places`: where posts were taken, as their authors say."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tortoise import fields
from tortoise.models import Model

from server.ids import PlaceId, PostId, UserId
from server.models.conditions import Condition
from server.models.database import Database, placeholders

DEGREE = 1_000_000
CELL, AREA = DEGREE // 100, DEGREE // 10


class PlaceTable(Model):
    """`lat` and `lng` are millionths of a degree. `name_key` is what all spellings of the name share.

    The cell and the area are numbers of squares with sides of 0.01 and 0.1 degrees. `posts_count` counts the posts that
    everyone may see; the jobs of the search index keep it.
    """

    id = fields.BigIntField(primary_key=True, generated=False)
    name = fields.CharField(max_length=100)
    name_key = fields.CharField(max_length=190)
    lat = fields.IntField()
    lng = fields.IntField()
    cell = fields.IntField()
    area = fields.IntField()
    posts_count = fields.IntField(default=0)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "places"
        unique_together = (("name_key", "cell"),)
        indexes = (("area", "posts_count"),)


@dataclass(frozen=True, slots=True)
class PlaceRow:
    id: PlaceId
    name: str
    lat: int
    lng: int
    posts_count: int = 0


class PlaceRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(self, place: PlaceRow, name_key: str) -> None:
        """Raise DuplicateKey if the cell has a place with this name."""
        await PlaceTable.create(
            **asdict(place),
            name_key=name_key,
            cell=square_of(place.lat, place.lng, CELL),
            area=square_of(place.lat, place.lng, AREA),
        )

    async def lock(self, place_id: PlaceId) -> PlaceRow | None:
        """Lock a place until the commit."""
        rows = await self._database.rows(
            f"SELECT id, name, lat, lng, posts_count FROM places WHERE id = ?{self._database.for_update}",
            [place_id],
        )
        return _row(rows[0]) if rows else None

    async def list_by_ids(self, place_ids: Sequence[int], *, shown: bool = False) -> list[PlaceRow]:
        """Return the places that exist, in no particular order; with `shown`, those with posts that everyone sees."""
        if not place_ids:
            return []
        rows = await self._database.rows(
            "SELECT id, name, lat, lng, posts_count FROM places"
            f" WHERE id IN ({placeholders(len(place_ids))}){' AND posts_count > 0' if shown else ''}",
            place_ids,
        )
        return [_row(row) for row in rows]

    async def list_named(self, name_key: str, lat: int, lng: int) -> list[PlaceRow]:
        """Return the places of a name in the cell of a position and in the cells around it."""
        cells = squares_around(lat, lng, CELL)
        rows = await self._database.rows(
            "SELECT id, name, lat, lng, posts_count FROM places"
            f" WHERE name_key = ? AND cell IN ({placeholders(len(cells))}) ORDER BY id",
            [name_key, *cells],
        )
        return [_row(row) for row in rows]

    async def list_near(self, lat: int, lng: int, limit: int) -> list[PlaceRow]:
        """Return the places with most posts that everyone sees, in the area of a position and those around it."""
        areas = squares_around(lat, lng, AREA)
        rows = await self._database.rows(
            "SELECT id, name, lat, lng, posts_count FROM places"
            f" WHERE area IN ({placeholders(len(areas))}) AND posts_count > 0 ORDER BY posts_count DESC LIMIT ?",
            [*areas, limit],
        )
        return [_row(row) for row in rows]

    async def list_post_ids(
        self, place_id: PlaceId, visible: Condition, before_id: int, limit: int
    ) -> list[PostId]:
        """Return the posts `p` of a place that satisfy `visible`, newest first."""
        rows = await self._database.rows(
            f"SELECT p.id FROM posts p WHERE p.place_id = ? AND p.id < ? AND {visible.sql}"
            " ORDER BY p.id DESC LIMIT ?",
            [place_id, before_id, *visible.parameters, limit],
        )
        return [PostId(row["id"]) for row in rows]

    async def list_newest(self, place_id: PlaceId, before_id: int, limit: int) -> list[tuple[PostId, UserId]]:
        """Return the newest posts of a place below an id with their authors, hidden ones included."""
        rows = await self._database.rows(
            "SELECT id, author_id FROM posts WHERE place_id = ? AND id < ? ORDER BY id DESC LIMIT ?",
            [place_id, before_id, limit],
        )
        return [(PostId(row["id"]), UserId(row["author_id"])) for row in rows]

    async def change_count(self, place_id: PlaceId, change: int) -> None:
        await self._database.execute(
            "UPDATE places SET posts_count = posts_count + ? WHERE id = ?", [change, place_id]
        )

    async def delete_unused(self, place_id: PlaceId) -> None:
        """Delete a locked place that no post has, hidden ones included."""
        rows = await self._database.rows("SELECT 1 FROM posts WHERE place_id = ? LIMIT 1", [place_id])
        if not rows:
            await self._database.execute("DELETE FROM places WHERE id = ?", [place_id])


def square_of(lat: int, lng: int, side: int) -> int:
    """Return the number of the square with this side that a position is in."""
    columns = 360 * DEGREE // side
    return (lat + 90 * DEGREE) // side * columns + (lng + 180 * DEGREE) // side % columns


def squares_around(lat: int, lng: int, side: int) -> list[int]:
    """Return the squares of a position and of its neighbours, across the antimeridian as well."""
    columns = 360 * DEGREE // side
    row, column = (lat + 90 * DEGREE) // side, (lng + 180 * DEGREE) // side
    rows = [each for each in (row - 1, row, row + 1) if each >= 0]
    return [each * columns + (column + step) % columns for each in rows for step in (-1, 0, 1)]


def _row(row: Mapping[str, Any]) -> PlaceRow:
    return PlaceRow(PlaceId(row["id"]), row["name"], row["lat"], row["lng"], row["posts_count"])
