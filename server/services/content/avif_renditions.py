"""The job that adds AVIF renditions to the pictures of a published post."""

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import structlog

from server.errors import InvalidInput, NotFound, TooLarge, UnsupportedMedia
from server.events import CacheKey
from server.gateways.images.processor import ImageProcessor
from server.gateways.media import MediaStore
from server.ids import PostId
from server.models.content.post_images import PostImageRepository, PostImageRow
from server.models.content.posts import PostRepository
from server.models.content.visibility import NOT_DELETED
from server.services.content.picture_changes import record_picture_change
from server.services.content.pictures import is_original, is_temporary
from server.services.content.sources import AVIF_EXTENSION, avif_variant, has_avif
from server.services.jobs.claims import Claim
from server.services.jobs.jobs import Jobs
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext

log = structlog.get_logger(__name__)


class AvifRenditions:
    """`work_dir` holds an original while it is processed."""

    def __init__(
        self,
        posts: PostRepository,
        images: PostImageRepository,
        unit_of_work: UnitOfWork,
        jobs: Jobs,
        media: MediaStore,
        processor: ImageProcessor,
        work_dir: Path,
    ) -> None:
        self._posts = posts
        self._images = images
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self._media = media
        self._processor = processor
        self._work_dir = work_dir

    async def encode(self, claim: Claim) -> None:
        """Add AVIF renditions to the pictures of a post, then delete the originals that were stored for this job.

        Idempotent: a repetition stores the same files under the same keys, until all names are recorded together; then
        it deletes what is left. The files of a hidden post are not made, and those of one that was deleted in between
        are deleted; what a kill leaves is deleted by the sweep.
        """
        post_id = PostId(claim.payload["post_id"])
        pictures = await self._images.list_by_posts([post_id])
        if not await self._posts.is_marked_deleted(post_id):
            made: dict[str, tuple[str, ...]] = {}
            for number, picture in enumerate(pictures, start=1):
                if not has_avif(picture.variants):
                    made[picture.media_key] = await self._encode(picture)
                    # Raises if the lease was lost.
                    await self._jobs.save_progress(claim, {"pictures": number})
            await self._record(post_id, {key: names for key, names in made.items() if names})
        for picture in pictures:
            keys = [entry.key async for entry in self._media.list(picture.media_key)]
            await self._media.delete([key for key in keys if is_temporary(key)])
        await self._jobs.finish(claim)

    async def _encode(self, picture: PostImageRow) -> tuple[str, ...]:
        """Store the AVIF renditions of a picture; return their names, none if there is no original."""
        keys = [entry.key async for entry in self._media.list(picture.media_key)]
        original = next((key for key in keys if is_original(key)), None)
        if original is None:
            return ()
        try:
            with tempfile.TemporaryDirectory(dir=self._work_dir) as folder:
                path = Path(folder, "original")
                await self._media.save(original, path)
                renditions = await self._processor.encode_avif(path)
        except (InvalidInput, TooLarge, UnsupportedMedia, NotFound) as error:
            # It was accepted before: the process took too long, or another version of the program refuses it.
            log.warning("avif_not_encoded", media_key=picture.media_key, code=error.code)
            return ()
        # Only beside a JPEG of the same size, in case another version of the program made that.
        kept = [rendition for rendition in renditions if rendition.name in picture.variants]
        await asyncio.gather(
            *(self._media.put(_key(picture.media_key, each.name), each.content) for each in kept)
        )
        return tuple(each.name for each in kept)

    async def _record(self, post_id: PostId, made: Mapping[str, Sequence[str]]) -> None:
        if not made:
            return
        try:
            unused = await self._unit_of_work.run(
                partial(self._add_variants, post_id, made), changes=(CacheKey("post", post_id),)
            )
        except NotFound:
            unused = list(made)
        await self._media.delete([_key(key, name) for key in unused for name in made[key]])

    async def _add_variants(
        self, post_id: PostId, made: Mapping[str, Sequence[str]], work: WorkContext
    ) -> list[str]:
        """Record the names; return the keys of the pictures that an edit removed in between."""
        post = await self._posts.lock(post_id, NOT_DELETED)
        if post is None:
            raise NotFound("The post was deleted.")
        removed: list[str] = []
        for media_key, names in made.items():
            variants = [avif_variant(name) for name in names]
            if not await self._images.add_variants(post_id, media_key, variants):
                removed.append(media_key)
        await record_picture_change(self._posts, post, work)
        return removed


def _key(media_key: str, name: str) -> str:
    return f"{media_key}/{name}{AVIF_EXTENSION}"
