"""Tables `collections` and `collection_posts`: named lists of saved posts, private to their owner."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tortoise import fields
from tortoise.models import Model

from server.ids import CollectionId, PostId, UserId
from server.models.conditions import Column, Condition
from server.models.content.posts import ListedPost
from server.models.content.visibility import listed_posts
from server.models.database import Database

MAX_COVERS = 4
_COUNT = "(SELECT COUNT(*) FROM collection_posts e WHERE e.collection_id = c.id)"
# The owner is the only viewer.
_VISIBLE = listed_posts(Column("c.user_id"), "p").sql
# `hint` follows the table of the entries.
_COVER = (
    "(SELECT p.id FROM collection_posts e{hint} JOIN saves s ON s.id = e.saved_id JOIN posts p ON p.id = s.post_id"
    f" WHERE e.collection_id = c.id AND {_VISIBLE} ORDER BY e.id DESC LIMIT 1 OFFSET {{n}}) AS cover_{{n}}"
)


# The name that the index on (collection_id, id) has in the migrations.
BY_COLLECTION = "idx_collection__collect_5bbc5e"


class CollectionTable(Model):
    """`name_key` is the name without case; a user has each only once."""

    id = fields.BigIntField(primary_key=True, generated=False)
    user_id: int
    user = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )
    name = fields.CharField(max_length=60)
    name_key = fields.CharField(max_length=180)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "collections"
        unique_together = (("user_id", "name_key"),)
        indexes = (("user_id", "id"),)


class CollectionPostTable(Model):
    """A saved post in a collection. It refers to the save, so that it does not outlive it."""

    id = fields.BigIntField(primary_key=True, generated=False)
    collection_id: int
    collection = fields.ForeignKeyField(
        "models.CollectionTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )
    saved_id: int
    saved = fields.ForeignKeyField(
        "models.SaveTable", related_name=False, on_delete=fields.CASCADE, db_index=True
    )

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "collection_posts"
        unique_together = (("collection_id", "saved"),)
        indexes = (("collection_id", "id"),)


@dataclass(frozen=True, slots=True)
class CollectionRow:
    """`covers`: the newest posts that the owner sees. `posts_count` includes those that the owner does not see now."""

    id: CollectionId
    name: str
    posts_count: int
    covers: tuple[PostId, ...]


class CollectionRepository:
    """Each method is about the collections of one owner only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(self, collection_id: CollectionId, owner_id: UserId, name: str, name_key: str) -> None:
        await CollectionTable.create(id=collection_id, user_id=owner_id, name=name, name_key=name_key)

    async def rename(self, collection_id: CollectionId, name: str, name_key: str) -> None:
        await self._database.execute(
            "UPDATE collections SET name = ?, name_key = ? WHERE id = ?", [name, name_key, collection_id]
        )

    async def delete(self, owner_id: UserId, collection_id: CollectionId) -> bool:
        """Delete a collection with its list of posts. Return whether there was one."""
        return (
            await self._database.execute(
                "DELETE FROM collections WHERE user_id = ? AND id = ?", [owner_id, collection_id]
            )
            > 0
        )

    async def exists(self, owner_id: UserId, collection_id: CollectionId) -> bool:
        rows = await self._database.rows(
            "SELECT 1 FROM collections WHERE user_id = ? AND id = ?", [owner_id, collection_id]
        )
        return bool(rows)

    async def find_name(self, owner_id: UserId, name_key: str) -> CollectionId | None:
        """Return the collection with a name, if there is one."""
        rows = await self._database.rows(
            "SELECT id FROM collections WHERE user_id = ? AND name_key = ?", [owner_id, name_key]
        )
        return CollectionId(rows[0]["id"]) if rows else None

    async def count(self, owner_id: UserId) -> int:
        (row,) = await self._database.rows(
            "SELECT COUNT(*) AS n FROM collections WHERE user_id = ?", [owner_id]
        )
        return row["n"]

    async def get(self, owner_id: UserId, collection_id: CollectionId) -> CollectionRow | None:
        rows = await self._list(owner_id, "c.id = ?", collection_id, 1)
        return rows[0] if rows else None

    async def list_by_owner(self, owner_id: UserId, before_id: int, limit: int) -> list[CollectionRow]:
        """Return collections, newest first."""
        return await self._list(owner_id, "c.id < ?", before_id, limit)

    async def list_containing(self, owner_id: UserId, post_id: PostId) -> list[CollectionId]:
        """Return the collections that have a post, in no order."""
        rows = await self._database.rows(
            "SELECT e.collection_id FROM saves s JOIN collection_posts e ON e.saved_id = s.id"
            " WHERE s.user_id = ? AND s.post_id = ?",
            [owner_id, post_id],
        )
        return [CollectionId(row["collection_id"]) for row in rows]

    async def count_posts(self, collection_id: CollectionId) -> int:
        (row,) = await self._database.rows(
            "SELECT COUNT(*) AS n FROM collection_posts WHERE collection_id = ?", [collection_id]
        )
        return row["n"]

    async def has_post(self, collection_id: CollectionId, save_id: int) -> bool:
        rows = await self._database.rows(
            "SELECT 1 FROM collection_posts WHERE collection_id = ? AND saved_id = ?",
            [collection_id, save_id],
        )
        return bool(rows)

    async def add_post(self, entry_id: int, collection_id: CollectionId, save_id: int) -> None:
        await self._database.execute(
            "INSERT INTO collection_posts (id, collection_id, saved_id) VALUES (?, ?, ?)",
            [entry_id, collection_id, save_id],
        )

    async def remove_post(self, collection_id: CollectionId, save_id: int) -> None:
        await self._database.execute(
            "DELETE FROM collection_posts WHERE collection_id = ? AND saved_id = ?", [collection_id, save_id]
        )

    async def list_posts(
        self, collection_id: CollectionId, visible: Condition, before_id: int, limit: int
    ) -> list[ListedPost]:
        """Return the posts `p` of a collection that satisfy `visible`, those added last first."""
        rows = await self._database.rows(
            f"SELECT e.id, s.post_id FROM collection_posts e{self._database.force_index(BY_COLLECTION)}"
            " JOIN saves s ON s.id = e.saved_id"
            " JOIN posts p ON p.id = s.post_id"
            f" WHERE e.collection_id = ? AND e.id < ? AND {visible.sql} ORDER BY e.id DESC LIMIT ?",
            [collection_id, before_id, *visible.parameters, limit],
        )
        return [ListedPost(row["id"], PostId(row["post_id"])) for row in rows]

    async def _list(self, owner_id: UserId, where: str, value: int, limit: int) -> list[CollectionRow]:
        hint = self._database.force_index(BY_COLLECTION)
        covers = ", ".join(_COVER.format(hint=hint, n=n) for n in range(MAX_COVERS))
        rows = await self._database.rows(
            f"SELECT c.id, c.name, {_COUNT} AS posts_count, {covers} FROM collections c"
            f" WHERE c.user_id = ? AND {where} ORDER BY c.id DESC LIMIT ?",
            [owner_id, value, limit],
        )
        return [_row(row) for row in rows]


def _row(row: Mapping[str, Any]) -> CollectionRow:
    covers = [row[f"cover_{n}"] for n in range(MAX_COVERS)]
    return CollectionRow(
        CollectionId(row["id"]),
        row["name"],
        row["posts_count"],
        tuple(PostId(cover) for cover in covers if cover is not None),
    )
