"""Reports of posts, comments and users, by users who can see them."""

from dataclasses import dataclass

from server.errors import InvalidInput, NotFound
from server.ids import CaseId, CommentId, PostId, ReportId, UserId, id_timestamp_ms
from server.models.content.comments import CommentRepository
from server.models.content.posts import PostRepository
from server.models.database import DuplicateKey
from server.models.moderation.report_cases import ReportCaseRepository, ReportedSubject, SubjectType
from server.models.moderation.reports import ReportReason, ReportRepository, ReportRow
from server.services.content.visibility import Visibility
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.people.user_lookup import UserLookup


@dataclass(frozen=True, slots=True)
class Report:
    """A user's report. `created` is False if the user had reported the same before, and nothing was changed."""

    id: ReportId
    subject_type: SubjectType
    subject_id: int
    reason: ReportReason
    comment: str
    created_at_ms: int
    created: bool


class Reports:
    def __init__(
        self,
        cases: ReportCaseRepository,
        reports: ReportRepository,
        posts: PostRepository,
        comments: CommentRepository,
        lookup: UserLookup,
        visibility: Visibility,
        unit_of_work: UnitOfWork,
    ) -> None:
        self._cases = cases
        self._reports = reports
        self._posts = posts
        self._comments = comments
        self._lookup = lookup
        self._visibility = visibility
        self._unit_of_work = unit_of_work

    async def report(
        self,
        reporter_id: UserId,
        subject_type: SubjectType,
        subject_id: int,
        reason: ReportReason,
        comment: str,
    ) -> Report:
        """Report what the user can see; while a report is open, a second one returns the first.

        Raises NotFound for what the user cannot see, and InvalidInput for the user's own account or content.
        """
        subject, excerpt = await self._find(reporter_id, subject_type, subject_id)
        if subject.author_id == reporter_id:
            raise InvalidInput("You cannot report yourself.", code="own_account")

        async def insert(work: WorkContext) -> tuple[ReportRow, bool]:
            case_id = await self._cases.lock_open(subject)
            if case_id is None:
                case_id = CaseId(work.new_id())
                await self._cases.insert(case_id, subject, excerpt)
            elif earlier := await self._reports.find(case_id, reporter_id):
                return earlier, False
            row = ReportRow(ReportId(work.new_id()), reason, comment)
            await self._reports.insert(case_id, reporter_id, row)
            return row, True

        try:
            row, created = await self._unit_of_work.run(insert)
        except DuplicateKey:  # another user reported the same at this moment: join that case
            row, created = await self._unit_of_work.run(insert)
        return Report(
            row.id, subject_type, subject_id, row.reason, row.comment, id_timestamp_ms(row.id), created
        )

    async def _find(
        self, viewer_id: UserId, subject_type: SubjectType, subject_id: int
    ) -> tuple[ReportedSubject, str]:
        """Return what is reported, and its text. Raises NotFound."""
        match subject_type:
            case SubjectType.POST:
                post = await self._visibility.get_post(viewer_id, PostId(subject_id))
                caption = await self._posts.get_caption(post.id)
                return ReportedSubject(subject_type, post.id, post.id, post.author_id), caption
            case SubjectType.COMMENT:
                return await self._find_comment(viewer_id, CommentId(subject_id))
            case SubjectType.USER:
                user_id = await self._lookup.resolve(viewer_id, UserId(subject_id))
                return ReportedSubject(subject_type, user_id, None, user_id), ""

    async def _find_comment(self, viewer_id: UserId, comment_id: CommentId) -> tuple[ReportedSubject, str]:
        comment = await self._comments.find_text(comment_id, self._visibility.comments(viewer_id))
        if comment is None:
            raise NotFound("Comment not found.")
        await self._visibility.get_post(viewer_id, comment.post_id)
        subject = ReportedSubject(SubjectType.COMMENT, comment_id, comment.post_id, comment.author_id)
        return subject, comment.content
