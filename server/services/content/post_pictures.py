"""The pictures of a post: media that it takes, their order, and edits of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from server.errors import Conflict, InvalidInput
from server.events import PictureRemoved, PicturesPublished
from server.ids import MediaId, PostId, UserId
from server.models.content.media import MediaPicture, MediaRepository, MediaRow, MediaStatus
from server.models.content.post_images import NewPostImage, PostImageRepository, PostImageRow
from server.models.content.posts import PostRow
from server.services.content.pictures import Pictures
from server.services.jobs.unit_of_work import WorkContext
from server.services.records import Tag


@dataclass(frozen=True, slots=True)
class PostPicture:
    """A picture to insert as a row of `post_images`; `id` is that of the media that it was, if any."""

    picture: MediaPicture
    alt_text: str
    id: MediaId | None = None


@dataclass(frozen=True, slots=True)
class ChosenPicture:
    """A picture that a post is to show: one that it has, or unused media. None keeps its alt text or its tags."""

    id: MediaId
    alt_text: str | None = None
    tags: Sequence[Tag] | None = None


class PostPictures:
    """Moves media to posts and back out of them, within the transactions of their callers."""

    def __init__(self, images: PostImageRepository, media: MediaRepository, pictures: Pictures) -> None:
        self._images = images
        self._media = media
        self._pictures = pictures

    async def take(
        self, author_id: UserId, media_ids: Sequence[MediaId], numbers: Sequence[int], member: str
    ) -> list[PostPicture]:
        """Remove media from the author's unused ones, and return their pictures in the given order.

        `numbers` and `member` tell the client which ones cannot be used. Raises InvalidInput for media that do not
        exist, are used, failed or were refused since then, and Conflict for those that are still processed.
        """
        rows = {row.id: row for row in await self._media.lock(author_id, media_ids)}
        taken = [
            picture_of(rows.get(media_id), number, member)
            for media_id, number in zip(media_ids, numbers, strict=True)
        ]
        for each in taken:
            await self._pictures.require_allowed(each.picture)
        await self._media.delete(media_ids)
        return taken

    async def arrange(self, post: PostRow, chosen: Sequence[ChosenPicture], work: WorkContext) -> list[str]:
        """Make a locked post show exactly the chosen pictures, in this order; return the alt texts that are new.

        A job deletes the files of those that it no longer has. Raises as `take`.
        """
        current = {row.id: row for row in await self._images.list_by_posts([post.id])}
        numbers = {each.id: n for n, each in enumerate(chosen, start=1) if each.id not in current}
        added: dict[MediaId, PostPicture] = {}
        if numbers:
            taken = await self.take(post.author_id, [*numbers], [*numbers.values()], "media")
            added = dict(zip(numbers, taken, strict=True))
        await self._remove(post.id, [current[each] for each in current.keys() - {c.id for c in chosen}], work)
        order = [each.id for each in chosen]
        kept = {each: order.index(each) for each in current if each in order}
        if list(kept.values()) != [*range(len(current))]:
            await self._images.set_positions(post.id, kept)
        return await self._write(post.id, chosen, added, work)

    async def _remove(self, post_id: PostId, removed: Sequence[PostImageRow], work: WorkContext) -> None:
        if removed:
            await self._images.delete([row.id for row in removed])
        for row in removed:
            work.emit(PictureRemoved(post_id, row.media_key))

    async def _write(
        self,
        post_id: PostId,
        chosen: Sequence[ChosenPicture],
        added: Mapping[MediaId, PostPicture],
        work: WorkContext,
    ) -> list[str]:
        """Insert the added pictures, and set alt texts. Return those that are new in the post."""
        texts: list[str] = []
        for position, each in enumerate(chosen):
            if (picture := added.get(each.id)) is not None:
                text = picture.alt_text if each.alt_text is None else each.alt_text
                await self._images.insert(_row(replace(picture, alt_text=text), post_id, position, each.id))
                texts.append(text)
            elif each.alt_text is not None:
                await self._images.set_alt_text(each.id, each.alt_text)
                texts.append(each.alt_text)
        if added and self._pictures.encodes_avif:
            work.emit(PicturesPublished(post_id))
        return texts


def tags_in(chosen: Sequence[ChosenPicture]) -> dict[MediaId, Sequence[Tag]]:
    """Return the tags by picture; those of the other pictures stay."""
    return {each.id: each.tags for each in chosen if each.tags is not None}


async def insert_pictures(
    images: PostImageRepository, post_id: PostId, pictures: Sequence[PostPicture], work: WorkContext
) -> None:
    """Insert the pictures of a post in their order."""
    for position, each in enumerate(pictures):
        await images.insert(_row(each, post_id, position, each.id or MediaId(work.new_id())))


def _row(each: PostPicture, post_id: PostId, position: int, image_id: MediaId) -> NewPostImage:
    return NewPostImage(
        id=image_id,
        post_id=post_id,
        position=position,
        media_key=each.picture.media_key,
        width=each.picture.width,
        height=each.picture.height,
        blurhash=each.picture.blurhash,
        alt_text=each.alt_text,
        variants=each.picture.variants,
        picture_hash=each.picture.picture_hash,
    )


def more_texts_than_pictures() -> InvalidInput:
    return InvalidInput(
        "There are more alt texts than images.", fields={"altTexts": ["At most one per image."]}
    )


def picture_of(row: MediaRow | None, number: int, member: str) -> PostPicture:
    """Return the picture of ready media, the `number`th of a post. Raises InvalidInput for `member`, and Conflict."""
    if row is None:
        problem = "Not found: it expired, or a post or draft uses it."
    elif row.picture is not None:
        return PostPicture(row.picture, row.alt_text, row.id)
    elif row.status is MediaStatus.PROCESSING:
        raise Conflict(
            f"Image {number} is still being processed. Try again.", code="media_processing", retry_after_s=1.0
        )
    else:
        problem = row.problem_detail
    raise InvalidInput(
        "Some images cannot be published.",
        code="media_unusable",
        fields={member: [f"Image {number}: {problem}"]},
    )
