"""Visibility: the one rule that every read of posts, comments, likes, lists, feeds and streams applies.

A post is visible if it was not deleted, its author has not archived it or is the viewer, its author is active, neither
its author nor the viewer has blocked the other, the author is public, the viewer, or followed by the viewer, and the
viewer belongs to the post's audience. Users see each other if they are active and neither has blocked the other.

The clauses of `models/content/visibility.py` are the definition. From them come the conditions in SQL, the predicate
`is_post_visible`, and the explanation `explain_post`.
"""

from enum import StrEnum

from server.errors import NotFound
from server.ids import PostId, UserId
from server.models.conditions import Column, Condition, all_of
from server.models.content.posts import PostRepository, PostRow
from server.models.content.visibility import (
    POSTS,
    PostFacts,
    approved_comments,
    comments_on_visible_posts,
    listed_posts,
    public_posts,
    visible_comments,
    visible_posts,
    visible_tags,
    visible_versions,
)
from server.models.people.visibility import Denial, open_users, visible_users
from server.models.rules import find_denial


class Grant(StrEnum):
    """Why a viewer sees a post."""

    AUTHOR = "author"
    EVERYONE = "everyone"
    FOLLOWER = "follower"
    CLOSE_FRIEND = "close_friend"


class Visibility:
    """The viewer of a condition is a user, or the column of the statement that names one."""

    def __init__(self, posts: PostRepository) -> None:
        self._posts = posts

    def posts(self, viewer: UserId | Column, alias: str = "p") -> Condition:
        """Return the condition that the viewer may see a row of `posts`, which the statement names `alias`."""
        return visible_posts(viewer, alias)

    def listed_posts(self, viewer: UserId | Column, alias: str = "p") -> Condition:
        """Return the condition that a list shows the viewer a row of `posts`: archived posts are in none."""
        return listed_posts(viewer, alias)

    def public_posts(self, alias: str = "p") -> Condition:
        """Return the condition that everybody may see a row of `posts`, also without an account."""
        return public_posts(alias)

    def users(self, viewer: UserId | Column, user: Column) -> Condition:
        """Return the condition that the viewer may see the user that a column names, and what that user does."""
        return visible_users(viewer, user)

    def connections(self, viewer_id: UserId, owner_id: UserId) -> Condition:
        """Return the condition on `users u` that the viewer may see `u` among the owner's followers and followees."""
        return all_of(visible_users(viewer_id, Column("u.id")), open_users(viewer_id, owner_id))

    async def get_post(self, viewer_id: UserId, post_id: PostId) -> PostRow:
        """Return a post that the viewer may see.

        Raises NotFound, with the same text for hidden and missing posts.
        """
        return _found(await self._posts.get(post_id, self.posts(viewer_id)))

    def versions(self, viewer: UserId) -> Condition:
        """Return the condition on `post_versions v` of `posts p` that the viewer may see an earlier version."""
        return visible_versions(viewer, "v", "p")

    def tags(self, viewer: UserId) -> Condition:
        """Return the condition on `post_tags t` that the viewer may see a tag in a post that the viewer sees."""
        return visible_tags(viewer, "t")

    def tagged_posts(self, viewer_id: UserId, user_id: UserId) -> Condition:
        """Return the condition on `posts p` that the viewer may see them in the list of those with tags of a user."""
        return all_of(
            self.listed_posts(viewer_id), visible_users(viewer_id, user_id), open_users(viewer_id, user_id)
        )

    def comments(self, viewer: UserId) -> Condition:
        """Return the condition on `comments c` that the viewer may see a comment on a post that the viewer sees."""
        return visible_comments(viewer, "c")

    def comments_on_visible_posts(self, viewer: UserId) -> Condition:
        """Return the condition on `comments c` that the viewer may see a comment and its post."""
        return comments_on_visible_posts(viewer, "c")

    def approved_comments(self, viewer: UserId) -> Condition:
        """Return the condition on `comments c` that it is approved, or the viewer wrote it or the post."""
        return approved_comments(viewer, "c")

    async def lock_post(self, viewer_id: UserId, post_id: PostId) -> PostRow:
        """Lock a post that the viewer may see until the commit. Raises NotFound like `get_post`."""
        return _found(await self._posts.lock(post_id, self.posts(viewer_id)))


def is_post_visible(facts: PostFacts) -> bool:
    """Return whether the viewer sees the post."""
    return find_denial(POSTS, facts) is None


def explain_post(facts: PostFacts) -> Grant | Denial:
    """Return why the viewer sees the post or does not."""
    denial = find_denial(POSTS, facts)
    if denial is not None:
        return Denial(denial)
    if facts.is_self:
        return Grant.AUTHOR
    if facts.is_for_close_friends:
        return Grant.CLOSE_FRIEND
    return Grant.FOLLOWER if facts.is_for_followers or not facts.is_public else Grant.EVERYONE


def comment_not_found() -> NotFound:
    """Return the error for a comment that does not exist or is hidden from the viewer."""
    return NotFound("Comment not found.")


def post_not_found() -> NotFound:
    """Return the error for a post that does not exist or is hidden from the viewer."""
    return NotFound("Post not found.")


def _found(post: PostRow | None) -> PostRow:
    if post is None:
        raise post_not_found()
    return post
