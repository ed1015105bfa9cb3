"""Visibility: the one rule that every read of posts, comments, likes, lists, feeds and streams applies.

A post is visible if it was not deleted, its author is active, neither its author nor the viewer has blocked the other,
and the author is public, the viewer, or followed by the viewer. Users see each other if they are active and neither has
blocked the other.
"""

from server.errors import NotFound
from server.ids import PostId, UserId
from server.models.conditions import Column, Condition, all_of
from server.models.content.posts import PostRepository, PostRow
from server.models.content.visibility import public_posts, visible_posts
from server.models.people.visibility import open_users, visible_users


class Visibility:
    """The viewer of a condition is a user, or the column of the statement that names one."""

    def __init__(self, posts: PostRepository) -> None:
        self._posts = posts

    def posts(self, viewer: UserId | Column, alias: str = "p") -> Condition:
        """Return the condition that the viewer may see a row of `posts`, which the statement names `alias`."""
        return visible_posts(viewer, alias)

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

    def comments(self, viewer: UserId) -> Condition:
        """Return the condition on `comments c` that the viewer may see the author; the post has its own."""
        return visible_users(viewer, Column("c.author_id"))

    async def lock_post(self, viewer_id: UserId, post_id: PostId) -> PostRow:
        """Lock a post that the viewer may see until the commit. Raises NotFound like `get_post`."""
        return _found(await self._posts.lock(post_id, self.posts(viewer_id)))


def _found(post: PostRow | None) -> PostRow:
    if post is None:
        raise NotFound("Post not found.")
    return post
