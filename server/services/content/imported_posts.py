"""Posts from another place, published under their original dates."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from server.errors import Conflict
from server.events import CacheKey, PicturesPublished, PostChanged, PostPublished, SearchedPostChanged
from server.ids import PostId, UserId, id_timestamp_ms
from server.models.accounts.users import UserRepository
from server.models.audience import Audience
from server.models.content.post_images import PostImageRepository
from server.models.content.posts import PostRepository
from server.models.database import DuplicateKey
from server.services.content.mentions import NO_MENTIONS
from server.services.content.post_pictures import PostPicture, insert_pictures
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext

MAX_TAKEN_IDS = 100

# Records an imported post, and returns whether it is new.
Record = Callable[[WorkContext, PostId], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class PostFromElsewhere:
    """A post and its original date. `first_id` is the id that it gets, or the next free one after it."""

    first_id: PostId
    published_at_ms: int
    caption: str
    audience: Audience
    pictures: Sequence[PostPicture]


class ImportedPosts:
    """The id places a post where its date belongs: followers find it there in their feeds, not at the top.

    Names in the caption are those of another service, so they are not mentions, and there are no notifications.
    """

    def __init__(
        self,
        users: UserRepository,
        posts: PostRepository,
        images: PostImageRepository,
        unit_of_work: UnitOfWork,
        *,
        encodes_avif: bool,
    ) -> None:
        """`encodes_avif`: a job adds AVIF renditions to the pictures of new posts."""
        self._users = users
        self._posts = posts
        self._images = images
        self._unit_of_work = unit_of_work
        self._encodes_avif = encodes_avif

    async def publish(
        self,
        author_id: UserId,
        post: PostFromElsewhere,
        record: Record,
    ) -> PostId | None:
        """Publish a post; its pictures are stored already.

        `record` runs first, in the same transaction. If it returns False, because the post was imported before, nothing
        is published, and the result is None. Raises Conflict if too many ids are taken.
        """
        for post_id in range(post.first_id, post.first_id + MAX_TAKEN_IDS):
            insert = partial(self._publish, author_id, PostId(post_id), post, record)
            try:
                return await self._unit_of_work.run(insert, changes=(CacheKey("feed", author_id),))
            except DuplicateKey:  # another row of that time has this id
                continue
        raise Conflict("Too many posts have the same date.")

    async def _publish(
        self, author_id: UserId, post_id: PostId, post: PostFromElsewhere, record: Record, work: WorkContext
    ) -> PostId | None:
        if not await record(work, post_id):
            return None
        await self._insert(author_id, post_id, post, work)
        return post_id

    async def _insert(
        self, author_id: UserId, post_id: PostId, post: PostFromElsewhere, work: WorkContext
    ) -> None:
        at_ms = post.published_at_ms
        differs = id_timestamp_ms(post_id) != at_ms
        await self._users.change_posts_count(author_id, +1, post.audience)
        await self._posts.insert(
            post_id, author_id, post.caption, NO_MENTIONS, post.audience, at_ms if differs else None
        )
        await insert_pictures(self._images, post_id, post.pictures, work)
        work.emit(PostPublished(post_id, author_id))
        if self._encodes_avif:
            work.emit(PicturesPublished(post_id))
        if post.caption:
            work.emit(SearchedPostChanged(post_id, author_id))
        work.emit(PostChanged(post_id, author_id, 0, 0, 0, None, post.audience, archived=False))
