"""The effects of decisions of moderators on posts, comments and accounts."""

from server.errors import Forbidden
from server.events import CacheKey
from server.ids import ActionId, CommentId, PostId, UserId
from server.models.accounts.users import UserRepository
from server.models.moderation.actions import (
    CLOSING,
    ModerationAction,
    ModerationActionRepository,
    ModerationActionRow,
)
from server.models.moderation.report_cases import ReportedSubject, SubjectType
from server.services.accounts.account_statuses import AccountStatuses
from server.services.content.comment_removals import CommentRemovals
from server.services.content.posts import Posts
from server.services.content.refused_pictures import RefusedPictures
from server.services.jobs.unit_of_work import WorkContext
from server.services.records import AccountStatus, Role


class Sanctions:
    """Effects run in the caller's unit of work, which names `changes` as changed."""

    def __init__(
        self,
        users: UserRepository,
        actions: ModerationActionRepository,
        posts: Posts,
        comments: CommentRemovals,
        statuses: AccountStatuses,
        refused_pictures: RefusedPictures,
    ) -> None:
        self._users = users
        self._actions = actions
        self._posts = posts
        self._comments = comments
        self._statuses = statuses
        self._refused_pictures = refused_pictures

    def changes(self, action: ModerationAction, subject: ReportedSubject) -> tuple[CacheKey, ...]:
        """Return the cached objects that an action makes stale."""
        if action in CLOSING:
            return (CacheKey("person", subject.author_id),)
        if action is ModerationAction.TAKE_DOWN and subject.post_id is not None:
            return (CacheKey("post", subject.post_id), CacheKey("feed", subject.author_id))
        return ()

    async def suspend(
        self, moderator_id: UserId, user_id: UserId, until_ms: int | None, work: WorkContext
    ) -> str:
        """Suspend an account, and return its previous status. Raises Forbidden for colleagues."""
        is_colleague = await self._users.has_role(user_id, Role.MODERATOR, Role.ADMIN)
        if is_colleague and not await self._users.has_role(moderator_id, Role.ADMIN):
            raise Forbidden("Only administrators may suspend moderators and administrators.")
        return await self._statuses.change(work, user_id, AccountStatus.SUSPENDED, until_ms) or ""

    async def take_down(self, subject: ReportedSubject, action_id: ActionId, work: WorkContext) -> None:
        """Hide a post, or a comment with its replies. Nothing happens if it is hidden or deleted already."""
        assert subject.post_id is not None
        if subject.type is SubjectType.COMMENT:
            await self._comments.take_down(subject.post_id, CommentId(subject.id), action_id, work)
            return
        await self._posts.take_down(PostId(subject.id), action_id, work)

    async def refuse_pictures(self, subject: ReportedSubject, action_id: ActionId, work: WorkContext) -> bool:
        """Refuse further uploads of the pictures of a post. Return whether there are any that can be recognised."""
        if subject.type is not SubjectType.POST:
            return False
        return await self._refused_pictures.refuse_pictures_of(PostId(subject.id), action_id, work) > 0

    async def undo(self, action: ModerationActionRow, subject: ReportedSubject, work: WorkContext) -> None:
        """Undo an action. What its author deleted since then stays deleted; a warning has no effect to undo."""
        if action.action in CLOSING:
            await self._end_suspension(action, work)
        elif action.action is ModerationAction.TAKE_DOWN and subject.post_id is not None:
            if subject.type is SubjectType.COMMENT:
                await self._comments.restore(subject.post_id, CommentId(subject.id), action.id, work)
            else:
                await self._posts.restore(PostId(subject.id), action.id, work)
                await self._refused_pictures.allow_again(action.id)

    async def _end_suspension(self, action: ModerationActionRow, work: WorkContext) -> None:
        """Return the account to its previous status, unless another suspension is in force."""
        user_id = action.author_id
        user = await self._users.lock_status(user_id)
        if user is None or user.status != AccountStatus.SUSPENDED:
            return
        others = [each for each in await self._actions.list_closing(user_id) if each.id != action.id]
        in_force = [each for each in others if each.until_ms is None or each.until_ms > user.now_ms]
        if in_force:
            await self._statuses.change(work, user_id, AccountStatus.SUSPENDED, in_force[0].until_ms)
            return
        if user.delete_after_ms is not None:
            await self._statuses.change(work, user_id, AccountStatus.DELETING)
            await self._users.set_delete_after(user_id, user.delete_after_ms)
            return
        previous = (action, *others)[-1].detail
        is_deactivated = previous == AccountStatus.DEACTIVATED
        status = AccountStatus.DEACTIVATED if is_deactivated else AccountStatus.ACTIVE
        await self._statuses.change(work, user_id, status)
