"""The rule that decides which posts a user may see: its SQL form, and the record that it is a predicate over."""

from dataclasses import dataclass

from server.ids import UserId
from server.models.conditions import Column, Condition, all_of
from server.models.people.visibility import (
    ACTIVE_USERS,
    HAS_AS_CLOSE_FRIEND,
    IS_FOLLOWED,
    IS_SELF,
    OPEN_ACCOUNTS,
    PUBLIC_ACCOUNTS,
    USERS,
    Denial,
)
from server.models.rules import Fact, Rule, clause, condition, no

# For a row of `posts p`, without a viewer.
NOT_DELETED = Condition("p.deleted_at_ms IS NULL")
ARCHIVED = Condition("p.archived_at_ms IS NOT NULL")

IS_PRESENT = Fact("is_present", "{post}.deleted_at_ms IS NULL")
IS_ARCHIVED = Fact("is_archived", "{post}.archived_at_ms IS NOT NULL")
IS_FOR_FOLLOWERS = Fact("is_for_followers", "{post}.audience = 'followers'")
IS_FOR_CLOSE_FRIENDS = Fact("is_for_close_friends", "{post}.audience = 'close_friends'")

# The audience narrows what the account allows: a private account's posts are for followers in any case.
POSTS: Rule = (
    clause(Denial.DELETED, IS_PRESENT),
    clause(Denial.ARCHIVED, IS_SELF, no(IS_ARCHIVED)),
    *USERS,
    *OPEN_ACCOUNTS,
    clause(Denial.NOT_FOLLOWER, IS_SELF, no(IS_FOR_FOLLOWERS), IS_FOLLOWED),
    clause(Denial.NOT_CLOSE_FRIEND, IS_SELF, no(IS_FOR_CLOSE_FRIENDS), HAS_AS_CLOSE_FRIEND),
)
# An archived post is in no list besides the archive, which only its author has.
LISTED_POSTS: Rule = (clause(Denial.ARCHIVED, no(IS_ARCHIVED)), *POSTS)
IS_PENDING = Fact("is_pending", "{comment}.pending = 1")
OWNS_POST = Fact(
    "owns_post", "(SELECT posts.author_id FROM posts WHERE posts.id = {comment}.post_id) = {viewer}"
)
COMMENTS_ENABLED = Fact(
    "comments_enabled", "(SELECT posts.comments_enabled FROM posts WHERE posts.id = {comment}.post_id) = 1"
)
# Of a comment on a visible post. `user` is its author.
APPROVED_COMMENTS: Rule = (clause(Denial.PENDING, no(IS_PENDING), IS_SELF, OWNS_POST),)
SHOWN_COMMENTS: Rule = (*APPROVED_COMMENTS, clause(Denial.COMMENTS_OFF, COMMENTS_ENABLED))
COMMENTS: Rule = (*USERS, *SHOWN_COMMENTS)

# Of an earlier version of a post. A wider audience does not see what was written for a narrower one.
WAS_PUBLIC = Fact("was_public", "{version}.audience = 'public'")
HAD_SAME_AUDIENCE = Fact("had_same_audience", "{version}.audience = {post}.audience")
VERSIONS: Rule = (*POSTS, clause(Denial.OTHER_AUDIENCE, IS_SELF, WAS_PUBLIC, HAD_SAME_AUDIENCE))

# Of a tag in a visible post. `user` is the tagged one.
IS_TAGGED = Fact("is_tagged", "{tag}.status <> 'removed'")
IS_APPROVED_TAG = Fact("is_approved_tag", "{tag}.status = 'approved'")
OWNS_TAGGED_POST = Fact(
    "owns_tagged_post", "(SELECT posts.author_id FROM posts WHERE posts.id = {tag}.post_id) = {viewer}"
)
TAGS: Rule = (
    *USERS,
    clause(Denial.DELETED, IS_TAGGED),
    clause(Denial.PENDING, IS_APPROVED_TAG, IS_SELF, OWNS_TAGGED_POST),
)

PUBLIC_POSTS: Rule = (
    clause(Denial.DELETED, IS_PRESENT),
    clause(Denial.ARCHIVED, no(IS_ARCHIVED)),
    *ACTIVE_USERS,
    *PUBLIC_ACCOUNTS,
    clause(Denial.NOT_FOLLOWER, no(IS_FOR_FOLLOWERS)),
    clause(Denial.NOT_CLOSE_FRIEND, no(IS_FOR_CLOSE_FRIENDS)),
)


@dataclass(frozen=True, slots=True)
class PostFacts:
    """The facts of the rule about a viewer, a post, and its author, who is the user in the names."""

    is_present: bool
    is_archived: bool
    is_self: bool
    is_active: bool
    is_blocked: bool
    blocks: bool
    is_public: bool
    is_followed: bool
    is_for_followers: bool
    is_for_close_friends: bool
    has_as_close_friend: bool


def public_posts(alias: str) -> Condition:
    """Return the condition that everybody may see a row of `posts`, also without an account."""
    return condition(PUBLIC_POSTS, user=Column(f"{alias}.author_id"), post=Column(alias))


def visible_posts(viewer: UserId | Column, alias: str) -> Condition:
    """Return the condition that the viewer may see a row of `posts`, which the statement names `alias`."""
    return condition(POSTS, viewer=viewer, user=Column(f"{alias}.author_id"), post=Column(alias))


def visible_versions(viewer: UserId | Column, alias: str, post: str) -> Condition:
    """Return the condition that the viewer may see a row of `post_versions`, and the row of `posts` that it is of."""
    return condition(
        VERSIONS, viewer=viewer, user=Column(f"{post}.author_id"), post=Column(post), version=Column(alias)
    )


def visible_tags(viewer: UserId | Column, alias: str) -> Condition:
    """Return the condition that the viewer may see a row of `post_tags` in a post that the viewer may see."""
    return condition(TAGS, viewer=viewer, user=Column(f"{alias}.user_id"), tag=Column(alias))


def listed_posts(viewer: UserId | Column, alias: str) -> Condition:
    """Return the condition that a list of posts shows a row of `posts` to the viewer."""
    return condition(LISTED_POSTS, viewer=viewer, user=Column(f"{alias}.author_id"), post=Column(alias))


def visible_comments(viewer: UserId | Column, alias: str) -> Condition:
    """Return the condition that the viewer may see a row of `comments` on a post that the viewer may see."""
    return condition(COMMENTS, viewer=viewer, user=Column(f"{alias}.author_id"), comment=Column(alias))


def comments_on_visible_posts(viewer: UserId | Column, alias: str) -> Condition:
    """Return the condition that the viewer may see a row of `comments` and its post."""
    posts = visible_posts(viewer, "p")
    of_post = Condition(
        f"EXISTS(SELECT 1 FROM posts p WHERE p.id = {alias}.post_id AND {posts.sql})", posts.parameters
    )
    return all_of(of_post, visible_comments(viewer, alias))


def shown_comments(viewer: UserId | Column, alias: str) -> Condition:
    """Return the condition of `approved_comments`, and that comments are not turned off on the post."""
    return condition(SHOWN_COMMENTS, viewer=viewer, user=Column(f"{alias}.author_id"), comment=Column(alias))


def approved_comments(viewer: UserId | Column, alias: str) -> Condition:
    """Return the condition that a row of `comments` is approved, or the viewer wrote it or the post."""
    return condition(
        APPROVED_COMMENTS, viewer=viewer, user=Column(f"{alias}.author_id"), comment=Column(alias)
    )
