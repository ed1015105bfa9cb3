"""The pictures of a post: media that it uses, and what keeps them from being used."""

from collections.abc import Sequence
from dataclasses import dataclass

from server.errors import Conflict, InvalidInput
from server.ids import MediaId, PostId
from server.models.content.media import MediaPicture, MediaRow, MediaStatus
from server.models.content.post_images import NewPostImage, PostImageRepository
from server.services.jobs.unit_of_work import WorkContext


@dataclass(frozen=True, slots=True)
class PostPicture:
    """A picture to insert as a row of `post_images`; `id` is that of the media that it was, if any."""

    picture: MediaPicture
    alt_text: str
    id: MediaId | None = None


async def insert_pictures(
    images: PostImageRepository, post_id: PostId, pictures: Sequence[PostPicture], work: WorkContext
) -> None:
    """Insert the pictures of a post in their order."""
    for position, each in enumerate(pictures):
        image = NewPostImage(
            id=each.id or work.new_id(),
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
        await images.insert(image)


def more_texts_than_pictures() -> InvalidInput:
    return InvalidInput(
        "There are more alt texts than images.", fields={"altTexts": ["At most one per image."]}
    )


def picture_of(row: MediaRow | None, number: int) -> PostPicture:
    """Return the picture of ready media, the `number`th of a post. Raises InvalidInput and Conflict."""
    if row is None:
        problem = "Not found: it expired, or a post uses it."
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
        fields={"mediaIds": [f"Image {number}: {problem}"]},
    )
