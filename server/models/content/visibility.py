"""The SQL form of the rule that decides which posts a user may see."""

from server.ids import UserId
from server.models.conditions import Column, Condition, all_of
from server.models.people.visibility import open_users, public_users, visible_users

# For a row of `posts p`, without a viewer.
NOT_DELETED = Condition("p.deleted_at_ms IS NULL")


def public_posts(alias: str) -> Condition:
    """Return the condition that everybody may see a row of `posts`, also without an account."""
    return all_of(Condition(f"{alias}.deleted_at_ms IS NULL"), public_users(Column(f"{alias}.author_id")))


def visible_posts(viewer: UserId | Column, alias: str) -> Condition:
    """Return the condition that the viewer may see a row of `posts`, which the statement names `alias`."""
    author = Column(f"{alias}.author_id")
    return all_of(
        Condition(f"{alias}.deleted_at_ms IS NULL"), visible_users(viewer, author), open_users(viewer, author)
    )
