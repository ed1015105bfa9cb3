"""Visibility: the one rule that every read of posts, comments, likes, lists, feeds and streams applies.

Currently every user may see every post that is not deleted. Blocks and private accounts belong here. Pictures have
addresses that cannot be guessed, appear only with their post, and are deleted with it.
"""

from server.errors import NotFound
from server.ids import PostId, UserId
from server.models.conditions import Condition
from server.models.content.posts import PostRepository, PostRow
from server.models.content.visibility import visible_posts


class Visibility:
    def __init__(self, posts: PostRepository) -> None:
        self._posts = posts

    def condition(self, viewer_id: UserId, alias: str = "p") -> Condition:
        """Return the condition that the viewer may see a row of `posts`, which the statement names `alias`."""
        return visible_posts(viewer_id, alias)

    async def get_post(self, viewer_id: UserId, post_id: PostId) -> PostRow:
        """Return a post that the viewer may see.

        Raises NotFound, with the same text for hidden and missing posts.
        """
        return _found(await self._posts.get(post_id, self.condition(viewer_id)))

    async def lock_post(self, viewer_id: UserId, post_id: PostId) -> PostRow:
        """Lock a post that the viewer may see until the commit. Raises NotFound like `get_post`."""
        return _found(await self._posts.lock(post_id, self.condition(viewer_id)))


def _found(post: PostRow | None) -> PostRow:
    if post is None:
        raise NotFound("Post not found.")
    return post
