"""Erases what a user published and uploaded, and the user's likes and comments on the posts of others."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from server.errors import NotFound
from server.gateways.feed_store.cached_users import CachedUsers
from server.ids import CommentId, DraftId, ExportId, MediaId, PostId, UserId
from server.models.erasure.user_rows import (
    COMMENT_LIKES,
    COMMENTS,
    DRAFTS,
    EXPORTS,
    HASHTAG_POSTS,
    LIKES,
    MEDIA,
    PLACE_POSTS,
    POST_TAGS,
    POSTS,
    UPLOADS,
    UserColumn,
    UserRowRepository,
)
from server.services.content.comment_likes import CommentLikes
from server.services.content.comment_removals import CommentRemovals
from server.services.content.deletion import Deletions
from server.services.content.drafts import Drafts
from server.services.content.likes import Likes
from server.services.content.media import Media
from server.services.content.posts import Posts
from server.services.content.tags import Tags
from server.services.content.uploads import Uploads
from server.services.discovery.search_index import SearchIndex
from server.services.jobs.claims import Claim
from server.services.jobs.jobs import Jobs
from server.services.jobs.unit_of_work import UnitOfWork
from server.services.portability.exports import Exports


@dataclass(frozen=True, slots=True)
class ContentServices:
    """The services that delete contents and correct counters."""

    posts: Posts
    drafts: Drafts
    deletions: Deletions
    likes: Likes
    comment_likes: CommentLikes
    comment_removals: CommentRemovals
    media: Media
    uploads: Uploads
    exports: Exports
    tags: Tags


class ContentErasure:
    """Each step deletes what is left, so that it may be repeated after an interruption."""

    def __init__(
        self,
        rows: UserRowRepository,
        services: ContentServices,
        cached: CachedUsers,
        index: SearchIndex,
        unit_of_work: UnitOfWork,
        jobs: Jobs,
        batch: int,
    ) -> None:
        """`batch`: the number of objects after which the job saves its progress."""
        self._rows = rows
        self._services = services
        self._cached = cached
        self._index = index
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self._batch = batch

    async def erase(self, claim: Claim, user_id: UserId) -> None:
        """Delete everything. Posts go first, because likes and comments on them need no counting then."""
        services = self._services

        async def erase_post(post_id: int) -> None:
            with suppress(NotFound):  # deleted before, and maybe not removed yet
                await services.posts.delete(user_id, PostId(post_id))
            await services.deletions.erase_post(claim, PostId(post_id))
            await self._cached.drop_post_cards([post_id])
            await self._unit_of_work.run(partial(self._index.index_post, PostId(post_id)))

        async def forget_post(post_id: int) -> None:
            await self._unit_of_work.run(partial(self._index.index_post, PostId(post_id)))

        async def erase_draft(draft_id: int) -> None:
            await services.drafts.erase(user_id, DraftId(draft_id))

        async def erase_media(media_id: int) -> None:
            with suppress(NotFound):
                await services.media.delete(user_id, MediaId(media_id))

        async def erase_upload(upload_id: int) -> None:
            with suppress(NotFound):
                await services.uploads.delete(user_id, MediaId(upload_id))

        async def erase_like(post_id: int) -> None:
            await services.likes.erase(user_id, PostId(post_id))

        async def erase_comment_like(comment_id: int) -> None:
            await services.comment_likes.erase(user_id, CommentId(comment_id))

        async def erase_comments(post_id: int) -> None:
            await services.comment_removals.erase(user_id, PostId(post_id))

        async def erase_tags(post_id: int) -> None:
            await services.tags.erase(user_id, PostId(post_id))

        async def erase_export(export_id: int) -> None:
            await services.exports.delete(user_id, ExportId(export_id))

        await self._for_each(claim, user_id, POSTS, "id", erase_post)
        await self._for_each(claim, user_id, HASHTAG_POSTS, "post_id", forget_post)
        await self._for_each(claim, user_id, PLACE_POSTS, "post_id", forget_post)
        await self._unit_of_work.run(partial(self._index.remove, user_id))
        await self._for_each(claim, user_id, LIKES, "post_id", erase_like)
        await self._for_each(claim, user_id, COMMENT_LIKES, "comment_id", erase_comment_like)
        await self._for_each(claim, user_id, POST_TAGS, "post_id", erase_tags)
        await self._for_each(claim, user_id, COMMENTS, "post_id", erase_comments)
        await self._for_each(claim, user_id, UPLOADS, "id", erase_upload)
        await self._for_each(claim, user_id, DRAFTS, "id", erase_draft)
        await self._for_each(claim, user_id, MEDIA, "id", erase_media)
        await self._for_each(claim, user_id, EXPORTS, "id", erase_export)

    async def _for_each(
        self,
        claim: Claim,
        user_id: UserId,
        column: UserColumn,
        listed: str,
        erase: Callable[[int], Awaitable[None]],
    ) -> None:
        """Erase in batches; saving progress after each one raises if the job's lease was lost."""
        while values := await self._rows.list_distinct(column, listed, user_id, self._batch):
            for value in values:
                await erase(value)
            await self._jobs.save_progress(claim, {"erasing": column.table})
