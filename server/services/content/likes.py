"""Likes of posts, and the counter of likes on a post."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from server.batching import BatchingQueue
from server.errors import AppError
from server.events import CacheKey, LikeChanged, PostLiked, PostUnliked
from server.ids import PostId, UserId
from server.models.conditions import Column
from server.models.content.likes import LikeRepository
from server.models.content.posts import PostRepository, PostRow
from server.models.content.visibility import NOT_DELETED
from server.models.database import IntegrityError
from server.paging import Page, PageRequest
from server.services.content.cards import Cards
from server.services.content.picture_changes import state_of
from server.services.content.visibility import Visibility, post_not_found
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.records import LikeState, Post, RelatedUser
from server.tracing import CURRENT_SPAN, Span, in_span

MAX_BATCH = 64
# A transaction that waits for the lock of a post holds up the batch, but not the other lane. Ids have low bits that are
# mostly zero, hence the modulus.
LANES, LANE_MODULUS = 2, 1009


@dataclass(frozen=True, slots=True)
class LikeChange:
    """A user likes a post, or likes it no more. `span` is the one that the request is in."""

    actor_id: UserId
    post_id: PostId
    liked: bool
    span: Span | None = field(default=None, compare=False)


class Likes:
    """Changes that arrive together share a transaction, and with it its flush; each is answered after the commit.

    Every change locks the post before it writes the like. The like's foreign key takes a shared lock on the post; two
    transactions that hold it would deadlock at the counter.
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
        self._lanes = [BatchingQueue(self._change, MAX_BATCH) for _ in range(LANES)]

    async def like(self, actor_id: UserId, post_id: PostId) -> LikeState:
        """Like a post; a second like changes nothing. Raises NotFound."""
        return await self._submit(LikeChange(actor_id, post_id, True, CURRENT_SPAN.get()))

    async def unlike(self, actor_id: UserId, post_id: PostId) -> LikeState:
        """Remove a like; without one nothing changes. Raises NotFound."""
        return await self._submit(LikeChange(actor_id, post_id, False, CURRENT_SPAN.get()))

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
        """Return the posts that a user likes and may see, newest like first; archived ones are in no list."""
        visible = self._visibility.listed_posts(user_id)
        rows = await self._likes.list_by_user(user_id, visible, request.before_id, request.limit + 1)
        return await self._cards.cut_posts(user_id, rows, request.limit)

    async def _submit(self, change: LikeChange) -> LikeState:
        outcome = await self._lanes[change.post_id % LANE_MODULUS % LANES].submit(change)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def _change(self, changes: Sequence[LikeChange]) -> list[LikeState | Exception]:
        """Make the changes of a batch. If a row of some is gone, each is made on its own.

        After the retry budget of a conflict, all fail: one by one, they would take the budget again each.
        """
        try:
            return await self._commit(changes)
        except IntegrityError:
            if len(changes) == 1:
                raise
        outcomes: list[LikeState | Exception] = []
        for change in changes:
            try:
                outcomes += await self._commit((change,))
            except (AppError, IntegrityError) as error:
                outcomes.append(error)
        return outcomes

    async def _commit(self, changes: Sequence[LikeChange]) -> list[LikeState | Exception]:
        keys = dict.fromkeys(key for each in changes for key in _changed(each.actor_id, each.post_id))
        return await self._unit_of_work.run(partial(self._apply, changes), changes=tuple(keys))

    async def _apply(self, changes: Sequence[LikeChange], work: WorkContext) -> list[LikeState | Exception]:
        """Apply changes in their order, and write what came of them: six statements with those of the transaction."""
        pairs = sorted(
            {(each.actor_id, each.post_id) for each in changes}, key=lambda pair: (pair[1], pair[0])
        )
        locked = {
            (row.user_id, row.post.id): row for row in await self._likes.lock(pairs, self._visibility.posts)
        }
        like_ids = {pair: row.like_id for pair, row in locked.items()}
        posts = {row.post.id: row.post for row in locked.values()}
        revisions = {post.id: post.revision for post in posts.values()}
        outcomes: list[LikeState | Exception] = []
        for change in changes:
            pair = (change.actor_id, change.post_id)
            if pair not in locked:
                outcomes.append(post_not_found())
                continue
            if (like_ids[pair] is not None) != change.liked:
                like_ids[pair] = work.new_id() if change.liked else None
                with in_span(change.span):
                    posts[change.post_id] = _with_change(work, posts[change.post_id], change)
            post = posts[change.post_id]
            outcomes.append(_state(post, change.actor_id, post.likes_count, liked=change.liked))
        if removed := [
            row.like_id for pair, row in locked.items() if row.like_id and like_ids[pair] != row.like_id
        ]:
            await self._likes.delete(removed)
        if added := [(id_, *pair) for pair, id_ in like_ids.items() if id_ and id_ != locked[pair].like_id]:
            await self._likes.insert(added)
        changed = [post for post in posts.values() if post.revision != revisions[post.id]]
        if changed:
            await self._posts.set_likes_counts(
                {post.id: (post.likes_count, post.revision) for post in changed}
            )
        for post in changed:
            work.emit(state_of(post))
        return outcomes

    async def _erase(self, actor_id: UserId, post_id: PostId, work: WorkContext) -> None:
        # The counters of deleted posts are not maintained.
        post = await self._posts.lock(post_id, NOT_DELETED)
        if await self._likes.delete_by_user(actor_id, post_id) and post is not None:
            changed = replace(post, likes_count=post.likes_count - 1, revision=post.revision + 1)
            await self._posts.set_likes_count(post_id, changed.likes_count, changed.revision)
            work.emit(LikeChanged(post_id, actor_id, False, changed.revision))
            work.emit(state_of(changed))


def _with_change(work: WorkContext, post: PostRow, change: LikeChange) -> PostRow:
    """Return the post with the changed count, and record the events of the change."""
    difference = 1 if change.liked else -1
    post = replace(post, likes_count=post.likes_count + difference, revision=post.revision + 1)
    happened = PostLiked if change.liked else PostUnliked
    work.emit(happened(post.id, post.author_id, change.actor_id))
    work.emit(LikeChanged(post.id, change.actor_id, change.liked, post.revision))
    return post


def _state(post: PostRow, actor_id: UserId, count: int, *, liked: bool) -> LikeState:
    """Return the state with the counter if the user may see that."""
    hidden = post.options.like_count_hidden and actor_id != post.author_id
    return LikeState(liked, None if hidden else count)


def _changed(actor_id: UserId, post_id: PostId) -> tuple[CacheKey, ...]:
    return CacheKey("post", post_id), CacheKey("likes", actor_id)
