"""The rule that decides which users see each other and notify each other, and its SQL form."""

from enum import StrEnum

from server.ids import UserId
from server.models.conditions import Column, Condition
from server.models.rules import Fact, Rule, clause, condition, no


class Denial(StrEnum):
    """Why a viewer does not see something."""

    DELETED = "deleted"
    ARCHIVED = "archived"
    ACCOUNT_HIDDEN = "account_hidden"
    BLOCKED = "blocked"
    BLOCKED_BY = "blocked_by"
    MUTED = "muted"
    RESTRICTED = "restricted"
    OWN = "own"
    FOLLOWED = "followed"
    PRIVATE_ACCOUNT = "private_account"
    NOT_FOLLOWER = "not_follower"
    NOT_CLOSE_FRIEND = "not_close_friend"
    TAGS_REFUSED = "tags_refused"
    OTHER_AUDIENCE = "other_audience"
    PENDING = "pending"
    COMMENTS_OFF = "comments_off"


# Of a viewer, who may be NO_USER, and a user.
HAS_ACCOUNT = Fact("has_account", "{viewer} <> 0")
IS_SELF = Fact("is_self", "{user} = {viewer}")
# Scalar subqueries: MariaDB may turn EXISTS into a temporary table of all users.
IS_ACTIVE = Fact("is_active", "(SELECT users.status FROM users WHERE users.id = {user}) = 'active'")
IS_PUBLIC = Fact("is_public", "(SELECT users.is_private FROM users WHERE users.id = {user}) = 0")
IS_BLOCKED = Fact(
    "is_blocked", "EXISTS(SELECT 1 FROM blocks WHERE blocker_id = {viewer} AND blocked_id = {user})"
)
BLOCKS = Fact("blocks", "EXISTS(SELECT 1 FROM blocks WHERE blocker_id = {user} AND blocked_id = {viewer})")
IS_MUTED = Fact("is_muted", "EXISTS(SELECT 1 FROM mutes WHERE muter_id = {viewer} AND muted_id = {user})")
IS_RESTRICTED = Fact(
    "is_restricted",
    "EXISTS(SELECT 1 FROM restrictions WHERE owner_id = {viewer} AND restricted_id = {user})",
)
IS_FOLLOWED = Fact(
    "is_followed", "EXISTS(SELECT 1 FROM follows WHERE follower_id = {viewer} AND followee_id = {user})"
)
IS_FOLLOWER = Fact(
    "is_follower", "EXISTS(SELECT 1 FROM follows WHERE follower_id = {user} AND followee_id = {viewer})"
)
HAS_REQUEST = Fact(
    "has_request",
    "EXISTS(SELECT 1 FROM follow_requests WHERE requester_id = {viewer} AND target_id = {user})",
)
HAS_AS_CLOSE_FRIEND = Fact(
    "has_as_close_friend",
    "EXISTS(SELECT 1 FROM close_friends WHERE owner_id = {user} AND friend_id = {viewer})",
)

NOT_BLOCKED_BY = clause(Denial.BLOCKED_BY, no(BLOCKS))
USERS: Rule = (
    clause(Denial.ACCOUNT_HIDDEN, IS_SELF, IS_ACTIVE),
    clause(Denial.BLOCKED, no(IS_BLOCKED)),
    NOT_BLOCKED_BY,
)
# A private account shows its profile to users only.
PROFILES: Rule = (
    clause(Denial.ACCOUNT_HIDDEN, IS_ACTIVE),
    NOT_BLOCKED_BY,
    clause(Denial.PRIVATE_ACCOUNT, HAS_ACCOUNT, IS_PUBLIC),
)
OPEN_ACCOUNTS: Rule = (clause(Denial.PRIVATE_ACCOUNT, IS_SELF, IS_PUBLIC, IS_FOLLOWED),)
ACTIVE_USERS: Rule = (clause(Denial.ACCOUNT_HIDDEN, IS_ACTIVE),)
PUBLIC_ACCOUNTS: Rule = (clause(Denial.PRIVATE_ACCOUNT, IS_PUBLIC),)
UNMUTED: Rule = (clause(Denial.MUTED, no(IS_MUTED)),)
UNRESTRICTED: Rule = (clause(Denial.RESTRICTED, no(IS_RESTRICTED)),)
# Users that a viewer can discover: others that the viewer neither follows nor avoids.
STRANGERS: Rule = (
    clause(Denial.OWN, no(IS_SELF)),
    clause(Denial.FOLLOWED, no(IS_FOLLOWED)),
    *UNMUTED,
    *UNRESTRICTED,
)
CLOSE_FRIENDS: Rule = (clause(Denial.NOT_CLOSE_FRIEND, HAS_AS_CLOSE_FRIEND),)

# Of an author and a user to be tagged, who must follow the author unless everyone may.
TAGGED_BY_ALL = Fact(
    "tagged_by_all", "(SELECT users.tags_from FROM users WHERE users.id = {user}) = 'everyone'"
)
TAGGED_BY_FOLLOWED = Fact(
    "tagged_by_followed", "(SELECT users.tags_from FROM users WHERE users.id = {user}) = 'following'"
)
TAGGABLE: Rule = (
    *USERS,
    clause(Denial.TAGS_REFUSED, IS_SELF, TAGGED_BY_ALL, TAGGED_BY_FOLLOWED),
    clause(Denial.TAGS_REFUSED, IS_SELF, TAGGED_BY_ALL, IS_FOLLOWER),
)


def visible_users(viewer: UserId | Column, user: UserId | Column) -> Condition:
    """Return the condition that the user is active or the viewer, and neither has blocked the other."""
    return condition(USERS, viewer=viewer, user=user)


def active_users(user: UserId | Column) -> Condition:
    """Return the condition that the user's account is active."""
    return condition(ACTIVE_USERS, user=user)


def unblocked_users(viewer: UserId | Column, user: UserId | Column) -> Condition:
    """Return the condition that the user is active, has not blocked the viewer, and is public for NO_USER."""
    return condition(PROFILES, viewer=viewer, user=user)


def unmuted_users(viewer: UserId | Column, user: UserId | Column) -> Condition:
    """Return the condition that the viewer has not muted the user."""
    return condition(UNMUTED, viewer=viewer, user=user)


def open_users(viewer: UserId | Column, user: UserId | Column) -> Condition:
    """Return the condition that the viewer may see what the user shows to followers only.

    That is: the account is public, or the viewer's own, or the viewer follows it.
    """
    return condition(OPEN_ACCOUNTS, viewer=viewer, user=user)


def taggable_users(author: UserId | Column, user: UserId | Column) -> Condition:
    """Return the condition that an author may tag a user."""
    return condition(TAGGABLE, viewer=author, user=user)


def close_friends_of(user: UserId | Column, friend: UserId | Column) -> Condition:
    """Return the condition that a user has a friend on the list of close friends."""
    return condition(CLOSE_FRIENDS, viewer=friend, user=user)
