"""Publication of drafts: at once, or by a job at the time that their author set."""

from collections.abc import Mapping, Sequence
from functools import partial

from server.errors import InvalidInput
from server.events import CacheKey
from server.ids import DraftId, MediaId, PostId, UserId
from server.models.accounts.users import UserRepository
from server.models.conditions import Column
from server.models.content.drafts import DraftRepository, DraftRow
from server.models.content.media import MediaRepository
from server.models.people.visibility import active_users
from server.services.content.pictures import Pictures
from server.services.content.places import ChosenPlace
from server.services.content.post_pictures import PostPicture, picture_of
from server.services.content.posts import NO_TAGS, Posts
from server.services.jobs.claims import Claim
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.records import Tag


class DraftPublication:
    """Everything happens in the transaction that holds the lock of the draft, so a draft becomes one post at most."""

    def __init__(
        self,
        drafts: DraftRepository,
        media: MediaRepository,
        users: UserRepository,
        posts: Posts,
        pictures: Pictures,
        unit_of_work: UnitOfWork,
    ) -> None:
        self._drafts = drafts
        self._media = media
        self._users = users
        self._posts = posts
        self._pictures = pictures
        self._unit_of_work = unit_of_work

    async def publish(
        self,
        draft: DraftRow,
        work: WorkContext,
        tags: Mapping[MediaId, Sequence[Tag]] = NO_TAGS,
        place: ChosenPlace | None = None,
    ) -> PostId:
        """Turn a locked draft into a post within the caller's unit of work, as `Posts.insert`.

        Raises InvalidInput for texts, pictures, tags and places that are not allowed.
        """
        rows = (await self._media.list_by_drafts([draft.id])).get(draft.id, [])
        pictures = [picture_of(row, number, "media") for number, row in enumerate(rows, start=1)]
        await self._require_allowed(pictures)
        await self._media.delete([row.id for row in rows])
        post_id = await self._posts.insert(
            draft.author_id, draft.caption, pictures, draft.audience, work, tags, draft.options, place
        )
        await self._drafts.set_published(draft.id, post_id)
        return post_id

    async def _require_allowed(self, pictures: Sequence[PostPicture]) -> None:
        """Raise InvalidInput for a picture that moderators have refused since it was uploaded."""
        for number, each in enumerate(pictures, start=1):
            try:
                await self._pictures.require_allowed(each.picture)
            except InvalidInput as error:
                error.detail = f"Image {number}: {error.detail}"
                raise

    async def publish_due(self, claim: Claim) -> None:
        """Run the job of PostScheduled.

        Idempotent, and independent of the order of jobs: the locked row says whether its time has come, and the post is
        committed together with the end of the job. A post that may not be published becomes a draft that says why.
        """
        draft_id, author_id = DraftId(claim.payload["draft_id"]), UserId(claim.payload["author_id"])
        try:
            await self._unit_of_work.run(
                partial(self._publish_due, draft_id), completes=claim, changes=(CacheKey("feed", author_id),)
            )
        except InvalidInput as error:
            await self._unit_of_work.run(
                partial(self._keep_as_draft, draft_id, error.code, error.detail), completes=claim
            )

    async def _publish_due(self, draft_id: DraftId, work: WorkContext) -> None:
        draft = await self._drafts.lock(draft_id)
        if draft is None or not draft.is_due:
            return
        if await self._users.exists(draft.author_id, active_users(Column("u.id"))):
            await self.publish(draft, work)
        else:
            detail = "Your account was hidden at that time. Publish the post, or choose another time."
            await self._drafts.schedule(draft_id, None, "account_hidden", detail)

    async def _keep_as_draft(self, draft_id: DraftId, code: str, detail: str, _: WorkContext) -> None:
        draft = await self._drafts.lock(draft_id)
        if draft is not None and draft.is_due:
            await self._drafts.schedule(draft_id, None, code, detail)
