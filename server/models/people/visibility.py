"""The SQL form of the rule that decides which users see each other and notify each other."""

from server.ids import UserId
from server.models.conditions import Column, Condition, bind

NOT_BLOCKED = "NOT EXISTS(SELECT 1 FROM blocks WHERE blocker_id = {} AND blocked_id = {})"
# Scalar subqueries: MariaDB may turn EXISTS into a temporary table of all users.
ACTIVE = "(SELECT users.status FROM users WHERE users.id = {}) = 'active'"
PUBLIC = "(SELECT users.is_private FROM users WHERE users.id = {}) = 0"
NOT_MUTED = "NOT EXISTS(SELECT 1 FROM mutes WHERE muter_id = {} AND muted_id = {})"
FOLLOWED = "EXISTS(SELECT 1 FROM follows WHERE follower_id = {} AND followee_id = {})"


def visible_users(viewer: UserId | Column, user: UserId | Column) -> Condition:
    """Return the condition that the user is active or the viewer, and neither has blocked the other."""
    return bind(
        f"({{}} = {{}} OR {ACTIVE}) AND {NOT_BLOCKED} AND {NOT_BLOCKED}",
        viewer, user, user, viewer, user, user, viewer,
    )  # fmt: skip


def unblocked_users(viewer: UserId | Column, user: UserId | Column) -> Condition:
    """Return the condition that the user is active, and has not blocked the viewer."""
    return bind(f"{ACTIVE} AND {NOT_BLOCKED}", user, user, viewer)


def unmuted_users(viewer: UserId | Column, user: UserId | Column) -> Condition:
    """Return the condition that the viewer has not muted the user."""
    return bind(NOT_MUTED, viewer, user)


def public_users(user: UserId | Column) -> Condition:
    """Return the condition that everybody may see the user's posts: the account is active and public."""
    return bind(f"{ACTIVE} AND {PUBLIC}", user, user)


def open_users(viewer: UserId | Column, user: UserId | Column) -> Condition:
    """Return the condition that the viewer may see what the user shows to followers only.

    That is: the account is public, or the viewer's own, or the viewer follows it.
    """
    return bind(
        f"({{}} = {{}} OR {PUBLIC} OR {FOLLOWED})",
        viewer, user, user, viewer, user,
    )  # fmt: skip
