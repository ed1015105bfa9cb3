"""The effects of decisions of moderators on posts, comments and accounts."""

from server.errors import Forbidden
from server.events import CacheKey
from server.ids import CommentId, PostId, UserId
from server.models.accounts.users import UserRepository
from server.models.moderation.actions import CLOSING, ModerationAction
from server.models.moderation.report_cases import ReportedSubject, SubjectType
from server.services.accounts.account_statuses import AccountStatuses
from server.services.content.comments import Comments
from server.services.content.posts import Posts
from server.services.jobs.unit_of_work import WorkContext
from server.services.records import AccountStatus, Role


class Sanctions:
    """Effects run in the caller's unit of work, which names `changes` as changed."""

    def __init__(
        self, users: UserRepository, posts: Posts, comments: Comments, statuses: AccountStatuses
    ) -> None:
        self._users = users
        self._posts = posts
        self._comments = comments
        self._statuses = statuses

    def changes(self, action: ModerationAction, subject: ReportedSubject) -> tuple[CacheKey, ...]:
        """Return the cached objects that an action makes stale."""
        if action in CLOSING:
            return (CacheKey("person", subject.author_id),)
        if action is ModerationAction.TAKE_DOWN and subject.post_id is not None:
            return (CacheKey("post", subject.post_id),)
        return ()

    async def suspend(
        self, moderator_id: UserId, user_id: UserId, until_ms: int | None, work: WorkContext
    ) -> str:
        """Suspend an account, and return its previous status. Raises Forbidden for colleagues."""
        is_colleague = await self._users.has_role(user_id, Role.MODERATOR, Role.ADMIN)
        if is_colleague and not await self._users.has_role(moderator_id, Role.ADMIN):
            raise Forbidden("Only administrators may suspend moderators and administrators.")
        return await self._statuses.change(work, user_id, AccountStatus.SUSPENDED, until_ms) or ""

    async def take_down(self, subject: ReportedSubject, work: WorkContext) -> None:
        """Hide a post, or delete a comment with its replies. Nothing happens if it is hidden or deleted already."""
        assert subject.post_id is not None
        if subject.type is SubjectType.COMMENT:
            await self._comments.take_down(subject.post_id, CommentId(subject.id), work)
            return
        await self._posts.take_down(PostId(subject.id), work)
