"""Posts: publishing photographs with a caption, editing and deleting them, and listing an author's posts."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType

from server.clock import isoformat
from server.errors import Conflict, Forbidden, NotFound
from server.events import (
    AudienceWidened,
    CacheKey,
    PeopleMentioned,
    PeopleTagged,
    PicturesPublished,
    PostChanged,
    PostDeleted,
    PostPublished,
    PostRestored,
    PostTakenDown,
    SearchedPostChanged,
)
from server.ids import ActionId, MediaId, PostId, UserId
from server.models.accounts.users import UserRepository
from server.models.audience import Audience
from server.models.conditions import Column, Condition, all_of
from server.models.content.media import MediaRepository
from server.models.content.post_images import PostImageRepository
from server.models.content.posts import PostRepository, PostRow
from server.models.content.visibility import ARCHIVED, NOT_DELETED
from server.models.people.visibility import unblocked_users
from server.paging import Page, PageRequest, cut
from server.services.content.cards import Cards
from server.services.content.mentions import Mentions
from server.services.content.picture_changes import state_of, unpin
from server.services.content.pictures import Pictures, Upload
from server.services.content.pins import PinnedList
from server.services.content.places import ChosenPlace, NewPlace, PlaceChange, Places
from server.services.content.post_archive import PostArchive
from server.services.content.post_history import PostHistory
from server.services.content.post_options import DEFAULT_OPTIONS, NO_CHANGES, OptionChanges, PostOptions
from server.services.content.post_pictures import (
    ChosenPicture,
    PostPicture,
    PostPictures,
    insert_pictures,
    more_texts_than_pictures,
    tags_in,
)
from server.services.content.tags import Tags
from server.services.content.visibility import Visibility
from server.services.filters.text_filters import TextFilters
from server.services.jobs.unit_of_work import IdempotencyToken, UnitOfWork, WorkContext
from server.services.records import Post, PostStatus, Tag

NO_TAGS: Mapping[MediaId, Sequence[Tag]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class SeenEdit:
    """The time of the last edit that a client has seen, as the API formats it; None: it saw none."""

    edited_at: str | None


class Posts:
    def __init__(  # noqa: PLR0913 - collaborators
        self,
        users: UserRepository,
        posts: PostRepository,
        images: PostImageRepository,
        media: MediaRepository,
        unit_of_work: UnitOfWork,
        cards: Cards,
        visibility: Visibility,
        pictures: Pictures,
        filters: TextFilters,
        history: PostHistory,
        tags: Tags,
        places: Places,
        pinned: PinnedList,
    ) -> None:
        self._users = users
        self._posts = posts
        self._images = images
        self._unit_of_work = unit_of_work
        self._cards = cards
        self._visibility = visibility
        self._pictures = pictures
        self._filters = filters
        self._history = history
        self._tags = tags
        self._places = places
        self._post_pictures = PostPictures(images, media, pictures)
        self._archive = PostArchive(users, posts)
        self._pinned = pinned
        self._mentions = Mentions(users)

    async def publish(
        self,
        author_id: UserId,
        caption: str,
        uploads: Sequence[Upload],
        once: IdempotencyToken | None = None,
        audience: Audience = Audience.PUBLIC,
        options: PostOptions = DEFAULT_OPTIONS,
    ) -> Post:
        """Publish photographs in the given order.

        The files are stored before the row is committed, so that a post is never without its pictures; the sweep
        removes files without a row. Raises what `Pictures.store_all` raises, and AlreadyDone for `once`.
        """
        stored = await self._pictures.store_all(uploads, author_id)
        pictures = [
            PostPicture(picture.as_media(), upload.alt_text)
            for picture, upload in zip(stored, uploads, strict=True)
        ]
        async with self._pictures.discarded_on_failure(stored):

            async def insert(work: WorkContext) -> PostId:
                for each in pictures:  # moderators may have refused one since it was stored
                    await self._pictures.require_allowed(each.picture)
                return await self.insert(author_id, caption, pictures, audience, work, options=options)

            return await self._publish(author_id, insert, once)

    async def publish_media(
        self,
        author_id: UserId,
        caption: str,
        media_ids: Sequence[MediaId],
        alt_texts: Sequence[str | None] = (),
        once: IdempotencyToken | None = None,
        audience: Audience = Audience.PUBLIC,
        options: PostOptions = DEFAULT_OPTIONS,
        place: ChosenPlace | None = None,
    ) -> Post:
        """Publish the author's unused media in the given order; each belongs to one post only.

        `alt_texts` replace those of the first media. Raises what `PostPictures.take` raises, and AlreadyDone for
        `once`.
        """
        if len(alt_texts) > len(media_ids):
            raise more_texts_than_pictures()
        texts = [*alt_texts, *[None] * (len(media_ids) - len(alt_texts))]
        chosen = [ChosenPicture(*each) for each in zip(media_ids, texts, strict=True)]
        return await self.publish_chosen(
            author_id, caption, chosen, once, audience, options, place, member="mediaIds"
        )

    async def publish_chosen(
        self,
        author_id: UserId,
        caption: str,
        chosen: Sequence[ChosenPicture],
        once: IdempotencyToken | None = None,
        audience: Audience = Audience.PUBLIC,
        options: PostOptions = DEFAULT_OPTIONS,
        place: ChosenPlace | None = None,
        *,
        member: str = "media",
    ) -> Post:
        """Publish as `publish_media`, with tags. `member` has the media in the request, for errors.

        Raises also what `Tags.set_tags` and `Places.choose` raise.
        """

        async def insert(work: WorkContext) -> PostId:
            numbers = range(1, len(chosen) + 1)
            pictures = await self._post_pictures.take(
                author_id, [each.id for each in chosen], numbers, member
            )
            shown = [
                picture if each.alt_text is None else replace(picture, alt_text=each.alt_text)
                for picture, each in zip(pictures, chosen, strict=True)
            ]
            return await self.insert(
                author_id, caption, shown, audience, work, tags_in(chosen), options, place
            )

        return await self._publish(author_id, insert, once)

    async def edit(  # noqa: PLR0913 - what an edit may change
        self,
        editor_id: UserId,
        post_id: PostId,
        caption: str | None,
        alt_texts: Sequence[str] | None,
        audience: Audience | None = None,
        media: Sequence[ChosenPicture] | None = None,
        seen: SeenEdit | None = None,
        status: PostStatus | None = None,
        options: OptionChanges = NO_CHANGES,
        place: PlaceChange | None = None,
    ) -> Post:
        """Change the caption, the alt texts, the audience, the pictures or the options; None leaves a value unchanged.

        The status `archived` hides the post from everybody else, `published` restores it.
        `alt_texts` belong to the first pictures; the others lose theirs. `media` are all pictures that the post is to
        show, in order. Raises NotFound, Forbidden unless the editor is the author, InvalidInput for more texts than
        pictures, Conflict if the post was edited after `seen` or for a status that only drafts have, and what
        `PostPictures.arrange` and `Tags.set_tags` raise.
        """
        await self._unit_of_work.run(
            partial(
                self._edit,
                editor_id,
                post_id,
                _Edit(caption, alt_texts, audience, media, seen, options, place),
                status,
            ),
            changes=(CacheKey("post", post_id), *([] if status is None else [CacheKey("feed", editor_id)])),
        )
        return await self.get(editor_id, post_id)

    async def delete(self, editor_id: UserId, post_id: PostId) -> None:
        """Hide a post at once; a job deletes its rows and pictures. Raises NotFound and Forbidden."""

        async def delete(work: WorkContext) -> None:
            revision = await self._hide(await self._lock_own(editor_id, post_id), work)
            work.emit(PostDeleted(post_id, editor_id, revision))

        await self._unit_of_work.run(delete, changes=(CacheKey("post", post_id),))

    async def take_down(self, post_id: PostId, action_id: ActionId, work: WorkContext) -> None:
        """Hide a post for moderators, and keep its rows and pictures. Nothing happens if it is hidden already."""
        post = await self._posts.lock(post_id, NOT_DELETED)
        if post is not None:
            revision = await self._hide(post, work, action_id)
            work.emit(PostTakenDown(post_id, post.author_id, revision))

    async def restore(self, post_id: PostId, action_id: ActionId, work: WorkContext) -> None:
        """Show a post again that an action hid. Nothing happens if it was deleted since then."""
        hidden = await self._posts.lock(post_id, Condition("p.hidden_by_id = ?", (action_id,)))
        if hidden is None:
            return
        revision = hidden.revision + 1
        await self._posts.restore(post_id, revision)
        if not hidden.archived:
            await self._users.change_posts_count(hidden.author_id, +1, hidden.audience)
        post = await self._posts.lock(post_id, NOT_DELETED)
        assert post is not None
        work.emit(PostRestored(post_id, post.author_id))
        work.emit(state_of(post))

    async def get(self, viewer_id: UserId, post_id: PostId) -> Post:
        """Return one post. Raises NotFound."""
        posts = await self._cards.list_posts([post_id], viewer_id)
        if not posts:
            raise NotFound("Post not found.")
        return posts[0]

    async def list_by_ids(self, viewer_id: UserId, post_ids: Sequence[PostId]) -> list[Post]:
        """Return the posts among the ids that the viewer may see, in the given order."""
        return await self._cards.list_posts(list(dict.fromkeys(post_ids)), viewer_id)

    async def list_by_author(
        self, viewer_id: UserId, author_id: UserId, request: PageRequest, *, with_likers: bool = True
    ) -> Page[Post]:
        """Return an author's posts, pinned ones first, then newest first.

        Without likers, as in a profile, `liked_by` is None, and a query is saved.
        Raises NotFound for a missing author, or one who blocked the viewer.
        """
        page = await self._pinned.page(viewer_id, author_id, request)
        if not page.items and not await self._users.exists(
            author_id, unblocked_users(viewer_id, Column("u.id"))
        ):
            raise NotFound("User not found.")
        if not with_likers:
            return page
        return Page(await self._cards.add_likers(viewer_id, page.items), page.next_cursor)

    async def list_archived(self, author_id: UserId, request: PageRequest) -> Page[Post]:
        """Return the author's archived posts, newest first."""
        archived = all_of(self._visibility.posts(author_id), ARCHIVED)
        ids = await self._posts.list_ids_by_author(author_id, archived, request.before_id, request.limit + 1)
        posts = await self._cards.list_posts(ids, author_id)
        return cut(posts, request.limit, lambda post: post.id)

    async def _publish(
        self,
        author_id: UserId,
        insert: Callable[[WorkContext], Awaitable[PostId]],
        once: IdempotencyToken | None,
    ) -> Post:
        post_id = await self._unit_of_work.run(insert, changes=(CacheKey("feed", author_id),), token=once)
        return await self.get(author_id, post_id)

    async def insert(
        self,
        author_id: UserId,
        caption: str,
        pictures: Sequence[PostPicture],
        audience: Audience,
        work: WorkContext,
        tags: Mapping[MediaId, Sequence[Tag]] = NO_TAGS,
        options: PostOptions = DEFAULT_OPTIONS,
        place: ChosenPlace | None = None,
    ) -> PostId:
        """Insert a post within the caller's unit of work, which names the author's feed among its changes.

        Raises InvalidInput for texts that a filter refuses, and what `Tags.set_tags` and `Places.choose` raise.
        """
        post_id = PostId(work.result_id)
        texts = {
            "caption": caption,
            "altTexts": " \n. ".join(each.alt_text for each in pictures),
            "place": place.name if isinstance(place, NewPlace) else "",
        }
        await self._filters.apply(work, ("post", post_id), author_id, texts)
        await self._users.change_posts_count(author_id, +1, audience)
        mentions = await self._mentions.resolve(caption)
        place_id = None if place is None else await self._places.choose(author_id, place, work)
        await self._posts.insert(post_id, author_id, caption, mentions, audience, place_id=place_id)
        if options != DEFAULT_OPTIONS:
            await self._posts.set_options(post_id, options)
        await insert_pictures(self._images, post_id, pictures, work)
        if await self._tags.set_tags(post_id, author_id, tags, work):
            work.emit(PeopleTagged(post_id, author_id))
        work.emit(PostPublished(post_id, author_id))
        if self._pictures.encodes_avif:
            work.emit(PicturesPublished(post_id))
        if caption or place_id is not None:
            work.emit(SearchedPostChanged(post_id, author_id))
        if mentions:
            work.emit(PeopleMentioned(post_id, author_id))
        work.emit(PostChanged(post_id, author_id, 0, 0, 0, None, audience, archived=False))
        return post_id

    async def _edit(
        self,
        editor_id: UserId,
        post_id: PostId,
        edit: "_Edit",
        status: PostStatus | None,
        work: WorkContext,
    ) -> None:
        post = await self._lock_own(editor_id, post_id)
        if status in (PostStatus.DRAFT, PostStatus.SCHEDULED):
            raise Conflict("A published post cannot become a draft again.", code="already_published")
        if status is not None:
            archived = status is PostStatus.ARCHIVED
            post = await self._archive.set_archived(post, work, archived=archived)
        if edit.is_empty:
            return
        require_seen(post.edited_at_ms, edit.seen)
        before = await self._history.snapshot(post)
        texts = {
            "caption": edit.caption or "",
            "altTexts": " \n. ".join(edit.alt_texts or ()),
            "place": edit.place.name if edit.place else "",
        }
        if edit.media is not None:
            texts["media"] = " \n. ".join(await self._post_pictures.arrange(post, edit.media, work))
        await self._filters.apply(work, ("post", post_id), editor_id, texts)
        if edit.alt_texts is not None:
            await self._set_alt_texts(post_id, edit.alt_texts)
        # Always later than the previous edit, because caches identify a card by this time.
        edited_at_ms = max(work.now_ms(), (post.changed_at_ms or 0) + 1)
        revision = post.revision + 1
        await self._posts.edit(post_id, edited_at_ms, revision)
        if edit.caption is not None:
            await self._set_caption(post, edit.caption, work)
        await self._history.record(before, work)
        if edit.audience is not None:
            await self._set_audience(post, edit.audience, work)
        if edit.media is not None:  # after the audience, which decides who can be tagged
            await self._tags.set_tags(post_id, editor_id, tags_in(edit.media), work)
            work.emit(PeopleTagged(post_id, editor_id))  # also those of removed pictures
        if edit.options != NO_CHANGES:
            await self._posts.set_options(post_id, edit.options.apply(post.options))
        if edit.place is not None:
            await self._set_place(post, edit.place.place, work)
        if edit.caption is not None or edit.audience is not None or edit.place is not None:
            work.emit(SearchedPostChanged(post_id, editor_id))
        work.emit(
            PostChanged(
                post_id,
                editor_id,
                revision,
                post.likes_count,
                post.comments_count,
                edited_at_ms,
                edit.audience or post.audience,
                post.archived,
            )
        )

    async def _set_caption(self, post: PostRow, caption: str, work: WorkContext) -> None:
        previous = await self._posts.get_mentions(post.id)
        mentions = await self._mentions.resolve(caption, previous)
        await self._posts.set_caption(post.id, caption, mentions)
        if mentions != previous:
            work.emit(PeopleMentioned(post.id, post.author_id))

    async def _set_audience(self, post: PostRow, audience: Audience, work: WorkContext) -> None:
        """Set the audience of a locked post. A narrower one is in effect as soon as the counters are cached."""
        if audience is post.audience:
            return
        await self._posts.set_audience(post.id, audience)
        if post.archived:
            return
        await self._users.change_posts_count(post.author_id, -1, post.audience)
        await self._users.change_posts_count(post.author_id, +1, audience)
        if post.audience is Audience.CLOSE_FRIENDS:
            work.emit(AudienceWidened(post.id, post.author_id))
        if await self._posts.get_mentions(post.id):  # some of the mentioned users may see it only now
            work.emit(PeopleMentioned(post.id, post.author_id))

    async def _set_place(self, post: PostRow, place: ChosenPlace | None, work: WorkContext) -> None:
        """Set or remove the place of a locked post; the previous one is deleted with its last post."""
        place_id = None if place is None else await self._places.choose(post.author_id, place, work)
        if place_id != post.place_id:
            await self._posts.set_place(post.id, place_id)
            if post.place_id is not None:
                await self._places.release(post.place_id)

    async def _hide(self, post: PostRow, work: WorkContext, action_id: ActionId | None = None) -> int:
        """Hide a locked post, and return its new revision."""
        post = await unpin(self._posts, post, work)
        revision = post.revision + 1
        await self._posts.mark_deleted(post.id, work.now_ms(), revision, action_id)
        if not post.archived:
            await self._users.change_posts_count(post.author_id, -1, post.audience)
        return revision

    async def _lock_own(self, editor_id: UserId, post_id: PostId) -> PostRow:
        """Lock the editor's own post until the commit. Raises NotFound and Forbidden."""
        post = await self._visibility.lock_post(editor_id, post_id)
        if post.author_id != editor_id:
            raise Forbidden("Only the author may change or delete a post.")
        return post

    async def _set_alt_texts(self, post_id: PostId, alt_texts: Sequence[str]) -> None:
        image_ids = await self._images.list_ids(post_id)
        if len(alt_texts) > len(image_ids):
            raise more_texts_than_pictures()
        padded = [*alt_texts, *[""] * (len(image_ids) - len(alt_texts))]
        for image_id, alt_text in zip(image_ids, padded, strict=True):
            await self._images.set_alt_text(image_id, alt_text)


@dataclass(frozen=True, slots=True)
class _Edit:
    """Changes of a post by its author; None leaves a value unchanged."""

    caption: str | None
    alt_texts: Sequence[str] | None
    audience: Audience | None
    media: Sequence[ChosenPicture] | None
    seen: SeenEdit | None
    options: OptionChanges
    place: PlaceChange | None

    @property
    def is_empty(self) -> bool:
        kept = self.caption is self.alt_texts is self.audience is self.media is self.place is None
        return kept and self.options == NO_CHANGES


def require_seen(edited_at_ms: int | None, seen: SeenEdit | None) -> None:
    """Raise Conflict if a post was edited after the edit that the client has seen."""
    edited_at = None if edited_at_ms is None else isoformat(edited_at_ms)
    if seen is not None and seen.edited_at != edited_at:
        raise Conflict("The post was edited in between: get it again.", code="edited_in_between")
