"""Posts with pictures for tests of responses."""

from server.ids import MediaId, PostId, UserId
from server.models.content.post_images import NewPostImage
from tools.harness.services import ServiceHarness

RENDITIONS = ("small", "medium", "square", "large")


async def published(harness: ServiceHarness, author_id: UserId, pictures: int = 2) -> PostId:
    """Publish a post with rows of pictures; no files, which no test needs here."""
    post_id = await harness.post(author_id)
    for position in range(pictures):
        id_ = MediaId(harness.ids.next())
        key = f"posts/{post_id}/{position}"
        blurhash = f"LEHV6nWB2yk8pyo0adR*.7kCMdn{position}"
        await harness.image_rows.insert(
            NewPostImage(id_, post_id, position, key, 1440, 1080, blurhash, "", RENDITIONS)
        )
    return post_id
