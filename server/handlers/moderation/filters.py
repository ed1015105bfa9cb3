"""`/moderation/filters`: words and links that are refused or reported."""

from typing import Any

from aiohttp import web
from marshmallow import Schema, fields

from server.handlers import serializers
from server.handlers.fields import Id, RequestSchema, Text
from server.handlers.http.operations import Rate, Reply, operation, partial_update
from server.handlers.http.requests import BODY, current_principal, path_id
from server.ids import FilterId
from server.services.moderation.filter_administration import (
    FilterAction,
    FilterAdministration,
    FilterKind,
    FilterRow,
)

MAX_PATTERN = 100


class ContentFilterActionBody(RequestSchema):
    action = fields.Enum(FilterAction, by_value=fields.String, required=True)


class ContentFilterBody(ContentFilterActionBody):
    kind = fields.Enum(FilterKind, by_value=fields.String, required=True)
    pattern = Text(
        minimum=1,
        maximum=MAX_PATTERN,
        required=True,
        metadata={"description": "A word, a phrase, or a domain, which includes those below it."},
    )


class ContentFilterSchema(Schema):
    id = Id(required=True)
    kind = fields.Enum(FilterKind, by_value=fields.String, required=True)
    pattern = fields.String(required=True)
    action = fields.Enum(FilterAction, by_value=fields.String, required=True)


class ContentFilterListSchema(Schema):
    items = fields.List(fields.Nested(ContentFilterSchema), required=True)


class FilterRoutes:
    def __init__(self, filters: FilterAdministration) -> None:
        self._filters = filters

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/moderation/filters", self.list_filters),
            web.post("/moderation/filters", self.add_filter),
            *partial_update("/moderation/filters/{filterId}", self.edit_filter),
            web.delete("/moderation/filters/{filterId}", self.delete_filter),
        ]

    @operation(
        "listFilters",
        "Get the filters of words and links",
        tag="moderation",
        description="All filters, the newest first.",
        responds={200: ContentFilterListSchema},
        moderator=True,
        rates=(Rate.READS,),
    )
    async def list_filters(self, _: web.Request) -> web.Response:
        rows = await self._filters.list_all()
        return serializers.json_response({"items": [_filter(row) for row in rows]})

    @operation(
        "addFilter",
        "Refuse or report texts with a word, a phrase or a link",
        tag="moderation",
        codes={
            409: (
                "filter_exists",
                "too_many_filters",
            )
        },
        description="Applies to captions, alt texts, comments, names, bios and websites from now on.",
        body=ContentFilterBody,
        responds={201: ContentFilterSchema},
        moderator=True,
        refuses={409: "There is such a filter, or too many"},
        rates=(Rate.WRITES,),
    )
    async def add_filter(self, request: web.Request) -> web.Response:
        body = request[BODY]
        row = await self._filters.add(
            current_principal(request).user_id, body["kind"], body["pattern"], body["action"]
        )
        return serializers.json_response(_filter(row), 201)

    @operation(
        "editFilter",
        "Change what a filter does",
        tag="moderation",
        description="Applies to texts that are written from now on.",
        body=ContentFilterActionBody,
        responds={200: ContentFilterSchema},
        moderator=True,
        rates=(Rate.WRITES,),
    )
    async def edit_filter(self, request: web.Request) -> web.Response:
        filter_id = FilterId(path_id(request, "filterId"))
        row = await self._filters.edit(current_principal(request).user_id, filter_id, request[BODY]["action"])
        return serializers.json_response(_filter(row))

    @operation(
        "deleteFilter",
        "Delete a filter",
        tag="moderation",
        description="Texts that were refused before are accepted from now on.",
        responds={204: Reply("Deleted")},
        moderator=True,
        rates=(Rate.WRITES,),
    )
    async def delete_filter(self, request: web.Request) -> web.Response:
        filter_id = FilterId(path_id(request, "filterId"))
        await self._filters.delete(current_principal(request).user_id, filter_id)
        return web.Response(status=204)


def _filter(row: FilterRow) -> dict[str, Any]:
    return {"id": str(row.id), "kind": row.kind, "pattern": row.pattern, "action": row.action}
