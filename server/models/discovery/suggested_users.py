"""Users that can be suggested to a viewer: followed by those that the viewer follows, or followed by many."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from server.ids import UserId
from server.models.conditions import Column, Condition, all_of
from server.models.database import Database, placeholders
from server.models.discovery.search_terms import TIERS, Form, SearchKind
from server.models.people.visibility import HAS_REQUEST, STRANGERS, active_users, visible_users
from server.models.rules import Fact, Rule, clause, condition, no

# Bounds of the statement: the newest followees of the viewer, and the newest followees of each of them.
MAX_FOLLOWEES = 200
FOLLOWEES_OF_EACH = 50
MAX_GROUPED = 300

IS_DISMISSED = Fact(
    "is_dismissed",
    "EXISTS(SELECT 1 FROM dismissed_suggestions WHERE user_id = {viewer} AND dismissed_id = {user})",
)
SUGGESTED: Rule = (
    *STRANGERS,
    clause("requested", no(HAS_REQUEST)),
    clause("dismissed", no(IS_DISMISSED)),
)


@dataclass(frozen=True, slots=True)
class SuggestedUser:
    """A user, and how many of the newest followees of the viewer follow that user."""

    id: UserId
    mutuals: int


@dataclass(frozen=True, slots=True)
class MutualFollower:
    """A followee of the viewer who follows a user, by the row `follow_id`, which a later follow does not get again."""

    id: UserId
    follow_id: int


def suggested_users(viewer_id: UserId) -> Condition:
    """Return the condition on `users u` that the viewer may get a suggestion to follow the user."""
    user = Column("u.id")
    return all_of(
        visible_users(viewer_id, user), active_users(user), condition(SUGGESTED, viewer=viewer_id, user=user)
    )


class SuggestedUserRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_mutual(self, viewer_id: UserId, limit: int) -> list[SuggestedUser]:
        """Return users that followees of the viewer follow, those with the most such followees first.

        At most 200 followees of the viewer count, and the 50 newest follows of each.
        """
        shown = suggested_users(viewer_id)
        rows = await self._database.rows(
            "SELECT u.id, g.n FROM (SELECT s.followee_id AS id, COUNT(*) AS n"
            f" FROM ({_FOLLOWEES}) f JOIN follows s ON s.follower_id = f.followee_id AND s.id >= {_FIRST_FOLLOW}"
            " WHERE s.followee_id <> ? GROUP BY s.followee_id ORDER BY n DESC, s.followee_id DESC LIMIT ?) g"
            f" JOIN users u ON u.id = g.id WHERE {shown.sql} ORDER BY g.n DESC, u.id DESC LIMIT ?",
            [
                viewer_id,
                MAX_FOLLOWEES,
                FOLLOWEES_OF_EACH - 1,
                viewer_id,
                MAX_GROUPED,
                *shown.parameters,
                limit,
            ],
        )
        return [SuggestedUser(UserId(row["id"]), row["n"]) for row in rows]

    async def list_mutual_followers(
        self, viewer_id: UserId, user_ids: Sequence[UserId]
    ) -> dict[UserId, list[MutualFollower]]:
        """Return which of the newest followees of the viewer follow each of the users, newest follow first."""
        if not user_ids:
            return {}
        shown = active_users(Column("s.follower_id"))
        rows = await self._database.rows(
            f"SELECT s.id, s.followee_id, s.follower_id FROM ({_FOLLOWEES}) f JOIN follows s"
            f" ON s.follower_id = f.followee_id AND s.followee_id IN ({placeholders(len(user_ids))})"
            f" WHERE {shown.sql} ORDER BY s.id DESC",
            [viewer_id, MAX_FOLLOWEES, *user_ids, *shown.parameters],
        )
        found: dict[UserId, list[MutualFollower]] = {}
        for row in rows:
            follower = MutualFollower(UserId(row["follower_id"]), row["id"])
            found.setdefault(UserId(row["followee_id"]), []).append(follower)
        return found

    async def filter_follows(self, follow_ids: Collection[int]) -> set[int]:
        """Return which of the follows exist. At most 500 of them."""
        if not follow_ids:
            return set()
        rows = await self._database.rows(
            f"SELECT id FROM follows WHERE id IN ({placeholders(len(follow_ids))})", list(follow_ids)
        )
        return {row["id"] for row in rows}

    async def list_popular(self, limit: int) -> list[UserId]:
        """Return active users with many followers, the most followed first.

        Reads the tiers of the search index from the top, at most `limit` users of each.
        """
        found: dict[UserId, None] = {}
        for tier in range(TIERS):
            rows = await self._database.rows(
                "SELECT DISTINCT t.subject_id AS id FROM (SELECT subject_id FROM search_terms"
                " WHERE kind = ? AND form = ? AND tier = ? LIMIT ?) t",
                [SearchKind.USER, Form.START, tier, 4 * limit],
            )
            found |= dict.fromkeys(UserId(row["id"]) for row in rows)
            if len(found) >= limit:
                break
        return await self._sort_by_followers(list(found)[: 4 * limit], limit)

    async def filter_suggested(self, viewer_id: UserId, user_ids: Sequence[UserId]) -> set[UserId]:
        """Return which of the users may be suggested to the viewer."""
        if not user_ids:
            return set()
        shown = suggested_users(viewer_id)
        rows = await self._database.rows(
            f"SELECT u.id FROM users u WHERE u.id IN ({placeholders(len(user_ids))}) AND {shown.sql}",
            [*user_ids, *shown.parameters],
        )
        return {UserId(row["id"]) for row in rows}

    async def _sort_by_followers(self, user_ids: Sequence[UserId], limit: int) -> list[UserId]:
        if not user_ids:
            return []
        rows = await self._database.rows(
            f"SELECT id FROM users WHERE id IN ({placeholders(len(user_ids))}) AND followers_count > 0"
            " ORDER BY followers_count DESC, id LIMIT ?",
            [*user_ids, limit],
        )
        return [UserId(row["id"]) for row in rows]


_FOLLOWEES = "SELECT followee_id FROM follows WHERE follower_id = ? ORDER BY id DESC LIMIT ?"
_FIRST_FOLLOW = (
    "COALESCE((SELECT i.id FROM follows i WHERE i.follower_id = f.followee_id"
    " ORDER BY i.id DESC LIMIT 1 OFFSET ?), 0)"
)
