"""`/moderation`: the report queue, decisions and the audit log, for moderators."""

from functools import partial
from typing import Any

from aiohttp import web

from server.clock import isoformat
from server.handlers import serializers
from server.handlers.http.operations import Rate, operation
from server.handlers.http.requests import BODY, QUERY, current_principal, page_request, path_id, path_user
from server.handlers.moderation.entries import action_entry, optional_id
from server.handlers.moderation.schemas import (
    AccountStandingSchema,
    AuditQuery,
    DecisionBody,
    ModerationActionSchema,
    QueueQuery,
    ReportCaseSchema,
)
from server.handlers.post_serializer import PostSerializer
from server.handlers.schemas import page_of
from server.handlers.user_cards import user_card
from server.ids import CaseId, UserId
from server.services.moderation.decisions import (
    Decision,
    Decisions,
    ModerationAction,
)
from server.services.moderation.report_queue import ReportCase, ReportQueue
from server.services.moderation.standings import Standings, UserStanding


class ModerationRoutes:
    def __init__(
        self, queue: ReportQueue, decisions: Decisions, standings: Standings, rendered: PostSerializer
    ) -> None:
        self._queue = queue
        self._rendered = rendered
        self._decisions = decisions
        self._standings = standings

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/moderation/reports", self.list_reports),
            web.post("/moderation/reports/{caseId}/claim", self.claim_reports),
            web.post("/moderation/reports/{caseId}/resolve", self.resolve_reports),
            web.get("/moderation/audit", self.list_moderation_actions),
            web.get("/moderation/users/{userId}", self.get_standing),
        ]

    @operation(
        "listReports",
        "Get the reported posts, comments and users, oldest first",
        tag="moderation",
        description="One entry per reported subject, with the number of reports by reason.",
        query=QueueQuery,
        responds={200: page_of(ReportCaseSchema)},
        moderator=True,
        rates=(Rate.READS,),
    )
    async def list_reports(self, request: web.Request) -> web.Response:
        page = await self._queue.list_page(request[QUERY]["status"], page_request(request))
        return serializers.page_response(
            request, page, partial(self._case, current_principal(request).user_id)
        )

    @operation(
        "claimReports",
        "Reserve the reports of one subject for an hour",
        tag="moderation",
        description="Other moderators cannot resolve them in this time. Claim again to prolong it.",
        codes={
            403: ("own_account",),
            409: (
                "already_claimed",
                "already_resolved",
            ),
        },
        responds={200: ReportCaseSchema},
        moderator=True,
        refuses={
            403: "You are not a moderator, or the reports are about you",
            409: "Resolved, or claimed by another moderator",
        },
        rates=(Rate.WRITES,),
    )
    async def claim_reports(self, request: web.Request) -> web.Response:
        moderator_id = current_principal(request).user_id
        case = await self._queue.claim(moderator_id, CaseId(path_id(request, "caseId")))
        return serializers.json_response(self._case(moderator_id, case))

    @operation(
        "resolveReports",
        "Resolve all reports of one subject",
        tag="moderation",
        codes={
            403: ("own_account",),
            409: (
                "already_claimed",
                "already_resolved",
            ),
        },
        description="`take_down` hides a post, or a comment with its replies; pictures like those of the post cannot be"
        " uploaded again, unless `blockPictures` is false. `suspend` and `ban` hide the author's account and end its"
        " sessions; a suspension ends with the first sign-in after `days`. The author is notified, except of"
        " `dismiss`.",
        body=DecisionBody,
        responds={200: ModerationActionSchema},
        moderator=True,
        refuses={
            403: "You are not a moderator, the reports are about you, or only administrators may do this",
            409: "Resolved, or claimed by another moderator",
        },
        rates=(Rate.WRITES,),
    )
    async def resolve_reports(self, request: web.Request) -> web.Response:
        body = request[BODY]
        decision = Decision(
            ModerationAction(body["action"]),
            body["note"],
            body.get("days"),
            body.get("reason"),
            body["message"],
            body["blockPictures"],
        )
        action = await self._decisions.resolve(
            current_principal(request).user_id, CaseId(path_id(request, "caseId")), decision
        )
        return serializers.json_response(action_entry(action))

    @operation(
        "listModerationActions",
        "Get what moderators did, newest first",
        tag="moderation",
        description="The audit log: its entries cannot be changed.",
        query=AuditQuery,
        responds={200: page_of(ModerationActionSchema)},
        moderator=True,
        rates=(Rate.READS,),
    )
    async def list_moderation_actions(self, request: web.Request) -> web.Response:
        query = request[QUERY]
        actor_id, author_id = (
            UserId(int(query[name])) if name in query else None for name in ("actorId", "userId")
        )
        page = await self._decisions.list_actions(actor_id, author_id, page_request(request))
        return serializers.page_response(request, page, action_entry)

    @operation(
        "getStanding",
        "Get how a user stands with the moderators",
        tag="moderation",
        description="Also for suspended users. The user's history is `GET /moderation/audit?userId=`.",
        responds={200: AccountStandingSchema},
        moderator=True,
        refuses={404: "User not found"},
        rates=(Rate.READS,),
    )
    async def get_standing(self, request: web.Request) -> web.Response:
        return serializers.json_response(_standing(await self._standings.get(path_user(request))))

    def _case(self, moderator_id: UserId, case: ReportCase) -> dict[str, Any]:
        subject, claimed_at_ms = case.subject, case.claimed_at_ms
        return {
            "id": str(case.id),
            "subjectType": subject.type,
            "subjectId": str(subject.id),
            **({} if subject.post_id is None else {"postId": str(subject.post_id)}),
            "author": user_card(case.author),
            "excerpt": case.excerpt,
            "images": [self._rendered.image(moderator_id, image, case.id) for image in case.images],
            "status": case.status,
            "reportsCount": sum(case.reasons.values()),
            "reasons": [{"reason": reason, "count": count} for reason, count in case.reasons.items()],
            "claimedById": optional_id(case.claimed_by_id),
            "claimedAt": None if claimed_at_ms is None else isoformat(claimed_at_ms),
            "filterId": optional_id(case.filter_id),
            "createdAt": isoformat(case.created_at_ms),
        }


def _standing(standing: UserStanding) -> dict[str, Any]:
    account, until_ms = standing.account, standing.account.suspended_until_ms
    return {
        "user": user_card(standing.card),
        "role": account.role,
        "status": account.status,
        "suspendedUntil": None if until_ms is None else isoformat(until_ms),
        "warnings": standing.count(ModerationAction.WARN),
        "takeDowns": standing.count(ModerationAction.TAKE_DOWN),
        "suspensions": standing.count(ModerationAction.SUSPEND),
        "bans": standing.count(ModerationAction.BAN),
        "reportsMade": standing.reports_made,
        "reportsAbout": standing.reports_about,
        "openAppeals": standing.appeals.get("open", 0) + standing.appeals.get("claimed", 0),
        "upheldAppeals": standing.appeals.get("upheld", 0),
        "reversedAppeals": standing.appeals.get("reversed", 0),
        "createdAt": isoformat(account.created_at_ms),
    }
