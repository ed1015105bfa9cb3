"""Subjects of a search: the columns of users and posts that the search index is made from."""

from collections.abc import Sequence
from dataclasses import dataclass

from server.ids import PlaceId, PostId, UserId
from server.models.content.visibility import public_posts
from server.models.database import Database, placeholders
from server.models.discovery.search_terms import TIERS, SearchKind, tier_of

SUBJECT_TABLES = {
    SearchKind.USER: ("users", "s.status = 'active'"),
    SearchKind.HASHTAG: ("hashtags", "s.posts_count > 0"),
    SearchKind.PLACE: ("places", "s.posts_count > 0"),
    SearchKind.POST: ("posts", "s.deleted_at_ms IS NULL AND s.archived_at_ms IS NULL AND s.caption <> ''"),
}
_POPULARITY = {
    SearchKind.USER: "s.followers_count",
    SearchKind.HASHTAG: "s.posts_count",
    SearchKind.PLACE: "s.posts_count",
}


@dataclass(frozen=True, slots=True)
class SearchedUser:
    username: str
    full_name: str
    followers_count: int
    is_active: bool
    is_private: bool

    @property
    def is_public(self) -> bool:
        return self.is_active and not self.is_private


@dataclass(frozen=True, slots=True)
class SearchedPost:
    author_id: UserId
    caption: str
    place_id: PlaceId | None


class SearchSubjectRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def lock_users(self, user_ids: Sequence[UserId]) -> dict[UserId, SearchedUser]:
        """Lock users until the commit, in the order of their ids; return those that exist."""
        return await self.get_users(sorted(user_ids), self._database.for_update)

    async def get_users(self, user_ids: Sequence[UserId], suffix: str = "") -> dict[UserId, SearchedUser]:
        """Return the users that exist."""
        if not user_ids:
            return {}
        rows = await self._database.rows(
            "SELECT id, username, full_name, followers_count, status = 'active' AS is_active, is_private FROM users"
            f" WHERE id IN ({placeholders(len(user_ids))}) ORDER BY id{suffix}",
            user_ids,
        )
        return {
            UserId(row["id"]): SearchedUser(
                row["username"],
                row["full_name"],
                row["followers_count"],
                bool(row["is_active"]),
                bool(row["is_private"]),
            )
            for row in rows
        }

    async def lock_posts(self, post_ids: Sequence[PostId]) -> dict[PostId, SearchedPost]:
        """Lock the posts of `get_posts` until the commit, in the order of their ids."""
        return await self.get_posts(sorted(post_ids), self._database.for_update)

    async def get_posts(self, post_ids: Sequence[PostId], suffix: str = "") -> dict[PostId, SearchedPost]:
        """Return the posts with a caption or a place that were not deleted, taken down or archived."""
        if not post_ids:
            return {}
        rows = await self._database.rows(
            f"SELECT id, author_id, caption, place_id FROM posts WHERE id IN ({placeholders(len(post_ids))})"
            f" AND deleted_at_ms IS NULL AND archived_at_ms IS NULL"
            f" AND (caption <> '' OR place_id IS NOT NULL) ORDER BY id{suffix}",
            post_ids,
        )
        return {
            PostId(row["id"]): SearchedPost(UserId(row["author_id"]), row["caption"], row["place_id"])
            for row in rows
        }

    async def list_public(self, post_ids: Sequence[PostId]) -> set[PostId]:
        """Return the posts that everyone may see."""
        if not post_ids:
            return set()
        visible = public_posts("p")
        rows = await self._database.rows(
            f"SELECT p.id FROM posts p WHERE p.id IN ({placeholders(len(post_ids))}) AND {visible.sql}",
            [*post_ids, *visible.parameters],
        )
        return {PostId(row["id"]) for row in rows}

    async def list_missing(self, kind: SearchKind, after_id: int, limit: int) -> list[int]:
        """Return subjects without an entry, by id."""
        table, searched = SUBJECT_TABLES[kind]
        rows = await self._database.rows(
            f"SELECT s.id FROM {table} s LEFT JOIN search_entries e ON e.subject_id = s.id"
            f" WHERE s.id > ? AND {searched} AND e.subject_id IS NULL ORDER BY s.id LIMIT ?",
            [after_id, limit],
        )
        return [row["id"] for row in rows]

    async def list_moved(self, kind: SearchKind, after_id: int, limit: int) -> list[int]:
        """Return subjects whose tier changed since they were indexed, by id."""
        rows = await self._database.rows(
            f"SELECT e.subject_id FROM search_entries e JOIN {SUBJECT_TABLES[kind][0]} s ON s.id = e.subject_id"
            f" WHERE e.kind = ? AND e.subject_id > ? AND e.tier <> {_tier(_POPULARITY[kind])}"
            " ORDER BY e.subject_id LIMIT ?",
            [kind, after_id, limit],
        )
        return [row["subject_id"] for row in rows]

    async def count_missing(self, kind: SearchKind) -> int:
        """Return the number of subjects without an entry."""
        table, searched = SUBJECT_TABLES[kind]
        (row,) = await self._database.rows(
            f"SELECT COUNT(*) AS n FROM {table} s LEFT JOIN search_entries e ON e.subject_id = s.id"
            f" WHERE {searched} AND e.subject_id IS NULL"
        )
        return row["n"]


def _tier(column: str) -> str:
    """Return the SQL form of `tier_of`."""
    lowest = {tier_of(1 << bits): 1 << bits for bits in range(2 * TIERS, -1, -1)}
    steps = " ".join(f"WHEN {column} >= {lowest[tier]} THEN {tier}" for tier in sorted(lowest))
    return f"CASE {steps} ELSE {tier_of(0)} END"
