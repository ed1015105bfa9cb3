"""The job that reports what matched a filter, without a reporter."""

from functools import partial

from server.ids import CaseId, CommentId, FilterId, PostId, UserId
from server.models.conditions import ALL
from server.models.content.comments import CommentRepository
from server.models.content.posts import PostRepository
from server.models.content.visibility import NOT_DELETED
from server.models.database import DuplicateKey, SerializationFailure
from server.models.moderation.report_cases import ReportCaseRepository, ReportedSubject, SubjectType
from server.services.jobs.claims import Claim
from server.services.jobs.jobs import Jobs
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext


class MatchedReports:
    def __init__(
        self,
        cases: ReportCaseRepository,
        posts: PostRepository,
        comments: CommentRepository,
        unit_of_work: UnitOfWork,
        jobs: Jobs,
    ) -> None:
        self._cases = cases
        self._posts = posts
        self._comments = comments
        self._unit_of_work = unit_of_work
        self._jobs = jobs

    async def report(self, claim: Claim) -> None:
        """Open a case for the subject unless it has one. Running it twice opens one case."""
        found = await self._find(claim)
        if found is None:  # deleted since then
            await self._jobs.finish(claim)
            return
        await self._unit_of_work.run(partial(self._open, claim, *found), completes=claim)

    async def _open(self, claim: Claim, subject: ReportedSubject, excerpt: str, work: WorkContext) -> None:
        if await self._cases.lock_open(subject) is not None:
            return
        filter_id = FilterId(claim.payload["filter_id"])
        try:
            await self._cases.insert(CaseId(work.new_id()), subject, excerpt, filter_id)
        except DuplicateKey as error:
            raise SerializationFailure("A user reported the same at this moment.") from error

    async def _find(self, claim: Claim) -> tuple[ReportedSubject, str] | None:
        """Return the subject and its text."""
        type_, author_id = SubjectType(claim.payload["subject_type"]), UserId(claim.payload["author_id"])
        subject_id = int(claim.payload["subject_id"])
        match type_:
            case SubjectType.POST:
                post_id = PostId(subject_id)
                if await self._posts.get(post_id, NOT_DELETED) is None:
                    return None
                return ReportedSubject(type_, post_id, post_id, author_id), await self._posts.get_caption(
                    post_id
                )
            case SubjectType.COMMENT:
                comment = await self._comments.find_text(CommentId(subject_id), ALL)
                if comment is None:
                    return None
                return ReportedSubject(type_, subject_id, comment.post_id, author_id), comment.content
            case SubjectType.USER:
                return ReportedSubject(type_, author_id, None, author_id), ""
