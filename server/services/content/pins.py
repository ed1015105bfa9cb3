"""Pinned posts: up to three posts of an author that come first in the list of the author's posts."""

from collections.abc import Sequence
from functools import partial

from server.batching import BatchingQueue
from server.errors import Conflict, Forbidden
from server.events import CacheKey
from server.ids import MAX_ID, PostId, UserId
from server.models.accounts.users import UserRepository
from server.models.content.posts import AuthorPosts, AuthorRange, PostRepository, PostRow
from server.paging import Page, PageRequest, encode_cursor
from server.services.content.listed_posts import ListedPosts
from server.services.content.picture_changes import record_picture_change
from server.services.content.visibility import Visibility
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.records import Post

MAX_PINS = 3
EXTRA = 20  # posts that are read beyond a page, because some are pinned or not visible
RANGES_PER_QUERY = 50


class Pins:
    def __init__(
        self, users: UserRepository, posts: PostRepository, visibility: Visibility, unit_of_work: UnitOfWork
    ) -> None:
        self._users = users
        self._posts = posts
        self._visibility = visibility
        self._unit_of_work = unit_of_work

    async def pin(self, author_id: UserId, post_id: PostId) -> None:
        """Pin a post; a pinned one stays where it is.

        Raises NotFound, Forbidden for another author's post, and Conflict for an archived one or too many.
        """
        await self._change(author_id, post_id, pinned=True)

    async def unpin(self, author_id: UserId, post_id: PostId) -> None:
        """Unpin a post, if it is pinned. Raises NotFound and Forbidden as `pin`."""
        await self._change(author_id, post_id, pinned=False)

    async def _change(self, author_id: UserId, post_id: PostId, *, pinned: bool) -> None:
        await self._unit_of_work.run(
            partial(self._set_pinned, author_id, post_id, pinned), changes=(CacheKey("post", post_id),)
        )

    async def _set_pinned(self, author_id: UserId, post_id: PostId, pinned: bool, work: WorkContext) -> None:
        post = await self._visibility.lock_post(author_id, post_id)
        if post.author_id != author_id:
            raise Forbidden("Only the author may pin a post.")
        if post.pinned is pinned:
            return
        if pinned:
            await self._require_room(post)
        await self._posts.set_pinned(post_id, work.now_ms() if pinned else None)
        await record_picture_change(self._posts, post, work)

    async def _require_room(self, post: PostRow) -> None:
        if post.archived:
            raise Conflict("Restore the post from your archive first.", code="not_published")
        await self._users.lock_status(post.author_id)  # one pin at a time, so that the number stays right
        if await self._posts.count_pinned(post.author_id) >= MAX_PINS:
            raise Conflict(
                f"You have {MAX_PINS} pinned posts: unpin one of them first.", code="too_many_pins"
            )


class PinnedList:
    """Pages of an author's posts, pinned ones first.

    A cursor names the pinned posts that earlier pages showed. Later pages leave out these, and no others, so that a
    change of the pins in between neither repeats a post nor skips one.
    """

    def __init__(self, posts: PostRepository, listed: ListedPosts) -> None:
        self._posts = posts
        self._listed = listed
        self._ranges: BatchingQueue[AuthorRange, AuthorPosts] = BatchingQueue(
            self._read_ranges, RANGES_PER_QUERY
        )

    async def page(self, viewer_id: UserId, author_id: UserId, request: PageRequest) -> Page[Post]:
        """Return a page of what lists show the viewer of an author's posts; it is short only at the end."""
        read = AuthorRange(author_id, request.before_id, request.limit + EXTRA, pins=request.after is None)
        first = await self._ranges.submit(read)
        pinned: list[Post] = []
        if first.pinned:
            candidates = [(post_id, author_id) for post_id in first.pinned]
            pinned = await self._listed.filter_shown(viewer_id, candidates, min(MAX_PINS, request.limit))
        left_out = {*request.shown, *(post.id for post in pinned)}

        async def listed(before_id: int, limit: int) -> Sequence[tuple[PostId, UserId]]:
            # Posts that are left out must not make the list look shorter than it is.
            found = first.posts
            if before_id != request.before_id or limit + len(left_out) > read.limit:
                range_ = AuthorRange(author_id, before_id, limit + len(left_out), pins=False)
                found = (await self._ranges.submit(range_)).posts
            return [(post_id, author_id) for post_id in found if post_id not in left_out][:limit]

        room = request.limit - len(pinned)
        others = await self._listed.list_below(viewer_id, listed, request.before_id, room + 1)
        items = [*pinned, *others[:room]]
        if len(others) <= room:
            return Page(items, None)
        shown = request.shown if request.after is not None else [post.id for post in pinned]
        return Page(items, encode_cursor(others[room - 1].id if room else MAX_ID, *shown))

    async def _read_ranges(self, ranges: Sequence[AuthorRange]) -> list[AuthorPosts]:
        distinct = list(dict.fromkeys(ranges))
        found = dict(zip(distinct, await self._posts.list_by_authors(distinct), strict=True))
        return [found[each] for each in ranges]
