"""Table `place_posts`: which posts are in the counts of places, kept by the jobs of the search index."""

from collections.abc import Sequence
from dataclasses import dataclass

from tortoise import fields
from tortoise.models import Model

from server.ids import PlaceId, PostId, UserId
from server.models.content.visibility import public_posts
from server.models.database import Database, placeholders

PUBLIC = public_posts("p").sql


class PlacePostTable(Model):
    """`counted` is 1 if the post is in the `posts_count` of the place.

    No foreign keys: deleting a post or a user must not delete rows without correcting the count.
    """

    post_id = fields.BigIntField(primary_key=True, generated=False)
    place_id = fields.BigIntField()
    author_id = fields.BigIntField()
    counted = fields.SmallIntField()

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "place_posts"
        indexes = (("author_id", "counted", "post_id"),)


@dataclass(frozen=True, slots=True)
class PlacePostRow:
    post_id: PostId
    place_id: PlaceId
    counted: bool


class PlacePostRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_by_posts(self, post_ids: Sequence[PostId]) -> dict[PostId, PlacePostRow]:
        """Return the rows of posts that have any."""
        if not post_ids:
            return {}
        rows = await self._database.rows(
            "SELECT post_id, place_id, counted FROM place_posts"
            f" WHERE post_id IN ({placeholders(len(post_ids))})",
            post_ids,
        )
        found = [
            PlacePostRow(PostId(row["post_id"]), PlaceId(row["place_id"]), bool(row["counted"]))
            for row in rows
        ]
        return {row.post_id: row for row in found}

    async def insert(self, row: PlacePostRow, author_id: UserId) -> None:
        await PlacePostTable.create(
            post_id=row.post_id, place_id=row.place_id, author_id=author_id, counted=int(row.counted)
        )

    async def set_counted(self, post_id: PostId, *, counted: bool) -> None:
        await self._database.execute(
            "UPDATE place_posts SET counted = ? WHERE post_id = ?", [int(counted), post_id]
        )

    async def delete(self, post_id: PostId) -> None:
        await self._database.execute("DELETE FROM place_posts WHERE post_id = ?", [post_id])

    async def list_by_author(
        self, author_id: UserId, after_id: PostId, *, counted: bool, limit: int
    ) -> list[PostId]:
        """Return posts of an author that are counted, or that are not, by id."""
        rows = await self._database.rows(
            "SELECT post_id FROM place_posts WHERE author_id = ? AND counted = ? AND post_id > ?"
            " ORDER BY post_id LIMIT ?",
            [author_id, int(counted), after_id, limit],
        )
        return [PostId(row["post_id"]) for row in rows]

    async def list_wrong(self, after_id: PostId, limit: int) -> list[PostId]:
        """Return posts whose row is missing, superfluous, of another place or counted wrongly, by id.

        Reads all posts.
        """
        rows = await self._database.rows(
            "SELECT p.id AS post_id FROM posts p LEFT JOIN place_posts x ON x.post_id = p.id WHERE p.id > ?"
            " AND p.place_id IS NOT NULL AND p.deleted_at_ms IS NULL AND p.archived_at_ms IS NULL"
            f" AND (x.post_id IS NULL OR x.place_id <> p.place_id OR x.counted <> CASE WHEN {PUBLIC} THEN 1 ELSE 0 END)"
            " UNION SELECT x.post_id FROM place_posts x LEFT JOIN posts p ON p.id = x.post_id WHERE x.post_id > ?"
            " AND (p.id IS NULL OR p.place_id IS NULL OR p.deleted_at_ms IS NOT NULL"
            " OR p.archived_at_ms IS NOT NULL) ORDER BY post_id LIMIT ?",
            [after_id, after_id, limit],
        )
        return [PostId(row["post_id"]) for row in rows]
