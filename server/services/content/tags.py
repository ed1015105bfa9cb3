"""Tags: users in the pictures of posts, with their consent.

A user decides who may tag, and whether a tag waits for approval. Until then the author and the user alone see it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from server.errors import InvalidInput, NotFound
from server.events import CacheKey, PeopleTagged
from server.ids import MediaId, PostId, UserId
from server.models.accounts.users import UserRepository
from server.models.conditions import Column
from server.models.content.posts import PostRepository
from server.models.content.tags import TagRepository, TagRow, TagSettingsRow, TagStatus
from server.models.content.visibility import NOT_DELETED
from server.models.people.blocks import BlockRepository
from server.models.people.visibility import unblocked_users
from server.paging import Page, PageRequest, cut
from server.services.content.cards import Cards
from server.services.content.picture_changes import record_picture_change
from server.services.content.visibility import Visibility
from server.services.jobs.claims import Claim
from server.services.jobs.jobs import Jobs
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.records import Post, RelatedUser, Tag, TagPermission, TagSettings

SHOWN = (TagStatus.PENDING, TagStatus.APPROVED)
POSTS_PER_QUERY = 100


@dataclass(frozen=True, slots=True)
class ShownTag:
    """A tag as one viewer sees it; `pending`: the user has not approved it."""

    image_id: MediaId
    tag: Tag
    user: RelatedUser
    pending: bool


class Tags:
    def __init__(
        self,
        tags: TagRepository,
        users: UserRepository,
        posts: PostRepository,
        blocks: BlockRepository,
        unit_of_work: UnitOfWork,
        jobs: Jobs,
        cards: Cards,
        visibility: Visibility,
    ) -> None:
        self._tags = tags
        self._users = users
        self._posts = posts
        self._blocks = blocks
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self._cards = cards
        self._visibility = visibility

    async def set_tags(
        self,
        post_id: PostId,
        author_id: UserId,
        wanted: Mapping[MediaId, Sequence[Tag]],
        work: WorkContext,
    ) -> bool:
        """Let pictures of a post have exactly the wanted tags; those of other pictures stay. Return if any changed.

        Call it within the transaction that inserts or locks the post, after its audience is set. Raises InvalidInput,
        without the reason, for users who do not exist or cannot be tagged: by the author, in this post, or any more.
        """
        current = {(row.image_id, row.user_id): row for row in await self._tags.list_by_post(post_id)}
        listed = {(image_id, tag.user_id) for image_id, tags in wanted.items() for tag in tags}
        added = {user_id for image_id, user_id in listed if (image_id, user_id) not in current}
        statuses = await self._tags.find_taggable(author_id, post_id, sorted(added)) if added else {}
        for image_id, tags in wanted.items():
            for tag in tags:
                row = current.get((image_id, tag.user_id))
                if row is not None and row.status is not TagStatus.REMOVED:
                    await self._tags.move(row.id, tag.x, tag.y)
                elif row is None and tag.user_id in statuses:
                    status = statuses[tag.user_id]
                    new = TagRow(work.new_id(), image_id, tag.user_id, tag.x, tag.y, status)
                    await self._tags.insert(post_id, new)
                else:
                    raise _untaggable(tag.user_id)
        dropped = [
            row.id
            for key, row in current.items()
            if row.image_id in wanted and key not in listed and row.status is not TagStatus.REMOVED
        ]
        if dropped:
            await self._tags.delete(dropped)
        return bool(listed or dropped)

    async def list_by_post(self, viewer_id: UserId, post_id: PostId) -> list[ShownTag]:
        """Return the tags in a post that the viewer may see, in the order of the pictures. Raises NotFound."""
        await self._visibility.get_post(viewer_id, post_id)
        rows = await self._tags.list_shown(post_id, self._visibility.tags(viewer_id))
        related = await self._cards.relate(viewer_id, [row.user for row in rows])
        users = {each.card.id: each for each in related}
        return [
            ShownTag(
                row.tag.image_id,
                Tag(row.tag.user_id, row.tag.x, row.tag.y),
                users[row.tag.user_id],
                row.tag.status is TagStatus.PENDING,
            )
            for row in rows
            if row.tag.user_id in users
        ]

    async def list_posts(self, viewer_id: UserId, user_id: UserId, request: PageRequest) -> Page[Post]:
        """Return the posts with approved tags of a user that the viewer may see, newest first.

        Of a private account, its followers see them. Raises NotFound for a missing user, or one who blocked the viewer.
        """
        visible = self._visibility.tagged_posts(viewer_id, user_id)
        ids = await self._tags.list_post_ids(
            user_id, TagStatus.APPROVED, visible, request.before_id, request.limit + 1
        )
        if not ids and not await self._users.exists(user_id, unblocked_users(viewer_id, Column("u.id"))):
            raise NotFound("User not found.")
        return cut(await self._cards.list_posts(ids, viewer_id), request.limit, lambda post: post.id)

    async def list_pending(self, user_id: UserId, request: PageRequest) -> Page[Post]:
        """Return the posts in which the user has to approve tags, newest first."""
        visible = self._visibility.posts(user_id)
        ids = await self._tags.list_post_ids(
            user_id, TagStatus.PENDING, visible, request.before_id, request.limit + 1
        )
        return cut(await self._cards.list_posts(ids, user_id), request.limit, lambda post: post.id)

    async def approve(self, user_id: UserId, post_id: PostId) -> None:
        """Show the tags of the user in a post to others; a second time changes nothing.

        Raises NotFound if the user does not see the post, or is not tagged in it.
        """

        async def approve(work: WorkContext) -> None:
            post = await self._visibility.lock_post(user_id, post_id)
            pending = (TagStatus.PENDING,)
            if await self._tags.set_status(post_id, user_id, pending, TagStatus.APPROVED):
                await record_picture_change(self._posts, post, work)
            elif not await self._tags.exists(post_id, user_id, TagStatus.APPROVED):
                raise _not_tagged()

        await self._unit_of_work.run(approve, changes=(CacheKey("post", post_id),))

    async def remove(self, user_id: UserId, post_id: PostId) -> None:
        """Remove the user's tags from a post for good, also from one that the user does not see. Raises NotFound."""
        removed = await self._unit_of_work.run(
            partial(self._remove, user_id, post_id), changes=(CacheKey("post", post_id),)
        )
        if not removed:
            raise _not_tagged()

    async def get_settings(self, user_id: UserId) -> TagSettings:
        row = await self._tags.get_settings(user_id)
        return TagSettings(row.permission, row.manual)

    async def change_settings(
        self, user_id: UserId, allowed_from: TagPermission | None, manual_approval: bool | None
    ) -> TagSettings:
        """Change who may tag the user later, and whether tags wait for approval; None leaves a value unchanged."""

        async def change(_: WorkContext) -> TagSettings:
            previous = await self._tags.get_settings(user_id)
            row = TagSettingsRow(
                previous.permission if allowed_from is None else allowed_from,
                previous.manual if manual_approval is None else manual_approval,
            )
            await self._tags.set_settings(user_id, row)
            return TagSettings(row.permission, row.manual)

        return await self._unit_of_work.run(change)

    async def remove_between(self, claim: Claim) -> None:
        """Remove the tags of two users in each other's posts, unless the block has ended. Idempotent."""
        blocker_id, blocked_id = UserId(claim.payload["blocker_id"]), UserId(claim.payload["blocked_id"])
        if await self._blocks.exists(blocker_id, blocked_id):
            for author_id, user_id in ((blocker_id, blocked_id), (blocked_id, blocker_id)):
                while ids := await self._tags.list_posts_between(author_id, user_id, POSTS_PER_QUERY):
                    for post_id in ids:
                        await self._unit_of_work.run(
                            partial(self._remove, user_id, post_id), changes=(CacheKey("post", post_id),)
                        )
                    await self._jobs.save_progress(claim, {})
        await self._jobs.finish(claim)

    async def erase(self, user_id: UserId, post_id: PostId) -> None:
        """Delete the user's tags in a post, for the erasure of the account."""

        async def erase(work: WorkContext) -> None:
            await self._remove(user_id, post_id, work)
            await self._tags.delete_by_user(post_id, user_id)

        await self._unit_of_work.run(erase, changes=(CacheKey("post", post_id),))

    async def _remove(self, user_id: UserId, post_id: PostId, work: WorkContext) -> bool:
        """Return whether there was a tag; those of a hidden post change without a trace in caches."""
        post = await self._posts.lock(post_id, NOT_DELETED)
        removed = await self._tags.set_status(post_id, user_id, SHOWN, TagStatus.REMOVED)
        if removed and post is not None:
            await record_picture_change(self._posts, post, work)
            work.emit(PeopleTagged(post_id, post.author_id))
        return removed


def _untaggable(user_id: UserId) -> InvalidInput:
    return InvalidInput(
        "Some users cannot be tagged.",
        code="untaggable_user",
        fields={"media": [f"User {user_id} cannot be tagged."]},
    )


def _not_tagged() -> NotFound:
    return NotFound("You are not tagged in such a post.")
