"""Interface of the pages of posts that a list gives by id, such as those of a hashtag, a place or an author."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from server.ids import PostId, UserId
from server.paging import Page, PageRequest
from server.services.records import Post

# Returns the newest posts of a list below an id, with their authors, hidden ones included. Arguments: id and limit.
# Fewer than the limit are returned only at the end of the list.
Listed = Callable[[int, int], Awaitable[Sequence[tuple[PostId, UserId]]]]


class ListedPosts(Protocol):
    """Reads listed posts as one viewer may see them: the list says which posts, never whether they are visible."""

    async def page(
        self, viewer_id: UserId, listed: Listed, request: PageRequest, *, with_likers: bool = False
    ) -> Page[Post]:
        """Return the visible posts of a list, newest first; the page is short only at the end.

        `liked_by` of the posts is None unless `with_likers` is set, which takes a query.
        """
        ...

    async def list_below(
        self, viewer_id: UserId, listed: Listed, before_id: int, wanted: int
    ) -> Sequence[Post]:
        """Return the newest `wanted` visible posts of a list below an id, fewer only at the end."""
        ...

    async def filter_shown(
        self, viewer_id: UserId, posts: Sequence[tuple[PostId, UserId]], limit: int
    ) -> list[Post]:
        """Return the first `limit` of some posts, given with their authors, that lists show to the viewer."""
        ...
