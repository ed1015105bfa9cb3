"""`/users/suggestions`: users to follow."""

from typing import Any

import orjson
from aiohttp import web
from marshmallow import Schema, fields

from server.handlers import serializers
from server.handlers.fields import Count
from server.handlers.http.operations import Rate, Reply, operation
from server.handlers.http.requests import QUERY, current_principal, path_user
from server.handlers.schemas import LimitQuery, page_of
from server.handlers.user_cards import RelatedUserSchema, UserCardSchema, related_user, user_card
from server.paging import KeptPage
from server.services.discovery.suggestion import Suggestion, SuggestionReason
from server.services.discovery.suggestions import Suggestions
from server.sized_cache import SizedCache

RENDERED_BYTES = 8 << 20


class SuggestionSchema(Schema):
    user = fields.Nested(RelatedUserSchema, required=True)
    reason = fields.String(
        required=True, metadata={"enum": [*SuggestionReason], "description": "More values may be added."}
    )
    detail = fields.String(
        required=True,
        metadata={"description": "The reason as a sentence.", "examples": ["Followed by ana and 2 others"]},
    )
    followedBy = fields.List(
        fields.Nested(UserCardSchema),
        required=True,
        metadata={"description": "Up to two users that you follow and who follow this user."},
    )
    othersCount = Count(
        required=True, metadata={"description": "Further users that you follow and who follow this user."}
    )


class SuggestionRoutes:
    def __init__(self, suggestions: Suggestions) -> None:
        self._suggestions = suggestions
        self._rendered: SizedCache[int, tuple[KeptPage[Suggestion], bytes]] = SizedCache(RENDERED_BYTES)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/users/suggestions", self.list_suggestions),
            web.delete("/users/suggestions/dismissed/{userId}", self.dismiss_suggestion),
            web.post("/users/suggestions/dismissed/{userId}", self.restore_suggestion),
        ]

    @operation(
        "listSuggestions",
        "Get users that you may want to follow",
        tag="follows",
        description="Users that those you follow follow, then popular ones. Without users that you follow, asked to"
        " follow, muted, restricted, blocked or dismissed. There is one page.",
        query=LimitQuery,
        responds={200: page_of(SuggestionSchema)},
        rates=(Rate.READS,),
    )
    async def list_suggestions(self, request: web.Request) -> web.Response:
        viewer_id = current_principal(request).user_id
        found = await self._suggestions.list_suggestions(viewer_id, request[QUERY]["limit"])
        return serializers.json_bytes_response(self._render(found))

    @operation(
        "dismissSuggestion",
        "Do not suggest a user to you any more",
        tag="follows",
        description="The user cannot tell. A second time changes nothing.",
        responds={204: Reply("The user is no longer suggested")},
        refuses={404: "There is no such user", 422: "It is your own account"},
        rates=(Rate.WRITES,),
    )
    async def dismiss_suggestion(self, request: web.Request) -> web.Response:
        await self._suggestions.dismiss(current_principal(request).user_id, path_user(request))
        return web.Response(status=204)

    @operation(
        "restoreSuggestion",
        "Allow to suggest a user to you again",
        tag="follows",
        description="Takes `DELETE` back. Otherwise nothing changes.",
        responds={204: Reply("The user may be suggested")},
        refuses={404: "There is no such user"},
        rates=(Rate.WRITES,),
    )
    async def restore_suggestion(self, request: web.Request) -> web.Response:
        await self._suggestions.restore(current_principal(request).user_id, path_user(request))
        return web.Response(status=204)

    def _render(self, page: KeptPage[Suggestion]) -> bytes:
        """Return the page as JSON. An entry has its page, so that the page's id is not given to another object."""
        kept = self._rendered.get(id(page))
        if kept is not None:
            return kept[1]
        body = orjson.dumps(serializers.page_body(page, _suggestion))
        self._rendered.put(id(page), (page, body), len(body))
        return body


def _suggestion(record: Suggestion) -> dict[str, Any]:
    return {
        "user": related_user(record.user),
        "reason": record.reason,
        "detail": record.detail,
        "followedBy": [user_card(card) for card in record.followed_by],
        "othersCount": record.others,
    }
