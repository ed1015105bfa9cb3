"""Table `reports`: one row per user and case."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from tortoise import fields
from tortoise.models import Model

from server.ids import CaseId, ReportId, UserId
from server.models.database import Database, placeholders


class ReportReason(StrEnum):
    SPAM = "spam"
    NUDITY = "nudity"
    HATE = "hate"
    VIOLENCE = "violence"
    HARASSMENT = "harassment"
    SELF_HARM = "self_harm"
    ILLEGAL = "illegal"
    IMPERSONATION = "impersonation"
    OTHER = "other"


class ReportTable(Model):
    id = fields.BigIntField(primary_key=True, generated=False)
    case_id: int
    case = fields.ForeignKeyField(
        "models.ReportCaseTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )
    reporter_id: int
    reporter = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=True
    )
    reason = fields.CharField(max_length=16)
    comment = fields.CharField(max_length=500, default="")

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "reports"
        unique_together = (("case_id", "reporter_id"),)


@dataclass(frozen=True, slots=True)
class ReportRow:
    id: ReportId
    reason: ReportReason
    comment: str


class ReportRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(self, case_id: CaseId, reporter_id: UserId, report: ReportRow) -> None:
        await ReportTable.create(
            id=report.id,
            case_id=case_id,
            reporter_id=reporter_id,
            reason=report.reason,
            comment=report.comment,
        )

    async def find(self, case_id: CaseId, reporter_id: UserId) -> ReportRow | None:
        rows = await self._database.rows(
            "SELECT id, reason, comment FROM reports WHERE case_id = ? AND reporter_id = ?",
            [case_id, reporter_id],
        )
        if not rows:
            return None
        return ReportRow(ReportId(rows[0]["id"]), ReportReason(rows[0]["reason"]), rows[0]["comment"])

    async def list_reporters(
        self, case_id: CaseId, after_id: int, limit: int
    ) -> list[tuple[ReportId, UserId]]:
        """Return the reports of a case with their reporters, oldest first."""
        rows = await self._database.rows(
            "SELECT id, reporter_id FROM reports WHERE case_id = ? AND id > ? ORDER BY id LIMIT ?",
            [case_id, after_id, limit],
        )
        return [(ReportId(row["id"]), UserId(row["reporter_id"])) for row in rows]

    async def count_of_user(self, user_id: UserId) -> tuple[int, int]:
        """Return how many reports a user made, and how many there are about the user's account and content."""
        (made,) = await self._database.rows(
            "SELECT COUNT(*) AS n FROM reports WHERE reporter_id = ?", [user_id]
        )
        (about,) = await self._database.rows(
            "SELECT COUNT(*) AS n FROM report_cases c JOIN reports r ON r.case_id = c.id WHERE c.author_id = ?",
            [user_id],
        )
        return made["n"], about["n"]

    async def count_reasons(self, case_ids: Sequence[CaseId]) -> dict[CaseId, dict[ReportReason, int]]:
        """Return how many reports of each case give each reason, the most frequent first."""
        if not case_ids:
            return {}
        rows = await self._database.rows(
            "SELECT case_id, reason, COUNT(*) AS n FROM reports"
            f" WHERE case_id IN ({placeholders(len(case_ids))}) GROUP BY case_id, reason ORDER BY n DESC, reason",
            case_ids,
        )
        counts: dict[CaseId, dict[ReportReason, int]] = {}
        for row in rows:
            counts.setdefault(CaseId(row["case_id"]), {})[ReportReason(row["reason"])] = row["n"]
        return counts
