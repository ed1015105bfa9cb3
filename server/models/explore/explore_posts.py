"""The rule by which explore shows a post to a viewer, and the statements that apply it."""

from collections.abc import Sequence
from types import SimpleNamespace

from server.ids import PostId, UserId
from server.models.conditions import Column
from server.models.content.visibility import POSTS, PUBLIC_POSTS
from server.models.database import Database, placeholders
from server.models.people.visibility import STRANGERS
from server.models.rules import Fact, Rule, clause, condition, facts_in, find_denial, no, select

IS_LIKED = Fact("is_liked", "EXISTS(SELECT 1 FROM likes WHERE user_id = {viewer} AND post_id = {post}.id)")
# Everybody may see the post, this viewer as well, and it is news to the viewer.
EXPLORE: Rule = (
    *STRANGERS,
    *POSTS,
    *(each for each in PUBLIC_POSTS if each not in POSTS),
    clause("liked", no(IS_LIKED)),
)
_POST, _AUTHOR = Column("p"), Column("p.author_id")


class ExplorePostRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_authors(self, post_ids: Sequence[PostId]) -> dict[PostId, UserId]:
        """Return the authors of posts, of hidden and deleted ones as long as these have a row."""
        rows = await self._database.rows(
            f"SELECT id, author_id FROM posts WHERE id IN ({placeholders(len(post_ids))})", post_ids
        )
        return {PostId(row["id"]): UserId(row["author_id"]) for row in rows}

    async def filter_shown(self, viewer_id: UserId, post_ids: Sequence[PostId]) -> set[PostId]:
        """Return which of the posts explore shows to the viewer."""
        shown = condition(EXPLORE, viewer=viewer_id, user=_AUTHOR, post=_POST)
        rows = await self._database.rows(
            f"SELECT p.id FROM posts p WHERE p.id IN ({placeholders(len(post_ids))}) AND {shown.sql}",
            [*post_ids, *shown.parameters],
        )
        return {PostId(row["id"]) for row in rows}

    async def find_denial(self, viewer_id: UserId, post_id: PostId) -> str | None:
        """Return why explore does not show a post, which exists, to the viewer; None if it may."""
        facts = facts_in(EXPLORE)
        columns = select(facts, viewer=viewer_id, user=_AUTHOR, post=_POST)
        (row,) = await self._database.rows(
            f"SELECT {columns.sql} FROM posts p WHERE p.id = ?", [*columns.parameters, post_id]
        )
        return find_denial(EXPLORE, SimpleNamespace(**row))
