"""Statements that cached feeds are built from."""

from collections.abc import Sequence
from dataclasses import dataclass

from server.ids import PostId, UserId
from server.models.audience import Audience
from server.models.conditions import Column, Condition
from server.models.content.posts import latest_change
from server.models.database import Database, placeholders
from server.models.people.visibility import close_friends_of, unmuted_users

AUTHORS_PER_QUERY = 1000
FOLLOWER, FOLLOWEE = Column("follows.follower_id"), Column("follows.followee_id")
UNMUTED = unmuted_users(FOLLOWER, FOLLOWEE).sql
IS_CLOSE_FRIEND = close_friends_of(FOLLOWEE, FOLLOWER).sql


@dataclass(frozen=True, slots=True)
class FolloweeRow:
    """A user that a reader follows, and whether the reader is one of the user's close friends and followees."""

    id: UserId
    has_as_close_friend: bool
    follows_back: bool


@dataclass(frozen=True, slots=True)
class StoredCounts:
    """Counters of a post in the database."""

    id: PostId
    author_id: UserId
    likes_count: int
    comments_count: int
    revision: int
    edited_at_ms: int | None
    pictures_changed_at_ms: int | None
    deleted_at_ms: int | None
    archived_at_ms: int | None
    audience: str

    @property
    def is_listed(self) -> bool:
        """Return whether feeds show the post."""
        return self.deleted_at_ms is None and self.archived_at_ms is None

    @property
    def changed_at_ms(self) -> int | None:
        return latest_change(self.edited_at_ms, self.pictures_changed_at_ms)


