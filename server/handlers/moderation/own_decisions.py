"""`/moderation/decisions`: what moderators decided about the user."""

from typing import Any

from aiohttp import web

from server.clock import isoformat
from server.handlers import serializers
from server.handlers.http.operations import Rate, operation
from server.handlers.http.requests import current_principal, page_request, path_id
from server.handlers.moderation.appeals import own_appeal
from server.handlers.moderation.schemas import OwnDecisionSchema
from server.handlers.schemas import PageQuery, page_of
from server.ids import ActionId
from server.services.accounts.appeal_tokens import appealable_until_ms
from server.services.moderation.own_decisions import SANCTIONS, OwnDecision, OwnDecisions


class OwnDecisionRoutes:
    def __init__(self, decisions: OwnDecisions) -> None:
        self._decisions = decisions

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/moderation/decisions", self.list_own_decisions),
            web.get("/moderation/decisions/{decisionId}", self.get_own_decision),
        ]

    @operation(
        "listOwnDecisions",
        "Get what moderators decided about your account and content, newest first",
        tag="reports",
        description="With the state of your appeals.",
        query=PageQuery,
        responds={200: page_of(OwnDecisionSchema)},
        rates=(Rate.READS,),
    )
    async def list_own_decisions(self, request: web.Request) -> web.Response:
        user_id = current_principal(request).user_id
        page = await self._decisions.list_page(user_id, page_request(request))
        return serializers.page_response(request, page, own_decision)

    @operation(
        "getOwnDecision",
        "Get one decision about your account or content",
        tag="reports",
        description="With its reason, and until when you may appeal.",
        responds={200: OwnDecisionSchema},
        rates=(Rate.READS,),
    )
    async def get_own_decision(self, request: web.Request) -> web.Response:
        decision_id = ActionId(path_id(request, "decisionId"))
        found = await self._decisions.get(current_principal(request).user_id, decision_id)
        return serializers.json_response(own_decision(found))


def own_decision(decision: OwnDecision) -> dict[str, Any]:
    notice, appeal = decision.notice, decision.appeal
    row = notice.action
    until_ms, about_id = row.until_ms, row.about_id
    appealable = row.action in SANCTIONS
    return {
        "id": str(row.id),
        "action": row.action,
        "subjectType": row.subject_type,
        "subjectId": str(row.subject_id),
        "reason": row.reason or None,
        "message": row.message,
        "excerpt": notice.excerpt,
        "until": None if until_ms is None else isoformat(until_ms),
        "decisionId": None if about_id is None else str(about_id),
        "withdrawn": notice.undone,
        "appealUntil": isoformat(appealable_until_ms(row.created_at_ms)) if appealable else None,
        "appeal": appeal and own_appeal(appeal),
        "createdAt": isoformat(row.created_at_ms),
    }
