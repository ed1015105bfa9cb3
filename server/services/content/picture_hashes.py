"""The job that computes perceptual hashes of pictures that were stored without one."""

import tempfile
from pathlib import Path

import structlog

from server.errors import InvalidInput, NotFound, TooLarge, UnsupportedMedia
from server.gateways.images.processor import ImageProcessor
from server.gateways.media import MediaStore
from server.models.content.post_images import PictureKey, PostImageRepository
from server.services.jobs.claims import Claim
from server.services.jobs.jobs import Jobs

log = structlog.get_logger(__name__)

PICTURES_PER_QUERY = 20
PICTURES_PER_RUN = 1000
NO_HASH = ""


class PictureHashes:
    """`work_dir` holds a rendition while it is processed."""

    def __init__(
        self,
        images: PostImageRepository,
        media: MediaStore,
        processor: ImageProcessor,
        jobs: Jobs,
        work_dir: Path,
        *,
        per_run: int = PICTURES_PER_RUN,
    ) -> None:
        """`per_run`: the number of pictures after which the job ends; the next run goes on."""
        self._images = images
        self._media = media
        self._processor = processor
        self._jobs = jobs
        self._work_dir = work_dir
        self._per_run = per_run

    async def add_missing(self, claim: Claim) -> None:
        """Compute hashes from stored renditions, oldest pictures first.

        Idempotent: what has a hash is not found again. Neither are pictures that cannot be read, nor those with too
        little structure: they get an empty hash.
        """
        done = 0
        while found := await self._images.list_without_hash(min(PICTURES_PER_QUERY, self._per_run - done)):
            for picture in found:
                await self._images.set_hash(picture.media_key, await self._hash(picture))
                # Raises if the lease was lost.
                await self._jobs.save_progress(claim, {"pictures": done})
                done += 1
        if done:
            log.info("picture_hashes_added", pictures=done)
        await self._jobs.finish(claim)

    async def _hash(self, picture: PictureKey) -> str:
        """Return the hash, or NO_HASH. Raises Unavailable."""
        name = "small" if "small" in picture.variants else "large"
        with tempfile.TemporaryDirectory(dir=self._work_dir) as folder:
            path = Path(folder, "rendition")
            try:
                await self._media.save(f"{picture.media_key}/{name}.jpg", path)
                return await self._processor.hash(path) or NO_HASH
            except (InvalidInput, TooLarge, UnsupportedMedia, NotFound) as error:
                log.warning("picture_not_hashed", media_key=picture.media_key, code=error.code)
                return NO_HASH
