"""Deletion jobs: remove the rows and pictures of deleted posts, removed pictures, and replaced avatars.

Everything removed here is already hidden or unused, so that requests do not wait for it.
"""

from collections.abc import Sequence
from functools import partial

from server.ids import PostId
from server.models.accounts.users import UserRepository
from server.models.content.post_images import PostImageRepository
from server.models.content.post_parts import PostPart, PostPartRepository
from server.models.content.posts import PostRepository
from server.services.content.pictures import Pictures
from server.services.content.places import Places
from server.services.jobs.claims import Claim
from server.services.jobs.jobs import Jobs
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext

ROWS_PER_DELETE = 500


class Deletions:
    def __init__(  # noqa: PLR0913 - collaborators
        self,
        users: UserRepository,
        posts: PostRepository,
        images: PostImageRepository,
        parts: PostPartRepository,
        unit_of_work: UnitOfWork,
        jobs: Jobs,
        pictures: Pictures,
        places: Places,
        *,
        batch: int = ROWS_PER_DELETE,
    ) -> None:
        """`batch`: the maximum number of rows that one statement deletes, so that it holds its locks briefly."""
        self._users = users
        self._posts = posts
        self._images = images
        self._parts = parts
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self._pictures = pictures
        self._places = places
        self._batch = batch

    async def remove_post(self, claim: Claim) -> None:
        """Delete the rows of a deleted post, then its pictures, then the post itself.

        Idempotent: each step deletes what is left, and the post, which leads to the rest, goes last.
        """
        post_id = PostId(claim.payload["post_id"])
        if not await self._posts.is_marked_deleted(post_id):
            await self._jobs.finish(claim)
            return
        await self._empty(claim, post_id)
        await self._unit_of_work.run(partial(self._delete, post_id), completes=claim)

    async def erase_post(self, claim: Claim, post_id: PostId) -> None:
        """Delete a deleted post as `remove_post`, within the job that erases its author's account."""
        await self._empty(claim, post_id)
        await self._unit_of_work.run(partial(self._delete, post_id))

    async def _delete(self, post_id: PostId, _: WorkContext) -> None:
        await self._images.delete_by_post(post_id)
        place_id = await self._posts.get_place_id(post_id)
        await self._posts.delete(post_id)
        if place_id is not None:
            await self._places.release(place_id)

    async def _empty(self, claim: Claim, post_id: PostId) -> None:
        """Delete what belongs to a post: rows of other tables, then pictures."""
        for part in PostPart:
            await self._delete_part(claim, part, post_id)
        for media_key in await self._images.list_media_keys(post_id):
            await self._remove_picture(media_key, post_id)

    async def remove_picture(self, claim: Claim) -> None:
        """Delete the files of a picture that an edit removed. Idempotent, because keys are never reused."""
        await self._remove_picture(str(claim.payload["media_key"]), PostId(claim.payload["post_id"]))
        await self._jobs.finish(claim)

    async def remove_avatar(self, claim: Claim) -> None:
        """Delete the renditions of an unused avatar. Idempotent, because keys are never reused."""
        media_key = str(claim.payload["media_key"])
        if not await self._users.avatar_exists(media_key):
            await self._pictures.remove(media_key)
        await self._jobs.finish(claim)

    async def _remove_picture(self, media_key: str, post_id: PostId) -> None:
        """Delete a picture unless another post shows it, as posts of the sample data do.

        When the last two posts are deleted at once, the sweep removes the picture.
        """
        if not await self._images.is_used_elsewhere(media_key, post_id):
            await self._pictures.remove(media_key)

    async def _delete_part(self, claim: Claim, part: PostPart, post_id: PostId) -> None:
        """Delete in batches; saving progress after each one raises if the job's lease was lost."""
        while ids := await self._parts.list_ids(part, post_id, self._batch):
            if part is PostPart.COMMENTS:
                await self._delete_comment_likes(claim, ids)
            await self._parts.delete(part, ids)
            await self._jobs.save_progress(claim, {"emptying": part.value})

    async def _delete_comment_likes(self, claim: Claim, comment_ids: Sequence[int]) -> None:
        """Delete in batches what a foreign key would delete with the comments at once."""
        while ids := await self._parts.list_comment_likes(comment_ids, self._batch):
            await self._parts.delete_comment_likes(ids)
            await self._jobs.save_progress(claim, {"emptying": "comment_likes"})