class FeedRepository:
    """Follows, posts, likes and saves as feeds need them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_followees(self, reader_id: UserId) -> list[UserId]:
        """Return the users that the reader follows and has not muted, in no order."""
        rows = await self._database.rows(
            f"SELECT followee_id FROM follows WHERE follower_id = ? AND {UNMUTED}", [reader_id]
        )
        return [UserId(row["followee_id"]) for row in rows]

    async def list_followed(self, reader_id: UserId) -> list[FolloweeRow]:
        """Return the authors whose posts the reader's feed has, without the reader, in no order."""
        rows = await self._database.rows(
            f"SELECT followee_id, {IS_CLOSE_FRIEND} AS has_as_close_friend,"
            " EXISTS(SELECT 1 FROM follows b WHERE b.follower_id = follows.followee_id"
            " AND b.followee_id = follows.follower_id) AS follows_back"
            f" FROM follows WHERE follower_id = ? AND {UNMUTED}",
            [reader_id],
        )
        return [
            FolloweeRow(
                UserId(row["followee_id"]), bool(row["has_as_close_friend"]), bool(row["follows_back"])
            )
            for row in rows
        ]

    async def filter_followees(self, reader_id: UserId, author_ids: Sequence[UserId]) -> set[UserId]:
        """Return which of the authors the reader follows and has not muted."""
        rows = await self._database.rows(
            "SELECT followee_id FROM follows"
            f" WHERE follower_id = ? AND followee_id IN ({placeholders(len(author_ids))}) AND {UNMUTED}",
            [reader_id, *author_ids],
        )
        return {UserId(row["followee_id"]) for row in rows}

    async def list_followers(self, author_id: UserId, after_id: int, limit: int) -> list[UserId]:
        """Return the next followers with ids above `after_id` who have not muted the author, in ascending order."""
        rows = await self._database.rows(
            f"SELECT follower_id FROM follows WHERE followee_id = ? AND follower_id > ? AND {UNMUTED}"
            " ORDER BY follower_id LIMIT ?",
            [author_id, after_id, limit],
        )
        return [UserId(row["follower_id"]) for row in rows]

    async def list_close_followers(self, author_id: UserId, after_id: int, limit: int) -> list[UserId]:
        """Return the next followers that are close friends of the author, as `list_followers`."""
        rows = await self._database.rows(
            "SELECT f.friend_id FROM close_friends f JOIN follows ON follows.followee_id = f.owner_id"
            f" AND follows.follower_id = f.friend_id WHERE f.owner_id = ? AND f.friend_id > ? AND {UNMUTED}"
            " ORDER BY f.friend_id LIMIT ?",
            [author_id, after_id, limit],
        )
        return [UserId(row["friend_id"]) for row in rows]

    async def filter_followers(
        self, author_id: UserId, user_ids: Sequence[UserId], audience: Audience
    ) -> list[UserId]:
        """Return which of the users follow the author, have not muted the author, and belong to the audience."""
        narrowed = f" AND {IS_CLOSE_FRIEND}" if audience is Audience.CLOSE_FRIENDS else ""
        rows = await self._database.rows(
            "SELECT follower_id FROM follows"
            f" WHERE followee_id = ? AND follower_id IN ({placeholders(len(user_ids))}) AND {UNMUTED}{narrowed}",
            [author_id, *user_ids],
        )
        return [UserId(row["follower_id"]) for row in rows]

    async def list_posts(
        self, author_ids: Sequence[UserId], bounds: tuple[int, int], visible: Condition, limit: int
    ) -> list[PostId]:
        """Return the newest visible posts of the authors with lower <= id < upper, newest first.

        `visible` is a condition on the table `posts p`.
        """
        lower, upper = bounds
        found: list[PostId] = []
        for start in range(0, len(author_ids), AUTHORS_PER_QUERY):
            authors = author_ids[start : start + AUTHORS_PER_QUERY]
            rows = await self._database.rows(
                f"SELECT p.id FROM posts p WHERE p.author_id IN ({placeholders(len(authors))})"
                f" AND p.id >= ? AND p.id < ? AND {visible.sql} ORDER BY p.id DESC LIMIT ?",
                [*authors, lower, upper, *visible.parameters, limit],
            )
            found += [PostId(row["id"]) for row in rows]
        return sorted(found, reverse=True)[:limit]

    async def list_authors(self, post_ids: Sequence[PostId]) -> dict[PostId, UserId]:
        """Return the authors of posts, including deleted ones."""
        if not post_ids:
            return {}
        rows = await self._database.rows(
            f"SELECT id, author_id FROM posts WHERE id IN ({placeholders(len(post_ids))})", post_ids
        )
        return {PostId(row["id"]): UserId(row["author_id"]) for row in rows}

    async def list_counts(self, post_ids: Sequence[PostId]) -> list[StoredCounts]:
        """Return the counters of posts, including deleted ones."""
        if not post_ids:
            return []
        rows = await self._database.rows(
            "SELECT id, author_id, likes_count, comments_count, revision, edited_at_ms, pictures_changed_at_ms,"
            f" deleted_at_ms, archived_at_ms, audience FROM posts WHERE id IN ({placeholders(len(post_ids))})",
            post_ids,
        )
        return [StoredCounts(**row) for row in rows]

    async def list_marked(
        self, reader_id: UserId, from_id: int, limit: int
    ) -> tuple[list[PostId], list[PostId]]:
        """Return the newest posts from `from_id` up that the reader likes, and those that the reader has saved.

        Each list has at most `limit` posts, newest first.
        """
        newest = "WHERE user_id = ? AND post_id >= ? ORDER BY post_id DESC LIMIT ?"
        rows = await self._database.rows(
            f"SELECT * FROM (SELECT post_id, 0 AS saved FROM likes {newest}) liked"
            f" UNION ALL SELECT * FROM (SELECT post_id, 1 AS saved FROM saves {newest}) saved",
            [reader_id, from_id, limit] * 2,
        )
        liked, saved = (
            sorted((PostId(row["post_id"]) for row in rows if row["saved"] == n), reverse=True)
            for n in (0, 1)
        )
        return liked, saved

    async def filter_marked(
        self, reader_id: UserId, post_ids: Sequence[PostId]
    ) -> tuple[set[PostId], set[PostId]]:
        """Return which of the posts the reader likes, and which the reader has saved."""
        condition = f"user_id = ? AND post_id IN ({placeholders(len(post_ids))})"
        rows = await self._database.rows(
            f"SELECT post_id, 0 AS saved FROM likes WHERE {condition}"
            f" UNION ALL SELECT post_id, 1 AS saved FROM saves WHERE {condition}",
            [reader_id, *post_ids] * 2,
        )
        liked, saved = ({PostId(row["post_id"]) for row in rows if row["saved"] == n} for n in (0, 1))
        return liked, saved

    async def list_fan_out_on_read_authors(self) -> list[UserId]:
        """Return the authors with fan-out on read."""
        rows = await self._database.rows("SELECT id FROM users WHERE fan_out_on_read = 1")
        return [UserId(row["id"]) for row in rows]
