"""Decisions of moderators, which resolve all reports of a subject, and the audit log."""

from dataclasses import dataclass
from functools import partial

from server.errors import Forbidden, InvalidInput
from server.events import CacheKey
from server.ids import ActionId, CaseId, CommentId, PostId, UserId
from server.models.accounts.users import UserRepository
from server.models.moderation.actions import (
    ModerationAction,
    ModerationActionRepository,
    ModerationActionRow,
    new_action,
)
from server.models.moderation.report_cases import ReportCaseRepository, ReportedSubject, SubjectType
from server.paging import Page, PageRequest, cut
from server.services.accounts.account_statuses import AccountStatuses
from server.services.accounts.revocations import Revocations
from server.services.content.comments import Comments
from server.services.content.posts import Posts
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.moderation.report_queue import case_not_found, require_available
from server.services.records import AccountStatus, Role

DAY_MS = 86_400_000
CLOSES_ACCOUNT = (ModerationAction.SUSPEND, ModerationAction.BAN)


@dataclass(frozen=True, slots=True)
class Decision:
    """`days`: the length of a suspension; None for other actions."""

    action: ModerationAction
    note: str
    days: int | None = None


class Decisions:
    def __init__(
        self,
        cases: ReportCaseRepository,
        actions: ModerationActionRepository,
        users: UserRepository,
        posts: Posts,
        comments: Comments,
        statuses: AccountStatuses,
        revocations: Revocations,
        unit_of_work: UnitOfWork,
    ) -> None:
        self._cases = cases
        self._actions = actions
        self._users = users
        self._posts = posts
        self._comments = comments
        self._statuses = statuses
        self._revocations = revocations
        self._unit_of_work = unit_of_work

    async def resolve(self, moderator_id: UserId, case_id: CaseId, decision: Decision) -> ModerationActionRow:
        """Resolve all reports of a subject; the action has taken effect everywhere when this returns.

        Raises NotFound, InvalidInput for an action that the subject does not allow, Forbidden for a case about the
        moderator and for suspending a colleague, and Conflict if it is resolved or another moderator's.
        """
        case = await self._cases.get(case_id)
        if case is None:
            raise case_not_found()
        subject = case.subject
        if decision.action is ModerationAction.TAKE_DOWN and subject.post_id is None:
            raise InvalidInput(
                "An account cannot be taken down.", fields={"action": ["Choose `suspend` or `ban`."]}
            )
        row = await self._unit_of_work.run(
            partial(self._resolve, moderator_id, case_id, decision), changes=_changes(subject, decision)
        )
        if decision.action in CLOSES_ACCOUNT:
            await self._revocations.propagate(subject.author_id)
        return row

    async def list_actions(
        self, actor_id: UserId | None, author_id: UserId | None, request: PageRequest
    ) -> Page[ModerationActionRow]:
        """Return the audit log, newest first; of one moderator, about one user, or both."""
        rows = await self._actions.list_page(actor_id, author_id, request.before_id, request.limit + 1)
        return cut(rows, request.limit, lambda row: row.id)

    async def _resolve(
        self, moderator_id: UserId, case_id: CaseId, decision: Decision, work: WorkContext
    ) -> ModerationActionRow:
        now_ms = work.now_ms()
        case = require_available(await self._cases.lock(case_id), moderator_id, now_ms)
        until_ms = None if decision.days is None else now_ms + decision.days * DAY_MS
        if decision.action in CLOSES_ACCOUNT:
            await self._suspend(moderator_id, case.subject.author_id, until_ms, work)
        elif decision.action is ModerationAction.TAKE_DOWN:
            await self._take_down(case.subject, work)
        await self._cases.resolve(case_id)
        row = new_action(
            ActionId(work.new_id()),
            moderator_id,
            decision.action,
            (case_id, case.subject),
            decision.note,
            until_ms,
            now_ms,
        )
        await self._actions.insert(row)
        return row

    async def _suspend(
        self, moderator_id: UserId, user_id: UserId, until_ms: int | None, work: WorkContext
    ) -> None:
        is_colleague = await self._users.has_role(user_id, Role.MODERATOR, Role.ADMIN)
        if is_colleague and not await self._users.has_role(moderator_id, Role.ADMIN):
            raise Forbidden("Only administrators may suspend moderators and administrators.")
        await self._statuses.change(work, user_id, AccountStatus.SUSPENDED, until_ms)

    async def _take_down(self, subject: ReportedSubject, work: WorkContext) -> None:
        """Hide a post, or delete a comment with its replies. Nothing happens if it is hidden or deleted already."""
        assert subject.post_id is not None
        if subject.type is SubjectType.COMMENT:
            await self._comments.take_down(subject.post_id, CommentId(subject.id), work)
            return
        await self._posts.take_down(PostId(subject.id), work)


def _changes(subject: ReportedSubject, decision: Decision) -> tuple[CacheKey, ...]:
    if decision.action in CLOSES_ACCOUNT:
        return (CacheKey("person", subject.author_id),)
    if decision.action is ModerationAction.TAKE_DOWN and subject.post_id is not None:
        return (CacheKey("post", subject.post_id),)
    return ()
