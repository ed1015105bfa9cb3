"""The repositories of reports, decisions and the audit log, which the services of this package share."""

from dataclasses import dataclass

from server.models.moderation.actions import ModerationActionRepository
from server.models.moderation.appeals import AppealRepository
from server.models.moderation.audit_chain import AuditChainRepository
from server.models.moderation.report_cases import ReportCaseRepository
from server.models.moderation.reports import ReportRepository


@dataclass(frozen=True, slots=True)
class ModerationTables:
    cases: ReportCaseRepository
    reports: ReportRepository
    actions: ModerationActionRepository
    audit: AuditChainRepository
    appeals: AppealRepository
