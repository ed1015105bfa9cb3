"""Drafts: posts that only their author sees, until they are published, at once or at a time that is set before.

`DraftPublication` turns a draft into a post with another id: ids are positions in feeds, and followers find the post at
the top.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from server.errors import Conflict, InvalidInput, NotFound
from server.events import CacheKey, PostScheduled
from server.ids import DraftId, MediaId, PostId, UserId
from server.models.audience import Audience
from server.models.content.drafts import DraftRepository, DraftRow
from server.models.content.media import MediaPicture, MediaRepository, MediaRow
from server.services.content.draft_publication import DraftPublication
from server.services.content.draft_reader import DraftReader
from server.services.content.limits import MAX_DRAFTS, MAX_SCHEDULE_DAYS, MAX_SCHEDULED
from server.services.content.pictures import Pictures, Upload
from server.services.content.places import PlaceChange
from server.services.content.post_options import (
    DEFAULT_OPTIONS,
    NO_CHANGES,
    OptionChanges,
    PostOptions,
)
from server.services.content.post_pictures import ChosenPicture, more_texts_than_pictures, picture_of, tags_in
from server.services.content.posts import SeenEdit, require_seen
from server.services.jobs.jobs import Jobs
from server.services.jobs.unit_of_work import IdempotencyToken, UnitOfWork, WorkContext
from server.services.records import Draft, Post, PostStatus

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class DraftContent:
    """The texts of a draft, and when it is to be published, if it is scheduled."""

    caption: str
    audience: Audience = Audience.PUBLIC
    publish_at_ms: int | None = None
    options: PostOptions = DEFAULT_OPTIONS


@dataclass(frozen=True, slots=True)
class DraftChanges:
    """Changes of a draft by its author; None leaves a value unchanged. `publish_at_ms` belongs to `scheduled`.

    The place, and tags in `media`, are those of the post if the draft is published; a draft does not keep them.
    """

    caption: str | None = None
    alt_texts: Sequence[str] | None = None
    audience: Audience | None = None
    media: Sequence[ChosenPicture] | None = None
    seen: SeenEdit | None = None
    status: PostStatus | None = None
    publish_at_ms: int | None = None
    options: OptionChanges = NO_CHANGES
    place: PlaceChange | None = None


class Drafts:
    def __init__(
        self,
        drafts: DraftRepository,
        media: MediaRepository,
        reader: DraftReader,
        publication: DraftPublication,
        unit_of_work: UnitOfWork,
        jobs: Jobs,
        pictures: Pictures,
    ) -> None:
        self._drafts = drafts
        self._media = media
        self._publication = publication
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self._pictures = pictures
        self.get = reader.get
        self.list_own = reader.list_own

    async def create(
        self,
        author_id: UserId,
        content: DraftContent,
        uploads: Sequence[Upload],
        once: IdempotencyToken | None = None,
    ) -> Draft | Post:
        """Keep photographs in the given order as a draft, which is scheduled if `content` has a time.

        Raises InvalidInput for a time that is not within a year, Conflict for too many drafts, what
        `Pictures.store_all` raises, and AlreadyDone for `once`.
        """
        stored = await self._pictures.store_all(uploads, author_id)
        pictures = [
            (picture.as_media(), upload.alt_text) for picture, upload in zip(stored, uploads, strict=True)
        ]

        async def insert(work: WorkContext) -> DraftId:
            media_ids = [
                await self._insert_media(author_id, picture, alt_text, work) for picture, alt_text in pictures
            ]
            return await self._insert(author_id, content, media_ids, work)

        async with self._pictures.discarded_on_failure(stored):
            draft_id = await self._unit_of_work.run(insert, token=once)
        return await self.get(author_id, draft_id)

    async def create_from_media(
        self,
        author_id: UserId,
        content: DraftContent,
        media_ids: Sequence[MediaId],
        alt_texts: Sequence[str | None] = (),
        once: IdempotencyToken | None = None,
    ) -> Draft | Post:
        """Keep the author's unused media in the given order as a draft. They do not expire as long as it exists.

        `alt_texts` replace those of the first media. Raises as `PostPictures.take` and `create`.
        """
        if len(alt_texts) > len(media_ids):
            raise more_texts_than_pictures()

        async def insert(work: WorkContext) -> DraftId:
            rows = {row.id: row for row in await self._media.lock(author_id, media_ids)}
            for number, media_id in enumerate(media_ids, start=1):
                picture_of(rows.get(media_id), number, "mediaIds")
            for media_id, alt_text in zip(media_ids, alt_texts, strict=False):
                if alt_text is not None:
                    await self._media.describe(media_id, alt_text)
            return await self._insert(author_id, content, media_ids, work)

        draft_id = await self._unit_of_work.run(insert, token=once)
        return await self.get(author_id, draft_id)

    async def edit(self, author_id: UserId, draft_id: DraftId, changes: DraftChanges) -> Draft | Post:
        """Change a draft, set, move or clear its time, or publish it now, which returns the post.

        Publishing again returns the same post. Raises NotFound, InvalidInput for what `create` and `Posts.publish`
        refuse, and Conflict for a draft that was published, or too many that are scheduled.
        """
        removed = await self._unit_of_work.run(
            partial(self._edit, author_id, draft_id, changes), changes=(CacheKey("feed", author_id),)
        )
        await self._remove_pictures(removed)
        return await self.get(author_id, draft_id)

    async def delete(self, author_id: UserId, draft_id: DraftId) -> None:
        """Delete a draft and its pictures. Raises NotFound, and Conflict for one that was published."""

        async def delete(_: WorkContext) -> list[MediaRow]:
            row = await self._lock(author_id, draft_id)
            if row.post_id is not None:
                raise already_published(row.post_id)
            return await self._delete(row)

        await self._remove_pictures(await self._unit_of_work.run(delete))

    async def erase(self, author_id: UserId, draft_id: DraftId) -> None:
        """Delete a draft, published or not, and the pictures that it still has, with the account of its author."""

        async def erase(_: WorkContext) -> list[MediaRow]:
            row = await self._drafts.lock(draft_id)
            return [] if row is None or row.author_id != author_id else await self._delete(row)

        await self._remove_pictures(await self._unit_of_work.run(erase))

    async def _insert_media(
        self, author_id: UserId, picture: MediaPicture, alt_text: str, work: WorkContext
    ) -> MediaId:
        media_id = MediaId(work.new_id())
        await self._media.insert(media_id, author_id, alt_text, picture)
        return media_id

    async def _insert(
        self, author_id: UserId, content: DraftContent, media_ids: Sequence[MediaId], work: WorkContext
    ) -> DraftId:
        draft_id = DraftId(work.result_id)
        await self._media.lock_owner(author_id)
        counts = await self._drafts.count(author_id)
        if counts.all >= MAX_DRAFTS:
            raise Conflict(
                f"You have {MAX_DRAFTS} drafts and scheduled posts: publish or delete some of them.",
                code="too_many_drafts",
            )
        await self._drafts.insert(
            draft_id, author_id, content.caption, content.audience, None, content.options
        )
        await self._media.use(draft_id, media_ids)
        if content.publish_at_ms is not None:
            await self._schedule(author_id, draft_id, content.publish_at_ms, work)
        return draft_id

    async def _edit(
        self, author_id: UserId, draft_id: DraftId, changes: DraftChanges, work: WorkContext
    ) -> list[MediaRow]:
        """Return the media that the draft does not have any more."""
        row = await self._lock(author_id, draft_id)
        if row.post_id is not None:
            if changes == DraftChanges(status=PostStatus.PUBLISHED):
                return []
            raise already_published(row.post_id)
        require_seen(row.edited_at_ms, changes.seen)
        if changes.status is not PostStatus.PUBLISHED:
            _refuse_unkept(changes)
        removed = [] if changes.media is None else await self._arrange(row, changes.media)
        if changes.alt_texts is not None:
            await self._describe(draft_id, changes.alt_texts)
        caption = row.caption if changes.caption is None else changes.caption
        audience = changes.audience or row.audience
        options = changes.options.apply(row.options)
        await self._drafts.edit(draft_id, caption, audience, options, work.now_ms())
        if changes.status is not None:
            await self._set_status(row, changes, work)
        return removed

    async def _set_status(self, row: DraftRow, changes: DraftChanges, work: WorkContext) -> None:
        """Publish a locked draft, or set or clear its time."""
        if changes.status is PostStatus.ARCHIVED:
            raise Conflict("Only a published post can be archived.", code="not_published")
        if row.publish_at_ms is not None:
            await self._jobs.cancel(PostScheduled(row.publish_at_ms, row.id, row.author_id))
        if changes.status is PostStatus.PUBLISHED:
            tags = tags_in(changes.media or ())
            place = None if changes.place is None else changes.place.place
            await self._publication.publish(await self._lock(row.author_id, row.id), work, tags, place)
        elif changes.publish_at_ms is None:
            await self._drafts.schedule(row.id, None)
        else:
            await self._media.lock_owner(row.author_id)
            await self._schedule(row.author_id, row.id, changes.publish_at_ms, work)

    async def _arrange(self, row: DraftRow, chosen: Sequence[ChosenPicture]) -> list[MediaRow]:
        """Let a locked draft have exactly these pictures, in order; return the media that it had besides.

        Raises as `PostPictures.take`, for `media`.
        """
        current = {each.id: each for each in (await self._media.list_by_drafts([row.id])).get(row.id, [])}
        numbers = {each.id: n for n, each in enumerate(chosen, start=1) if each.id not in current}
        unused = (
            {each.id: each for each in await self._media.lock(row.author_id, [*numbers])} if numbers else {}
        )
        for media_id, number in numbers.items():
            picture_of(unused.get(media_id), number, "media")
        removed = [current[each] for each in current.keys() - {each.id for each in chosen}]
        if removed:
            await self._media.delete([each.id for each in removed])
        await self._media.use(row.id, [each.id for each in chosen])
        for each in chosen:
            if each.alt_text is not None:
                await self._media.describe(each.id, each.alt_text)
        return removed

    async def _schedule(
        self, author_id: UserId, draft_id: DraftId, publish_at_ms: int, work: WorkContext
    ) -> None:
        """Set the time of a draft, whose author's row is locked."""
        if not work.now_ms() < publish_at_ms <= work.now_ms() + MAX_SCHEDULE_DAYS * DAY_MS:
            problem = f"Must be in the future, and within {MAX_SCHEDULE_DAYS} days."
            raise InvalidInput("Some values are invalid.", fields={"publishAt": [problem]})
        await self._drafts.schedule(draft_id, publish_at_ms)
        if (await self._drafts.count(author_id)).scheduled > MAX_SCHEDULED:
            raise Conflict(
                f"You have {MAX_SCHEDULED} scheduled posts: publish or delete some of them.",
                code="too_many_scheduled",
            )
        work.emit(PostScheduled(publish_at_ms, draft_id, author_id))

    async def _describe(self, draft_id: DraftId, alt_texts: Sequence[str]) -> None:
        media = (await self._media.list_by_drafts([draft_id])).get(draft_id, [])
        if len(alt_texts) > len(media):
            raise more_texts_than_pictures()
        padded = [*alt_texts, *[""] * (len(media) - len(alt_texts))]
        for each, alt_text in zip(media, padded, strict=True):
            await self._media.describe(each.id, alt_text)

    async def _lock(self, author_id: UserId, draft_id: DraftId) -> DraftRow:
        row = await self._drafts.lock(draft_id)
        if row is None or row.author_id != author_id:
            raise NotFound("Post not found.")
        return row

    async def _delete(self, row: DraftRow) -> list[MediaRow]:
        """Delete a locked draft; return its media, whose pictures are to be removed after the commit."""
        if row.publish_at_ms is not None:
            await self._jobs.cancel(PostScheduled(row.publish_at_ms, row.id, row.author_id))
        media = (await self._media.list_by_drafts([row.id])).get(row.id, [])
        if media:
            await self._media.delete([each.id for each in media])
        await self._drafts.delete([row.id])
        return media

    async def _remove_pictures(self, media: Sequence[MediaRow]) -> None:
        """Delete the files of deleted rows; the sweep finds what a failure leaves."""
        for each in media:
            if each.picture is not None:
                await self._pictures.remove(each.picture.media_key)


def _refuse_unkept(changes: DraftChanges) -> None:
    """Raise InvalidInput for what drafts do not keep."""
    fields: dict[str, list[str]] = {}
    if any(tags_in(changes.media or ()).values()):
        fields["media"] = ["A draft has no tags: send them when you publish it."]
    if changes.place is not None and changes.place.place is not None:
        fields["place"] = ["A draft has no place: send it when you publish the draft."]
    if fields:
        raise InvalidInput("Some values are invalid.", fields=fields)


def already_published(post_id: PostId) -> Conflict:
    """Return the error for a change that only drafts have."""
    return Conflict(f"This post was published: change post {post_id}.", code="already_published")
