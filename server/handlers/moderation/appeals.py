"""`/moderation/appeals`: appeals of users, and the queue of moderators."""

from typing import Any

from aiohttp import web

from server.clock import isoformat
from server.handlers import serializers
from server.handlers.http.operations import Rate, operation
from server.handlers.http.requests import (
    BODY,
    QUERY,
    current_principal,
    page_request,
    path_id,
)
from server.handlers.moderation.entries import action_entry, optional_id
from server.handlers.moderation.schemas import (
    AppealBody,
    AppealOutcomeBody,
    AppealSchema,
    AppealsQuery,
    DecisionNoteBody,
    ModerationActionSchema,
    OwnAppealSchema,
    TokenAppealBody,
)
from server.handlers.schemas import page_of
from server.handlers.user_cards import user_card
from server.ids import ActionId, AppealId, id_timestamp_ms
from server.services.moderation.appeal_queue import Appeal, AppealQueue, AppealRow, AppealStatus, Reply
from server.services.moderation.appeals import Appeals

OUTCOMES = {"uphold": AppealStatus.UPHELD, "reverse": AppealStatus.REVERSED}
REFUSED = "Appealed before, too late, or the decision was withdrawn"


class AppealRoutes:
    def __init__(self, appeals: Appeals, queue: AppealQueue) -> None:
        self._appeals = appeals
        self._queue = queue

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/moderation/appeals", self.appeal),
            web.post("/moderation/appeals/by-token", self.appeal_by_token),
            web.get("/moderation/appeals", self.list_appeals),
            web.post("/moderation/appeals/{appealId}/claim", self.claim_appeal),
            web.post("/moderation/appeals/{appealId}/resolve", self.resolve_appeal),
            web.post("/moderation/decisions/{decisionId}/restore", self.restore_decision),
        ]

    @operation(
        "appeal",
        "Appeal against a decision of moderators about you, once, within 30 days",
        tag="reports",
        description="A moderator who did not make the decision handles it. You are notified of the outcome.",
        codes={
            409: (
                "already_appealed",
                "already_withdrawn",
                "appeal_expired",
            )
        },
        body=AppealBody,
        responds={201: OwnAppealSchema},
        refuses={404: "No decision about you", 409: REFUSED},
        rates=(Rate.WRITES, Rate.REPORTS),
    )
    async def appeal(self, request: web.Request) -> web.Response:
        body = request[BODY]
        user_id, decision_id = current_principal(request).user_id, ActionId(int(body["decisionId"]))
        appeal = await self._appeals.appeal(user_id, decision_id, body["comment"])
        return serializers.json_response(own_appeal(appeal), 201)

    @operation(
        "appealByToken",
        "Appeal without signing in",
        tag="reports",
        codes={
            409: (
                "already_appealed",
                "already_withdrawn",
                "appeal_expired",
            ),
            422: ("invalid_appeal_token",),
        },
        description="The token is in the e-mail about the decision, and in the refusal of a sign-in.",
        body=TokenAppealBody,
        responds={201: OwnAppealSchema},
        refuses={409: REFUSED, 422: "Invalid input, or an invalid token"},
        rates=(Rate.WRITES, Rate.REPORTS),
        public=True,
    )
    async def appeal_by_token(self, request: web.Request) -> web.Response:
        body = request[BODY]
        appeal = await self._appeals.appeal_by_token(body["token"], body["comment"])
        return serializers.json_response(own_appeal(appeal), 201)

    @operation(
        "listAppeals",
        "Get the appeals, oldest first",
        tag="moderation",
        description="Open ones, or those with another `status`.",
        query=AppealsQuery,
        responds={200: page_of(AppealSchema)},
        moderator=True,
        rates=(Rate.READS,),
    )
    async def list_appeals(self, request: web.Request) -> web.Response:
        page = await self._queue.list_page(request[QUERY]["status"], page_request(request))
        return serializers.page_response(request, page, _appeal)

    @operation(
        "claimAppeal",
        "Reserve an appeal for an hour",
        tag="moderation",
        description="Other moderators cannot resolve it in this time.",
        codes={
            403: (
                "own_account",
                "own_decision",
            ),
            409: (
                "already_claimed",
                "already_resolved",
                "already_withdrawn",
            ),
        },
        responds={200: AppealSchema},
        moderator=True,
        refuses={
            403: "You are not a moderator, the appeal is yours, or you made the decision",
            409: "Resolved, or claimed by another moderator",
        },
        rates=(Rate.WRITES,),
    )
    async def claim_appeal(self, request: web.Request) -> web.Response:
        moderator_id = current_principal(request).user_id
        appeal = await self._queue.claim(moderator_id, AppealId(path_id(request, "appealId")))
        return serializers.json_response(_appeal(appeal))

    @operation(
        "resolveAppeal",
        "Uphold the decision that an appeal is about, or reverse it",
        tag="moderation",
        codes={
            403: (
                "own_account",
                "own_decision",
            ),
            409: (
                "already_claimed",
                "already_resolved",
                "already_withdrawn",
            ),
        },
        description="`reverse` shows the post or the comment again, ends the suspension, or withdraws the warning.",
        body=AppealOutcomeBody,
        responds={200: ModerationActionSchema},
        moderator=True,
        refuses={
            403: "You are not a moderator, the appeal is yours, or you made the decision",
            409: "Resolved, or claimed by another moderator",
        },
        rates=(Rate.WRITES,),
    )
    async def resolve_appeal(self, request: web.Request) -> web.Response:
        body, appeal_id = request[BODY], AppealId(path_id(request, "appealId"))
        reply = Reply(body["note"], body["message"])
        entry = await self._queue.resolve(
            current_principal(request).user_id, appeal_id, OUTCOMES[body["outcome"]], reply
        )
        return serializers.json_response(action_entry(entry))

    @operation(
        "restoreDecision",
        "Undo a decision without an appeal",
        tag="moderation",
        codes={403: ("own_account",), 409: ("already_withdrawn",)},
        description="An open appeal against it is resolved as reversed.",
        body=DecisionNoteBody,
        responds={200: ModerationActionSchema},
        moderator=True,
        refuses={403: "You are not a moderator, or the decision is about you", 409: "Undone already"},
        rates=(Rate.WRITES,),
    )
    async def restore_decision(self, request: web.Request) -> web.Response:
        body, decision_id = request[BODY], ActionId(path_id(request, "decisionId"))
        reply = Reply(body["note"], body["message"])
        entry = await self._queue.restore(current_principal(request).user_id, decision_id, reply)
        return serializers.json_response(action_entry(entry))


def own_appeal(row: AppealRow) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "decisionId": str(row.action_id),
        "comment": row.comment,
        "status": row.status,
        "createdAt": isoformat(id_timestamp_ms(row.id)),
    }


def _appeal(appeal: Appeal) -> dict[str, Any]:
    row = appeal.row
    return {
        **own_appeal(row),
        "author": user_card(appeal.author),
        "decision": action_entry(appeal.action),
        "claimedById": optional_id(row.claimed_by_id),
        "claimedAt": None if row.claimed_at_ms is None else isoformat(row.claimed_at_ms),
    }
