"""The SQL form of the rule that decides which users see each other and notify each other."""

from server.ids import UserId
from server.models.conditions import Column, Condition, bind

NOT_BLOCKED = "NOT EXISTS(SELECT 1 FROM blocks WHERE blocker_id = {} AND blocked_id = {})"
NOT_MUTED = "NOT EXISTS(SELECT 1 FROM mutes WHERE muter_id = {} AND muted_id = {})"
FOLLOWED = "EXISTS(SELECT 1 FROM follows WHERE follower_id = {} AND followee_id = {})"


def visible_users(viewer: UserId | Column, user: UserId | Column) -> Condition:
    """Return the condition that neither of two users has blocked the other."""
    return bind(f"{NOT_BLOCKED} AND {NOT_BLOCKED}", viewer, user, user, viewer)


def unblocked_users(viewer: UserId | Column, user: UserId | Column) -> Condition:
    """Return the condition that the user has not blocked the viewer."""
    return bind(NOT_BLOCKED, user, viewer)


def unmuted_users(viewer: UserId | Column, user: UserId | Column) -> Condition:
    """Return the condition that the viewer has not muted the user."""
    return bind(NOT_MUTED, viewer, user)


def open_users(viewer: UserId | Column, user: UserId | Column) -> Condition:
    """Return the condition that the viewer may see what the user shows to followers only.

    That is: the account is public, or the viewer's own, or the viewer follows it.
    """
    return bind(
        "({} = {} OR EXISTS(SELECT 1 FROM users WHERE users.id = {} AND users.is_private = 0)"
        f" OR {FOLLOWED})",
        viewer, user, user, viewer, user,
    )  # fmt: skip
