"""Texts of the e-mails about decisions of moderators."""

from collections.abc import Mapping

from server.clock import moment
from server.models.moderation.actions import ModerationAction, ModerationActionRow
from server.models.moderation.report_cases import SubjectType
from server.models.moderation.reports import ReportReason

REASONS: Mapping[str, str] = {
    ReportReason.SPAM: "spam",
    ReportReason.NUDITY: "nudity or sexual content",
    ReportReason.HATE: "hate",
    ReportReason.VIOLENCE: "violence",
    ReportReason.HARASSMENT: "harassment",
    ReportReason.SELF_HARM: "self-harm",
    ReportReason.ILLEGAL: "illegal content",
    ReportReason.IMPERSONATION: "impersonation of another person",
    ReportReason.OTHER: "another violation of the rules",
}
SUBJECTS: Mapping[str, str] = {
    SubjectType.POST: "your post",
    SubjectType.COMMENT: "your comment",
    SubjectType.USER: "your account",
}


def title(action: ModerationAction, subject_type: str) -> str:
    """Return the subject of the e-mail."""
    match action:
        case ModerationAction.WARN:
            return "A warning about " + SUBJECTS[subject_type]
        case ModerationAction.TAKE_DOWN:
            return f"{SUBJECTS[subject_type].capitalize()} was removed"
        case ModerationAction.SUSPEND:
            return "Your account is suspended"
        case ModerationAction.BAN:
            return "Your account is banned"
        case ModerationAction.UPHOLD:
            return "Your appeal was not accepted"
        case ModerationAction.REVERSE:
            return "Your appeal was accepted"
        case _:
            return "A decision about your account was withdrawn"


def effect(row: ModerationActionRow, about: ModerationActionRow | None) -> str:
    """Return what happens, as one or two sentences; `about` is the decision that `row` upholds or undoes."""
    match row.action:
        case ModerationAction.WARN:
            return f"Moderators warn you about {SUBJECTS[row.subject_type]}. Nothing else changes."
        case ModerationAction.TAKE_DOWN:
            replies = " and the replies to it" if row.subject_type == SubjectType.COMMENT else ""
            return f"Moderators removed {SUBJECTS[row.subject_type]}{replies}. It is hidden from all users."
        case ModerationAction.SUSPEND:
            until = "" if row.until_ms is None else f" until {date(row.until_ms)}"
            return f"Moderators suspended your account{until}. You cannot sign in, and others cannot see it."
        case ModerationAction.BAN:
            return "Moderators closed your account. You cannot sign in, and others cannot see it."
        case ModerationAction.UPHOLD:
            return "Another moderator has read your appeal. The decision stays as it is."
        case _:
            return f"The decision was withdrawn. {_undone(row if about is None else about)}"


def date(at_ms: int) -> str:
    return f"{moment(at_ms):%Y-%m-%d %H:%M} UTC"


def _undone(about: ModerationActionRow) -> str:
    match about.action:
        case ModerationAction.WARN:
            return "The warning does not count any more."
        case ModerationAction.TAKE_DOWN:
            return f"{SUBJECTS[about.subject_type].capitalize()} is visible again."
        case _:
            return "You can sign in again, unless another decision prevents it."
