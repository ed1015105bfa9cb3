"""`/reports`: report a post, a comment or a user."""

from typing import Any

from aiohttp import web
from marshmallow import Schema, fields

from server.clock import isoformat
from server.handlers import serializers
from server.handlers.fields import Id, RequestSchema, Text, Timestamp
from server.handlers.http.operations import Contribution, Rate, Reply, operation
from server.handlers.http.requests import BODY, current_principal
from server.services.moderation.reports import Report, ReportReason, Reports, SubjectType

MAX_REPORT = 500


class ReportBody(RequestSchema):
    subjectType = fields.Enum(SubjectType, by_value=fields.String, required=True)
    subjectId = Id(required=True)
    reason = fields.Enum(ReportReason, by_value=fields.String, required=True)
    comment = Text(maximum=MAX_REPORT, load_default="")


class ReportSchema(Schema):
    id = Id(required=True)
    subjectType = fields.Enum(SubjectType, by_value=fields.String, required=True)
    subjectId = Id(required=True)
    reason = fields.Enum(ReportReason, by_value=fields.String, required=True)
    comment = fields.String(required=True)
    createdAt = Timestamp(required=True)


class ReportRoutes:
    def __init__(self, reports: Reports) -> None:
        self._reports = reports

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/reports", self.create_report)]

    @operation(
        "createReport",
        "Report a post, a comment or a user to the moderators",
        tag="reports",
        codes={422: ("own_account",)},
        description="The reported user does not learn who reported. While your report is open, another one of the same"
        " subject returns it unchanged with 200.",
        body=ReportBody,
        responds={201: ReportSchema, 200: Reply("You have reported this before", ReportSchema)},
        refuses={404: "You cannot see what you report", 422: "Invalid input, or your own account or content"},
        rates=(Rate.WRITES, Rate.REPORTS),
        contributes=Contribution.REPORTS,
    )
    async def create_report(self, request: web.Request) -> web.Response:
        body = request[BODY]
        report = await self._reports.report(
            current_principal(request).user_id,
            body["subjectType"],
            int(body["subjectId"]),
            body["reason"],
            body["comment"],
        )
        return serializers.json_response(_report(report), 201 if report.created else 200)


def _report(report: Report) -> dict[str, Any]:
    return {
        "id": str(report.id),
        "subjectType": report.subject_type,
        "subjectId": str(report.subject_id),
        "reason": report.reason,
        "comment": report.comment,
        "createdAt": isoformat(report.created_at_ms),
    }
