"""Table `report_cases`: a reported post, comment or user, with all reports made before moderators decide."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tortoise import fields
from tortoise.models import Model

from server.ids import CaseId, FilterId, PostId, UserId
from server.models.database import Database


class SubjectType(StrEnum):
    POST = "post"
    COMMENT = "comment"
    USER = "user"


class CaseStatus(StrEnum):
    OPEN = "open"
    CLAIMED = "claimed"
    RESOLVED = "resolved"


class ReportCaseTable(Model):
    """`open_key` names the subject until the case is resolved, so that a subject has one open case.

    `filter_id`: the filter that the text matched, if no user reported it first. `excerpt` is the text when it was first
    reported: the author may edit or delete it.
    """

    id = fields.BigIntField(primary_key=True, generated=False)
    subject_type = fields.CharField(max_length=8)
    subject_id = fields.BigIntField()
    post_id: fields.Field[int | None] = fields.BigIntField(null=True)
    author_id: int
    author = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=True
    )
    excerpt = fields.TextField()
    status = fields.CharField(max_length=8, default="open")
    filter_id: fields.Field[int | None] = fields.BigIntField(null=True)
    open_key = fields.CharField(max_length=32, null=True, unique=True)
    claimed_by_id: fields.Field[int | None] = fields.BigIntField(null=True)
    claimed_at_ms: fields.Field[int | None] = fields.BigIntField(null=True)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "report_cases"
        indexes = (("status", "id"),)


@dataclass(frozen=True, slots=True)
class ReportedSubject:
    """A reported post, comment or user, whose `author_id` is responsible.

    `post_id` is the post itself, or that of the comment.
    """

    type: SubjectType
    id: int
    post_id: PostId | None
    author_id: UserId

    @property
    def key(self) -> str:
        return f"{self.type}:{self.id}"


@dataclass(frozen=True, slots=True)
class ReportCaseRow:
    id: CaseId
    subject: ReportedSubject
    excerpt: str
    status: CaseStatus
    claimed_by_id: UserId | None
    claimed_at_ms: int | None
    filter_id: FilterId | None


_COLUMNS = "filter_id, id, subject_type, subject_id, post_id, author_id, excerpt, status, claimed_by_id, claimed_at_ms"


class ReportCaseRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(
        self, case_id: CaseId, subject: ReportedSubject, excerpt: str, filter_id: FilterId | None = None
    ) -> None:
        """Raise DuplicateKey if the subject has an open case."""
        await ReportCaseTable.create(
            id=case_id,
            subject_type=subject.type,
            subject_id=subject.id,
            post_id=subject.post_id,
            author_id=subject.author_id,
            excerpt=excerpt,
            filter_id=filter_id,
            open_key=subject.key,
        )

    async def lock_open(self, subject: ReportedSubject) -> CaseId | None:
        """Lock the open case of a subject until the commit."""
        rows = await self._database.rows(
            f"SELECT id FROM report_cases WHERE open_key = ?{self._database.for_update}", [subject.key]
        )
        return CaseId(rows[0]["id"]) if rows else None

    async def get(self, case_id: CaseId) -> ReportCaseRow | None:
        return await self._find(case_id, "")

    async def lock(self, case_id: CaseId) -> ReportCaseRow | None:
        """Lock a case until the commit."""
        return await self._find(case_id, self._database.for_update)

    async def list_by_status(self, status: CaseStatus, after_id: int, limit: int) -> list[ReportCaseRow]:
        """Return cases, oldest first."""
        rows = await self._database.rows(
            f"SELECT {_COLUMNS} FROM report_cases WHERE status = ? AND id > ? ORDER BY id LIMIT ?",
            [status, after_id, limit],
        )
        return [_row(row) for row in rows]

    async def claim(self, case_id: CaseId, moderator_id: UserId, now_ms: int) -> None:
        await self._database.execute(
            "UPDATE report_cases SET status = ?, claimed_by_id = ?, claimed_at_ms = ? WHERE id = ?",
            [CaseStatus.CLAIMED, moderator_id, now_ms, case_id],
        )

    async def resolve(self, case_id: CaseId) -> None:
        await self._database.execute(
            "UPDATE report_cases SET status = ?, open_key = NULL WHERE id = ?", [CaseStatus.RESOLVED, case_id]
        )

    async def _find(self, case_id: CaseId, suffix: str) -> ReportCaseRow | None:
        rows = await self._database.rows(
            f"SELECT {_COLUMNS} FROM report_cases WHERE id = ?{suffix}", [case_id]
        )
        return _row(rows[0]) if rows else None


def _row(row: Mapping[str, Any]) -> ReportCaseRow:
    subject = ReportedSubject(
        SubjectType(row["subject_type"]), row["subject_id"], row["post_id"], UserId(row["author_id"])
    )
    return ReportCaseRow(
        CaseId(row["id"]),
        subject,
        row["excerpt"],
        CaseStatus(row["status"]),
        row["claimed_by_id"],
        row["claimed_at_ms"],
        row["filter_id"],
    )
