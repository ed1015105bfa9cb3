"""Likes of posts, and the counter of likes on a post."""

from functools import partial

from server.events import CacheKey, LikeChanged, PostChanged, PostLiked, PostUnliked
from server.ids import PostId, UserId
from server.models.conditions import Column
from server.models.content.likes import LikeRepository
from server.models.content.posts import PostRepository, PostRow
from server.models.content.visibility import NOT_DELETED
from server.paging import Page, PageRequest
from server.services.content.cards import Cards
from server.services.content.visibility import Visibility
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.records import LikeState, Post, RelatedUser


class Likes:
    """Both changes lock the post before they write the like.

    The like's foreign key takes a shared lock on the post; two transactions that hold it would deadlock at the counter.
    """

    def __init__(
        self,
        likes: LikeRepository,
        posts: PostRepository,
        unit_of_work: UnitOfWork,
        cards: Cards,
        visibility: Visibility,
    ) -> None:
        self._likes = likes
        self._posts = posts
        self._unit_of_work = unit_of_work
        self._cards = cards
        self._visibility = visibility

    async def like(self, actor_id: UserId, post_id: PostId) -> LikeState:
        """Like a post; a second like changes nothing. Raises NotFound."""
        return await self._unit_of_work.run(
            partial(self._like, actor_id, post_id), changes=_changed(actor_id, post_id)
        )

    async def unlike(self, actor_id: UserId, post_id: PostId) -> LikeState:
        """Remove a like; without one nothing changes. Raises NotFound."""
        return await self._unit_of_work.run(
            partial(self._unlike, actor_id, post_id), changes=_changed(actor_id, post_id)
        )

    async def erase(self, actor_id: UserId, post_id: PostId) -> None:
        """Remove a like of an erased account, also of a post that it does not see, without notifying anybody."""
        await self._unit_of_work.run(
            partial(self._erase, actor_id, post_id), changes=_changed(actor_id, post_id)
        )

    async def list_likers(
        self, viewer_id: UserId, post_id: PostId, request: PageRequest
    ) -> Page[RelatedUser]:
        """Return who likes a post, newest like first. Raises NotFound."""
        await self._visibility.get_post(viewer_id, post_id)
        visible = self._visibility.users(viewer_id, Column("u.id"))
        rows = await self._likes.list_by_post(post_id, visible, request.before_id, request.limit + 1)
        return await self._cards.cut_related(viewer_id, rows, request.limit)

    async def list_own(self, user_id: UserId, request: PageRequest) -> Page[Post]:
        """Return the posts that a user likes and may see, newest like first."""
        visible = self._visibility.posts(user_id)
        rows = await self._likes.list_by_user(user_id, visible, request.before_id, request.limit + 1)
        return await self._cards.cut_posts(user_id, rows, request.limit)

    async def _like(self, actor_id: UserId, post_id: PostId, work: WorkContext) -> LikeState:
        post = await self._visibility.lock_post(actor_id, post_id)
        if await self._likes.exists(actor_id, post_id):
            return _state(post, actor_id, post.likes_count, liked=True)
        await self._likes.insert(work.new_id(), actor_id, post_id)
        count = await self._change_count(work, post, actor_id, +1)
        work.emit(PostLiked(post_id, post.author_id, actor_id))
        return _state(post, actor_id, count, liked=True)

    async def _unlike(self, actor_id: UserId, post_id: PostId, work: WorkContext) -> LikeState:
        post = await self._visibility.lock_post(actor_id, post_id)
        if not await self._likes.delete(actor_id, post_id):
            return _state(post, actor_id, post.likes_count, liked=False)
        work.emit(PostUnliked(post_id, post.author_id, actor_id))
        return _state(post, actor_id, await self._change_count(work, post, actor_id, -1), liked=False)

    async def _erase(self, actor_id: UserId, post_id: PostId, work: WorkContext) -> None:
        # The counters of deleted posts are not maintained.
        post = await self._posts.lock(post_id, NOT_DELETED)
        if await self._likes.delete(actor_id, post_id) and post is not None:
            await self._change_count(work, post, actor_id, -1)

    async def _change_count(self, work: WorkContext, post: PostRow, actor_id: UserId, change: int) -> int:
        """Change the counter of a locked post and return its new value."""
        count, revision = post.likes_count + change, post.revision + 1
        await self._posts.set_likes_count(post.id, count, revision)
        work.emit(LikeChanged(post.id, actor_id, change > 0, revision))
        work.emit(
            PostChanged(
                post.id,
                post.author_id,
                revision,
                count,
                post.comments_count,
                post.changed_at_ms,
                post.audience,
                post.archived,
            )
        )
        return count


def _state(post: PostRow, actor_id: UserId, count: int, *, liked: bool) -> LikeState:
    """Return the state with the counter if the user may see that."""
    hidden = post.options.like_count_hidden and actor_id != post.author_id
    return LikeState(liked, None if hidden else count)


def _changed(actor_id: UserId, post_id: PostId) -> tuple[CacheKey, ...]:
    return CacheKey("post", post_id), CacheKey("likes", actor_id)
