"""Values of path parameters that exist after `make seed`, so that the examples in Swagger UI work at once."""

from collections.abc import Mapping

from server.errors import NotFound
from server.ids import NO_USER, UserId
from server.paging import PageRequest
from server.services.content.comments import Comments
from server.services.content.posts import Posts
from server.services.people.user_lookup import UserLookup

SAMPLE_AUTHOR = "ben"  # followed by ana


class ExistingValues:
    def __init__(self, users: UserLookup, posts: Posts, comments: Comments) -> None:
        self._users = users
        self._posts = posts
        self._comments = comments

    async def find(self) -> Mapping[str, str]:
        """Return the ids of a public post of the sample data and of a comment on it, by the names of parameters."""
        try:
            return await self._find(await self._users.resolve(NO_USER, SAMPLE_AUTHOR))
        except NotFound:  # without sample data
            return {}

    async def _find(self, author_id: UserId) -> Mapping[str, str]:
        for post in (await self._posts.list_by_author(NO_USER, author_id, PageRequest())).items:
            comments = await self._comments.list_by_post(NO_USER, post.card.id, PageRequest(limit=1))
            if comments.items:
                return {"postId": str(post.card.id), "commentId": str(comments.items[0].id)}
        return {}


async def find_nothing() -> Mapping[str, str]:
    """Return no values: for a server whose data are not sample data."""
    return {}
