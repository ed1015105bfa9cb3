"""`/users/profile/comment-settings`: who may comment on one's posts, and words that hold comments back."""

from types import MappingProxyType
from typing import Any

from aiohttp import web
from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from server.handlers import serializers
from server.handlers.fields import RequestSchema, Text
from server.handlers.http.operations import Rate, operation, partial_update
from server.handlers.http.requests import BODY, current_principal
from server.services.content.comment_settings import (
    Commenters,
    CommentSettings,
    CommentSettingsChanges,
    CommentSettingsRow,
)
from server.services.content.limits import MAX_HIDDEN_WORD, MAX_HIDDEN_WORDS

ALLOWED_FROM = {
    "description": "Who may comment on your posts besides you: everyone who sees them, or your followers."
}
HIDDEN_WORDS = {
    "description": "Words and phrases. A comment with one of them is pending: only its author and you see it, until you"
    " approve it."
}


class CommentSettingsBody(RequestSchema):
    allowedFrom = fields.Enum(Commenters, by_value=fields.String, metadata=ALLOWED_FROM)
    hiddenWords = fields.List(
        Text(minimum=1, maximum=MAX_HIDDEN_WORD),
        validate=validate.Length(max=MAX_HIDDEN_WORDS),
        metadata={**HIDDEN_WORDS, "examples": [["casino", "free money"]]},
    )

    keywords = MappingProxyType({"minProperties": 1})

    @validates_schema
    def _require_change(self, data: dict[str, Any], **_: Any) -> None:
        if not data:
            raise ValidationError("Required: allowedFrom or hiddenWords.", "allowedFrom")


class CommentSettingsSchema(Schema):
    allowedFrom = fields.Enum(Commenters, by_value=fields.String, required=True, metadata=ALLOWED_FROM)
    hiddenWords = fields.List(fields.String(), required=True, metadata=HIDDEN_WORDS)


class CommentSettingsRoutes:
    def __init__(self, settings: CommentSettings) -> None:
        self._settings = settings

    def routes(self) -> list[web.RouteDef]:
        path = "/users/profile/comment-settings"
        return [
            web.get(path, self.get_comment_settings),
            *partial_update(path, self.update_comment_settings),
        ]

    @operation(
        "getCommentSettings",
        "Get your settings for comments on your posts",
        tag="comments",
        description="By default, everyone who sees a post may comment on it, and no words are hidden.",
        responds={200: CommentSettingsSchema},
        rates=(Rate.READS,),
    )
    async def get_comment_settings(self, request: web.Request) -> web.Response:
        return _response(await self._settings.get(current_principal(request).user_id))

    @operation(
        "updateCommentSettings",
        "Change your settings for comments on your posts",
        tag="comments",
        description="An omitted member stays unchanged. The settings concern later comments and edits.",
        body=CommentSettingsBody,
        responds={200: CommentSettingsSchema},
        rates=(Rate.WRITES,),
    )
    async def update_comment_settings(self, request: web.Request) -> web.Response:
        body = request[BODY]
        changes = CommentSettingsChanges(body.get("allowedFrom"), body.get("hiddenWords"))
        return _response(await self._settings.update(current_principal(request).user_id, changes))


def _response(settings: CommentSettingsRow) -> web.Response:
    return serializers.json_response(
        {"allowedFrom": settings.allowed_from, "hiddenWords": settings.hidden_words}
    )
