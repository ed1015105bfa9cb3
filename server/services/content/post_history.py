"""History of posts: the captions, alt texts and pictures that edits replaced."""

from dataclasses import dataclass, replace

from server.errors import NotFound
from server.ids import MediaId, PostId, UserId, VersionId, id_timestamp_ms
from server.models.content.post_images import PostImageRepository
from server.models.content.post_versions import PostVersionRepository, PostVersionRow
from server.models.content.posts import PostRepository, PostRow
from server.paging import Page, PageRequest, cut
from server.services.content.cards import Cards
from server.services.content.mentions import hashtags_in
from server.services.content.visibility import Visibility
from server.services.jobs.unit_of_work import WorkContext
from server.services.records import Post, PostVersion


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A post as it is shown; `alt_texts` has them by the ids of the pictures, in order."""

    post: PostRow
    caption: str
    alt_texts: dict[MediaId, str]

    @property
    def shown(self) -> tuple[str, list[tuple[MediaId, str]]]:
        return self.caption, [*self.alt_texts.items()]


class PostHistory:
    """A picture that its author removed is not shown to any user, as its files are deleted; versions only count it."""

    def __init__(
        self,
        versions: PostVersionRepository,
        posts: PostRepository,
        images: PostImageRepository,
        cards: Cards,
        visibility: Visibility,
    ) -> None:
        self._versions = versions
        self._posts = posts
        self._images = images
        self._cards = cards
        self._visibility = visibility

    async def snapshot(self, post: PostRow) -> Snapshot:
        """Return what a locked post shows now, before an edit."""
        images = await self._images.list_by_posts([post.id])
        return Snapshot(
            post, await self._posts.get_caption(post.id), {image.id: image.alt_text for image in images}
        )

    async def record(self, before: Snapshot, work: WorkContext) -> None:
        """Keep what an edit replaced. Nothing is kept if the post shows the same as before."""
        after = await self.snapshot(before.post)
        if after.shown != before.shown:
            version = PostVersionRow(VersionId(work.new_id()), before.caption, before.alt_texts)
            await self._versions.insert(before.post.id, version, before.post.audience)

    async def list_versions(
        self, viewer_id: UserId, post_id: PostId, request: PageRequest
    ) -> tuple[Post, Page[PostVersion]]:
        """Return a post and its earlier versions, newest first, with three queries. Raises NotFound.

        Versions that were shown to another audience than the post's, other than everybody, are the author's alone.
        """
        posts = await self._cards.list_posts([post_id], viewer_id, with_likers=False)
        if not posts:
            raise NotFound("Post not found.")
        visible = self._visibility.versions(viewer_id)
        rows = await self._versions.list_by_post(post_id, visible, request.before_id, request.limit + 1)
        page = cut(rows, request.limit, lambda row: row.id)
        return posts[0], page.map(lambda row: _version(row, posts[0]))


def _version(row: PostVersionRow, post: Post) -> PostVersion:
    kept = {image.id: image for image in post.card.images}
    images = tuple(
        replace(kept[image_id], alt_text=alt_text)
        for image_id, alt_text in row.alt_texts.items()
        if image_id in kept
    )
    return PostVersion(
        id=row.id,
        caption=row.caption,
        hashtags=hashtags_in(row.caption),
        images=images,
        removed_images=len(row.alt_texts) - len(images),
        replaced_at_ms=id_timestamp_ms(row.id),
    )
