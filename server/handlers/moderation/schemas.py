"""Schemas of `/moderation`."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from server.handlers.fields import Count, Id, RequestSchema, StrictBoolean, Text, Timestamp
from server.handlers.schemas import ImageSchema, PageQuery
from server.handlers.user_cards import UserCardSchema
from server.services.moderation.appeal_queue import AppealStatus
from server.services.moderation.decisions import DECISIONS, ModerationAction
from server.services.moderation.own_decisions import NOTIFIED
from server.services.moderation.report_queue import CaseStatus
from server.services.moderation.reports import ReportReason, SubjectType
from server.services.records import AccountStatus, Role

MAX_NOTE = 1000
MAX_DAYS = 365


class QueueQuery(PageQuery):
    status = fields.Enum(CaseStatus, by_value=fields.String, load_default=CaseStatus.OPEN)


class AuditQuery(PageQuery):
    actorId = Id(metadata={"description": "Actions of this moderator."})
    userId = Id(metadata={"description": "Actions on this user's account and content."})


class DecisionBody(RequestSchema):
    """A decision; `days` is required for `suspend`, and not allowed for other actions."""

    action = fields.String(required=True, validate=validate.OneOf([each.value for each in DECISIONS]))
    note = Text(maximum=MAX_NOTE, load_default="", metadata={"description": "For other moderators."})
    reason = fields.Enum(
        ReportReason,
        by_value=fields.String,
        metadata={"description": "The reason that the person gets; by default the one of most reports."},
    )
    message = Text(maximum=MAX_NOTE, load_default="", metadata={"description": "For the person concerned."})
    blockPictures = StrictBoolean(
        load_default=True,
        metadata={
            "description": "With `take_down`: refuse the post's pictures when they are uploaded again."
        },
    )
    days = fields.Integer(
        strict=True,
        validate=validate.Range(1, MAX_DAYS),
        metadata={"description": "Required for `suspend`, and not allowed for other actions."},
    )

    @validates_schema
    def require_days_of_suspension(self, data: dict[str, Any], **_: Any) -> None:
        if (data.get("action") == ModerationAction.SUSPEND) != ("days" in data):
            raise ValidationError("Required for suspend, and only for it.", "days")


class ReasonCountSchema(Schema):
    reason = fields.Enum(ReportReason, by_value=fields.String, required=True)
    count = Count(required=True)


class ReportCaseSchema(Schema):
    """All reports of one subject."""

    id = Id(required=True)
    subjectType = fields.Enum(SubjectType, by_value=fields.String, required=True)
    subjectId = Id(required=True)
    postId = Id(metadata={"description": "The post, or that of the comment. Absent for an account."})
    author = fields.Nested(UserCardSchema, required=True)
    excerpt = fields.String(required=True, metadata={"description": "The text when it was first reported."})
    images = fields.List(fields.Nested(ImageSchema), required=True)
    status = fields.Enum(CaseStatus, by_value=fields.String, required=True)
    reportsCount = Count(required=True)
    reasons = fields.List(fields.Nested(ReasonCountSchema), required=True)
    claimedById = Id(required=True, allow_none=True)
    claimedAt = Timestamp(required=True, allow_none=True)
    filterId = Id(
        required=True,
        allow_none=True,
        metadata={"description": "The filter that reported it, before any user."},
    )
    createdAt = Timestamp(required=True)


class ModerationActionSchema(Schema):
    """An entry of the audit log; `until` is the end of a suspension."""

    id = Id(required=True)
    actorId = Id(required=True, allow_none=True, metadata={"description": "Null for the command line."})
    action = fields.Enum(ModerationAction, by_value=fields.String, required=True)
    caseId = Id(required=True, allow_none=True)
    subjectType = fields.String(required=True, validate=validate.OneOf([*SubjectType, "filter", "queue"]))
    subjectId = Id(required=True)
    userId = Id(
        required=True,
        allow_none=True,
        metadata={"description": "Whose account or content it is, if anybody's."},
    )
    decisionId = Id(
        required=True,
        allow_none=True,
        metadata={"description": "The entry that this one is about, or undoes."},
    )
    reason = fields.Enum(ReportReason, by_value=fields.String, required=True, allow_none=True)
    message = fields.String(required=True, metadata={"description": "The text that the person got."})
    note = fields.String(required=True)
    detail = fields.String(required=True, metadata={"description": "What was changed, such as a role."})
    until = Timestamp(required=True, allow_none=True)
    createdAt = Timestamp(required=True)


class OwnAppealSchema(Schema):
    id = Id(required=True)
    decisionId = Id(required=True)
    comment = fields.String(required=True)
    status = fields.Enum(AppealStatus, by_value=fields.String, required=True)
    createdAt = Timestamp(required=True)


class OwnDecisionSchema(Schema):
    """A decision about you; `until` is the end of a suspension."""

    id = Id(required=True)
    action = fields.String(required=True, validate=validate.OneOf([each.value for each in NOTIFIED]))
    subjectType = fields.Enum(SubjectType, by_value=fields.String, required=True)
    subjectId = Id(required=True)
    reason = fields.Enum(ReportReason, by_value=fields.String, required=True, allow_none=True)
    message = fields.String(required=True)
    excerpt = fields.String(required=True, metadata={"description": "Your text when it was first reported."})
    until = Timestamp(required=True, allow_none=True)
    decisionId = Id(
        required=True,
        allow_none=True,
        metadata={"description": "The decision that `uphold`, `reverse` or `restore` is about."},
    )
    withdrawn = fields.Boolean(required=True)
    appealUntil = Timestamp(required=True, allow_none=True)
    appeal = fields.Nested(OwnAppealSchema, required=True, allow_none=True)
    createdAt = Timestamp(required=True)


class AppealBody(RequestSchema):
    decisionId = Id(required=True)
    comment = Text(minimum=1, maximum=MAX_NOTE, required=True)


class TokenAppealBody(RequestSchema):
    token = fields.String(required=True, validate=validate.Length(max=1000))
    comment = Text(minimum=1, maximum=MAX_NOTE, required=True)


class AppealsQuery(PageQuery):
    status = fields.Enum(AppealStatus, by_value=fields.String, load_default=AppealStatus.OPEN)


class DecisionNoteBody(RequestSchema):
    note = Text(maximum=MAX_NOTE, load_default="", metadata={"description": "For other moderators."})
    message = Text(maximum=MAX_NOTE, load_default="", metadata={"description": "For the person concerned."})


class AppealOutcomeBody(DecisionNoteBody):
    outcome = fields.String(required=True, validate=validate.OneOf(["uphold", "reverse"]))


class AppealSchema(OwnAppealSchema):
    """An appeal in the queue, with the decision that it is about."""

    author = fields.Nested(UserCardSchema, required=True)
    decision = fields.Nested(ModerationActionSchema, required=True)
    claimedById = Id(required=True, allow_none=True)
    claimedAt = Timestamp(required=True, allow_none=True)


class AccountStandingSchema(Schema):
    """Standing of a user with the moderators: sanctions that were not undone, reports and appeals."""

    user = fields.Nested(UserCardSchema, required=True)
    role = fields.Enum(Role, by_value=fields.String, required=True)
    status = fields.Enum(AccountStatus, by_value=fields.String, required=True)
    suspendedUntil = Timestamp(required=True, allow_none=True)
    warnings = Count(required=True)
    takeDowns = Count(required=True)
    suspensions = Count(required=True)
    bans = Count(required=True)
    reportsMade = Count(required=True)
    reportsAbout = Count(required=True)
    openAppeals = Count(required=True)
    upheldAppeals = Count(required=True)
    reversedAppeals = Count(required=True)
    createdAt = Timestamp(required=True)
