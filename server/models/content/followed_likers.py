"""Statement that finds who of the users that a viewer follows likes posts.

It looks up pairs of a user and a post, so its cost is bounded however many likes a post has and however many users the
viewer follows. Scalar subqueries fix the order of these look-ups in both dialects.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from server.ids import PostId, UserId
from server.models.accounts.user_cards import USER_COLUMNS, UserCardRow
from server.models.conditions import Column, all_of
from server.models.database import Database, placeholders
from server.models.people.relationships import RelationshipRow, relationship_columns
from server.models.people.visibility import unmuted_users, visible_users

MAX_LIKERS = 2
# Of each post with at most this many likes, every like is looked at.
FEW_LIKES = 100
# For other posts, the users that the viewer followed last are looked at.
MAX_FOLLOWEES = 500

_FEW = (
    "SELECT l.post_id, l.user_id, l.id FROM likes l WHERE l.post_id IN ({posts}) AND"
    " (SELECT f.id FROM follows f WHERE f.follower_id = ? AND f.followee_id = l.user_id) IS NOT NULL"
)
_MANY = (
    "SELECT p.id AS post_id, f.followee_id AS user_id,"
    " (SELECT l.id FROM likes l WHERE l.user_id = f.followee_id AND l.post_id = p.id) AS id"
    " FROM (SELECT followee_id FROM follows WHERE follower_id = ? ORDER BY id DESC LIMIT ?) f"
    " CROSS JOIN posts p WHERE p.id IN ({posts})"
)


@dataclass(frozen=True, slots=True)
class FollowedLikerRow:
    post_id: PostId
    user: UserCardRow
    relationship: RelationshipRow


class FollowedLikerRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_newest(
        self, viewer_id: UserId, with_few: Sequence[PostId], with_many: Sequence[PostId]
    ) -> list[FollowedLikerRow]:
        """Return for each post up to two likers that the viewer follows, sees and has not muted, newest like first.

        `with_few`: posts with at most FEW_LIKES likes; `with_many`: posts with more.
        """
        sources, parameters = _sources(viewer_id, with_few, with_many)
        liker = Column("c.user_id")
        visible = all_of(visible_users(viewer_id, liker), unmuted_users(viewer_id, liker))
        related = relationship_columns(viewer_id, Column("u.id"))
        rows = await self._database.rows(
            f"SELECT r.post_id, {USER_COLUMNS}, {related.sql} FROM (SELECT c.post_id, c.user_id,"
            " ROW_NUMBER() OVER (PARTITION BY c.post_id ORDER BY c.id DESC) AS place"
            f" FROM ({sources}) c WHERE c.id IS NOT NULL AND {visible.sql}) r"
            f" JOIN users u ON u.id = r.user_id WHERE r.place <= {MAX_LIKERS} ORDER BY r.post_id, r.place",
            [*related.parameters, *parameters, *visible.parameters],
        )
        return [
            FollowedLikerRow(PostId(row["post_id"]), UserCardRow.from_row(row), RelationshipRow.from_row(row))
            for row in rows
        ]


def _sources(
    viewer_id: UserId, with_few: Sequence[PostId], with_many: Sequence[PostId]
) -> tuple[str, list[Any]]:
    """Return the statement of the likes, whose id may be null, and its parameters."""
    parts: list[str] = []
    parameters: list[Any] = []
    if with_few:
        parts.append(_FEW.format(posts=placeholders(len(with_few))))
        parameters += [*with_few, viewer_id]
    if with_many:
        parts.append(_MANY.format(posts=placeholders(len(with_many))))
        parameters += [viewer_id, MAX_FOLLOWEES, *with_many]
    return " UNION ALL ".join(parts), parameters
