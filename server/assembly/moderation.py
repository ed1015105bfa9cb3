"""Reports and what moderators do about them."""

from dataclasses import dataclass

from server.assembly.collaborators import Collaborators
from server.services.accounts.authentication.reauthentication import Reauthentication
from server.services.erasure.contents import ContentServices
from server.services.moderation.appeal_queue import AppealQueue
from server.services.moderation.appeals import Appeals
from server.services.moderation.decision_emails import DecisionEmails
from server.services.moderation.decisions import Decisions
from server.services.moderation.filter_administration import FilterAdministration
from server.services.moderation.matched_reports import MatchedReports
from server.services.moderation.own_decisions import OwnDecisions
from server.services.moderation.report_queue import ReportQueue
from server.services.moderation.reports import Reports
from server.services.moderation.sanctions import Sanctions
from server.services.moderation.session_administration import SessionAdministration
from server.services.moderation.staff import Staff
from server.services.moderation.standings import Standings
from server.services.moderation.tables import ModerationTables
from server.settings import Settings


@dataclass(frozen=True, slots=True)
class ModerationServices:
    """The services of the package `moderation`."""

    reports: Reports
    report_queue: ReportQueue
    decisions: Decisions
    own_decisions: OwnDecisions
    filter_administration: FilterAdministration
    matched_reports: MatchedReports
    appeals: Appeals
    appeal_queue: AppealQueue
    standings: Standings
    staff: Staff
    sessions: SessionAdministration
    decision_emails: DecisionEmails


def build_moderation(
    settings: Settings, shared: Collaborators, contents: ContentServices, reauthentication: Reauthentication
) -> ModerationServices:
    rows, work = shared.rows, shared.unit_of_work
    tables = ModerationTables(
        rows.report_cases, rows.reports, rows.moderation_actions, rows.audit_chain, rows.appeals
    )
    sanctions = Sanctions(
        rows.users,
        rows.moderation_actions,
        contents.posts,
        contents.comment_removals,
        shared.statuses,
        shared.refused_pictures,
    )
    return ModerationServices(
        reports=Reports(
            rows.report_cases, rows.reports, rows.posts, rows.comments, shared.lookup, shared.visibility, work
        ),
        report_queue=ReportQueue(rows.report_cases, rows.reports, rows.audit_chain, shared.cards, work),
        decisions=Decisions(tables, sanctions, shared.revocations, work),
        own_decisions=OwnDecisions(rows.moderation_actions, rows.appeals),
        appeals=Appeals(tables, shared.appeal_tokens, work),
        appeal_queue=AppealQueue(tables, rows.users, sanctions, shared.cards, work),
        standings=Standings(tables, rows.users, shared.cards),
        staff=Staff(rows.users, rows.audit_chain, reauthentication, shared.cards, work),
        sessions=SessionAdministration(
            rows.users, rows.sessions, shared.active_sessions, shared.revocations, rows.audit_chain, work
        ),
        filter_administration=FilterAdministration(
            rows.content_filters, rows.audit_chain, shared.text_filters, work
        ),
        matched_reports=MatchedReports(rows.report_cases, rows.posts, rows.comments, work, shared.jobs),
        decision_emails=DecisionEmails(
            rows.users,
            rows.moderation_actions,
            shared.appeal_tokens,
            shared.jobs,
            shared.email_delivery,
            f"{settings.client_url}/appeal",
        ),
    )
