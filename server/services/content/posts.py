"""Posts: publishing photographs with a caption, changing and deleting that, reading what one person published."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from server.errors import AppError, Forbidden, InvalidInput, NotFound, Unavailable
from server.events import CacheKey, PeopleMentioned, PostChanged, PostDeleted, PostPublished
from server.gateways.images.processor import Shape
from server.ids import PostId, UserId
from server.models.content.posts import PostImageTable
from server.models.content.posts import PostTable as PostRow
from server.models.database import Database
from server.paging import Page, PageRequest, cut
from server.services.content.cards import Cards
from server.services.content.mentions import mentions_in
from server.services.content.pictures import Pictures, StoredPicture
from server.services.content.visibility import Visibility
from server.services.jobs.unit_of_work import IdempotencyToken, UnitOfWork, WorkContext
from server.services.records import Post

FOLDER = "posts"


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it came from a client, spooled at `path`, not looked into yet."""

    path: Path
    alt_text: str = ""


class Posts:
    def __init__(
        self,
        database: Database,
        unit_of_work: UnitOfWork,
        cards: Cards,
        visibility: Visibility,
        pictures: Pictures,
    ) -> None:
        self._database = database
        self._unit_of_work = unit_of_work
        self._cards = cards
        self._visibility = visibility
        self._pictures = pictures

    async def publish(
        self, author_id: UserId, caption: str, uploads: Sequence[Upload], once: IdempotencyToken | None = None
    ) -> Post:
        """Publish photographs in their order.

        The files are in the media store before the row is committed, so no post is ever without its pictures; files
        without a row are the sweep's. Raises what `Pictures.store` raises, with the number of the picture in `fields`,
        and AlreadyDone for `once`.
        """
        stored: list[StoredPicture] = []
        try:
            for number, upload in enumerate(uploads):
                stored.append(await self._store(upload, number))
        except BaseException:
            await self._pictures.discard(stored)
            raise
        alt_texts = [upload.alt_text for upload in uploads]
        try:
            post_id = await self._unit_of_work.run(
                lambda work: self._insert(work, author_id, caption, stored, alt_texts),
                changes=(CacheKey("feed", author_id),),
                once=once,
            )
        except AppError as error:
            # After a database that went away, or a cancellation, it may be committed all the same: its pictures stay.
            if not isinstance(error, Unavailable):
                await self._pictures.discard(stored)
            raise
        return await self.get(author_id, post_id)

    async def edit(
        self, editor_id: UserId, post_id: PostId, caption: str | None, alt_texts: Sequence[str] | None
    ) -> Post:
        """Change the caption, the texts of the pictures, or both; None leaves as it is.

        `alt_texts` are those of the first pictures, the others have none from then on. Raises NotFound, Forbidden for
        anybody but the author, InvalidInput for more texts than pictures.
        """

        async def body(work: WorkContext) -> None:
            post = await self._lock_own(editor_id, post_id)
            (row,) = await self._database.rows("SELECT caption FROM posts WHERE id = ?", [post_id])
            before = row["caption"]
            if alt_texts is not None:
                await self._describe(post_id, alt_texts)
            # Later than the edit before, whatever the clock says: caches know a card by this.
            edited_at_ms = max(work.now_ms(), (post["edited_at_ms"] or 0) + 1)
            revision = post["revision"] + 1
            await self._database.execute(
                "UPDATE posts SET caption = COALESCE(?, caption), edited_at_ms = ?, revision = ? WHERE id = ?",
                [caption, edited_at_ms, revision, post_id],
            )
            likes, comments = post["likes_count"], post["comments_count"]
            work.emit(PostChanged(post_id, editor_id, revision, likes, comments, edited_at_ms))
            if caption is not None and mentions_in(caption) != mentions_in(before):
                work.emit(PeopleMentioned(post_id, editor_id))

        await self._unit_of_work.run(body, changes=(CacheKey("post", post_id),))
        return await self.get(editor_id, post_id)

    async def delete(self, editor_id: UserId, post_id: PostId) -> None:
        """Hide a post from everybody at once; what hangs on it goes by a job. Raises NotFound, Forbidden."""

        async def body(work: WorkContext) -> None:
            revision = (await self._lock_own(editor_id, post_id))["revision"] + 1
            await self._database.execute(
                "UPDATE posts SET deleted_at_ms = ?, revision = ? WHERE id = ?",
                [work.now_ms(), revision, post_id],
            )
            await self._database.execute(
                "UPDATE users SET posts_count = posts_count - 1 WHERE id = ?", [editor_id]
            )
            work.emit(PostDeleted(post_id, editor_id, revision))

        await self._unit_of_work.run(body, changes=(CacheKey("post", post_id),))

    async def get(self, viewer_id: UserId, post_id: PostId) -> Post:
        """One post. Raises NotFound."""
        found = await self._cards.posts([post_id], viewer_id)
        if not found:
            raise NotFound("There is no such post.")
        return found[0]

    async def of_author(self, viewer_id: UserId, author_id: UserId, request: PageRequest) -> Page[Post]:
        """What one person published, newest first. Raises NotFound for the person."""
        seen = self._visibility.condition(viewer_id)
        rows = await self._database.rows(
            f"SELECT p.id FROM posts p WHERE p.author_id = ? AND p.id < ? AND {seen.sql} ORDER BY p.id DESC LIMIT ?",
            [author_id, request.before_id, *seen.parameters, request.limit + 1],
        )
        if not rows and not await self._database.rows("SELECT 1 FROM users WHERE id = ?", [author_id]):
            raise NotFound("There is no such user.")
        posts = await self._cards.posts([PostId(row["id"]) for row in rows], viewer_id)
        return cut(posts, request.limit, lambda post: post.id)

    async def _store(self, upload: Upload, number: int) -> StoredPicture:
        try:
            return await self._pictures.store(upload.path, FOLDER, Shape.PHOTO)
        except AppError as error:
            error.fields.setdefault("images", [f"Picture {number + 1}: {error.detail}"])
            raise

    async def _insert(
        self,
        work: WorkContext,
        author_id: UserId,
        caption: str,
        pictures: Sequence[StoredPicture],
        alt_texts: Sequence[str],
    ) -> PostId:
        post_id = PostId(work.made_id)
        await self._database.execute(
            "UPDATE users SET posts_count = posts_count + 1 WHERE id = ?", [author_id]
        )
        await PostRow.create(id=post_id, author_id=author_id, caption=caption)
        for position, (picture, alt_text) in enumerate(zip(pictures, alt_texts, strict=True)):
            await PostImageTable.create(
                id=work.new_id(),
                post_id=post_id,
                position=position,
                media_key=picture.media_key,
                width=picture.image.width,
                height=picture.image.height,
                blurhash=picture.image.blurhash,
                alt_text=alt_text,
                variants=orjson.dumps([rendition.name for rendition in picture.image.renditions]).decode(),
            )
        work.emit(PostPublished(post_id, author_id))
        if mentions_in(caption):
            work.emit(PeopleMentioned(post_id, author_id))
        work.emit(PostChanged(post_id, author_id, 0, 0, 0, None))
        return post_id

    async def _lock_own(self, editor_id: UserId, post_id: PostId) -> Mapping[str, Any]:
        """The row of one's own post is ours until the commit. Raises NotFound, Forbidden."""
        post = await self._visibility.post(editor_id, post_id, lock=True)
        if post["author_id"] != editor_id:
            raise Forbidden("Only its author may change or delete a post.")
        return post

    async def _describe(self, post_id: PostId, alt_texts: Sequence[str]) -> None:
        rows = await self._database.rows(
            "SELECT id FROM post_images WHERE post_id = ? ORDER BY position", [post_id]
        )
        if len(alt_texts) > len(rows):
            raise more_texts_than_pictures()
        given = [*alt_texts, *[""] * (len(rows) - len(alt_texts))]
        for row, alt_text in zip(rows, given, strict=True):
            await PostImageTable.filter(id=row["id"]).update(alt_text=alt_text)


def more_texts_than_pictures() -> InvalidInput:
    return InvalidInput(
        "There are more texts than pictures.", fields={"altTexts": ["At most one for each image."]}
    )
