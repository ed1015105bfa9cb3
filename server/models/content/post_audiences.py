"""Reads the facts that decide whether a user may see a post, and counts the users who may."""

from server.ids import PostId, UserId
from server.models.conditions import Column, all_of
from server.models.content.visibility import POSTS, PostFacts, visible_posts
from server.models.database import Database
from server.models.people.visibility import active_users
from server.models.rules import facts_in, select


class PostAudienceRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_facts(self, viewer_id: UserId, post_id: PostId) -> PostFacts | None:
        """Return the facts about a viewer and a post, or None without such a post."""
        facts = facts_in(POSTS)
        columns = select(facts, viewer=viewer_id, user=Column("p.author_id"), post=Column("p"))
        rows = await self._database.rows(
            f"SELECT {columns.sql} FROM posts p WHERE p.id = ?", [*columns.parameters, post_id]
        )
        return PostFacts(**{fact.name: bool(rows[0][fact.name]) for fact in facts}) if rows else None

    async def count_followers(self, post_id: PostId, maximum: int) -> int:
        """Return how many active followers of the author may see a post, counted up to `maximum`."""
        return await self._count("follows", "followee_id", "follower_id", post_id, maximum)

    async def count_close_friends(self, post_id: PostId, maximum: int) -> int:
        """Return how many active close friends of the author may see a post, as `count_followers`."""
        return await self._count("close_friends", "owner_id", "friend_id", post_id, maximum)

    async def _count(self, table: str, author: str, viewer: str, post_id: PostId, maximum: int) -> int:
        person = Column(f"t.{viewer}")
        visible = all_of(active_users(person), visible_posts(person, "p"))
        rows = await self._database.rows(
            f"SELECT COUNT(*) AS n FROM (SELECT 1 FROM posts p JOIN {table} t ON t.{author} = p.author_id"
            f" WHERE p.id = ? AND {visible.sql} LIMIT ?) viewers",
            [post_id, *visible.parameters, maximum],
        )
        return rows[0]["n"]
