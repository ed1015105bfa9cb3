"""The SQL form of the rule that decides which posts a user may see."""

from server.ids import UserId
from server.models.conditions import Condition


def visible_posts(viewer_id: UserId, alias: str) -> Condition:
    """Return the condition that the viewer may see a row of `posts`, which the statement names `alias`."""
    del viewer_id  # Posts are not hidden from individual users yet.
    return Condition(f"{alias}.deleted_at_ms IS NULL")
