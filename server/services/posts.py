"""Posts: publishing photographs with a caption, and reading what one person published."""

import asyncio
import secrets
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson
import structlog

from server.errors import AppError, NotFound
from server.events import PostChanged, PostPublished
from server.gateways.images import ImageProcessor, ProcessedImage
from server.gateways.media import MediaStore
from server.gateways.touches import Subject
from server.ids import PostId, UserId
from server.models.database import Database
from server.models.posts import Post as PostRow
from server.models.posts import PostImage
from server.paging import Page, PageRequest, cut
from server.services.cards import Cards
from server.services.records import Post
from server.services.unit_of_work import UnitOfWork, Work
from server.services.visibility import Visibility

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it came from a client, spooled at `path`, not looked into yet."""

    path: Path
    alt_text: str = ""


@dataclass(frozen=True, slots=True)
class _Stored:
    """A picture whose renditions are in the media store under `media_key`."""

    media_key: str
    image: ProcessedImage
    alt_text: str

    @property
    def keys(self) -> list[str]:
        return [f"{self.media_key}/{rendition.name}.jpg" for rendition in self.image.renditions]


class Posts:
    def __init__(
        self,
        database: Database,
        unit_of_work: UnitOfWork,
        cards: Cards,
        visibility: Visibility,
        images: ImageProcessor,
        media: MediaStore,
        work_dir: Path,
    ) -> None:
        self._database = database
        self._unit_of_work = unit_of_work
        self._cards = cards
        self._visibility = visibility
        self._images = images
        self._media = media
        self._work_dir = work_dir

    async def publish(self, author_id: UserId, caption: str, uploads: Sequence[Upload]) -> Post:
        """Publish photographs in their order.

        The files are in the media store before the row is committed, so no post is ever without its pictures; files
        without a row, left by a kill in between, are the sweep's. Raises what `ImageProcessor.process` and the store
        raise, with the number of the picture in `fields`.
        """
        stored: list[_Stored] = []
        try:
            for number, upload in enumerate(uploads):
                stored.append(await self._store(upload, number))
            post_id = await self._unit_of_work.run(
                lambda work: self._insert(work, author_id, caption, stored),
                changes=(Subject("feed", author_id),),
            )
        except BaseException:
            await asyncio.shield(self._discard(stored))
            raise
        return await self.get(author_id, post_id)

    async def get(self, viewer_id: UserId, post_id: PostId) -> Post:
        """One post. Raises NotFound."""
        found = await self._cards.posts([post_id], viewer_id)
        if not found:
            raise NotFound("There is no such post.")
        return found[0]

    async def of_author(self, viewer_id: UserId, author_id: UserId, request: PageRequest) -> Page[Post]:
        """What one person published, newest first. Raises NotFound for the person."""
        seen = self._visibility.of_posts(viewer_id)
        rows = await self._database.rows(
            f"SELECT p.id FROM posts p WHERE p.author_id = ? AND p.id < ? AND {seen.sql} ORDER BY p.id DESC LIMIT ?",
            [author_id, request.before_id, *seen.parameters, request.limit + 1],
        )
        if not rows and not await self._database.rows("SELECT 1 FROM users WHERE id = ?", [author_id]):
            raise NotFound("There is no such user.")
        posts = await self._cards.posts([PostId(row["id"]) for row in rows], viewer_id)
        return cut(posts, request.limit, lambda post: post.id)

    async def _store(self, upload: Upload, number: int) -> _Stored:
        media_key = f"posts/{secrets.token_hex(16)}"
        with tempfile.TemporaryDirectory(dir=self._work_dir) as folder:
            try:
                image = await self._images.process(upload.path, Path(folder))
            except AppError as error:
                error.fields.setdefault("images", [f"Picture {number + 1}: {error.detail}"])
                raise
            for rendition in image.renditions:
                await self._media.put(f"{media_key}/{rendition.name}.jpg", rendition.path)
        return _Stored(media_key, image, upload.alt_text)

    async def _insert(self, work: Work, author_id: UserId, caption: str, stored: Sequence[_Stored]) -> PostId:
        post_id = PostId(work.new_id())
        await self._database.execute(
            "UPDATE users SET posts_count = posts_count + 1 WHERE id = ?", [author_id]
        )
        await PostRow.create(id=post_id, author_id=author_id, caption=caption)
        for position, picture in enumerate(stored):
            await PostImage.create(
                id=work.new_id(),
                post_id=post_id,
                position=position,
                media_key=picture.media_key,
                width=picture.image.width,
                height=picture.image.height,
                blurhash=picture.image.blurhash,
                alt_text=picture.alt_text,
                variants=orjson.dumps([rendition.name for rendition in picture.image.renditions]).decode(),
            )
        work.emit(PostPublished(post_id, author_id))
        work.emit(PostChanged(post_id, author_id, 0, 0, 0, None))
        return post_id

    async def _discard(self, stored: Sequence[_Stored]) -> None:
        try:
            await self._media.delete([key for picture in stored for key in picture.keys])
        except AppError as error:
            log.warning("media_left_behind", error=error.detail)
