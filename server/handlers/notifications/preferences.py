"""`/notifications/preferences`, and the page behind the link in each letter that ends them."""

import html
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from aiohttp import web
from aiohttp_apispec import docs, json_schema, querystring_schema, response_schema
from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate, validates_schema

from server.errors import NotFound
from server.handlers import serializers
from server.handlers.http.rate_limiting import Rate, rate_limited
from server.handlers.http.requests import BODY, QUERY, current_principal, public
from server.handlers.schemas import Flag, Strict
from server.services.notifications.notification_text import TOPICS
from server.services.notifications.preferences import ChannelPreferences, Preferences
from server.services.records import Channel, NotificationType

PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
<style>
body {{ font-family: sans-serif; line-height: 1.5; max-width: 34em; margin: 4em auto; padding: 0 1em; }}
button {{ font: inherit; padding: 0.6em 1.2em; border: 0; border-radius: 0.4em; background: #1a5fb4; color: #fff; }}
</style>
</head>
<body>
<h1>{title}</h1>
{content}
</body>
</html>
"""
HTML = "text/html"
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


class ChangesBody(Strict):
    """Something has to be named."""

    keywords = MappingProxyType({"minProperties": 1})

    @validates_schema
    def something(self, data: dict[str, Any], **_: Any) -> None:
        if not data:
            raise ValidationError("Name what is to change.")


def _shape(name: str, base: type[Schema], kind: type[fields.Boolean], *, required: bool) -> type[Schema]:
    """A schema of types by channels; of an answer, which has all of them, or of a request, which may leave some out."""
    channels = type(f"{name}Channels", (base,), {each.value: kind(required=required) for each in Channel})
    members = {each.value: fields.Nested(channels, required=required) for each in NotificationType}
    return type(name, (base,), members)


PreferencesSchema = _shape("PreferencesSchema", Schema, fields.Boolean, required=True)
PreferencesBody = _shape("PreferencesBody", ChangesBody, Flag, required=False)


class LinkQuery(Schema):
    """What mail programs and those who count clicks add to a link is none of our affair."""

    class Meta:
        unknown = EXCLUDE

    token = fields.String(load_default="", validate=validate.Length(max=200))


class PreferenceRoutes:
    def __init__(self, preferences: Preferences) -> None:
        self._preferences = preferences

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/notifications/preferences", self.read),
            web.put("/notifications/preferences", self.change),
            web.get("/notifications/unsubscribe", self.ask),
            web.post("/notifications/unsubscribe", self.unsubscribe),
        ]

    @docs(
        tags=["notifications"],
        operationId="getPreferences",
        summary="Of what you are told, and by which ways",
    )
    @response_schema(PreferencesSchema, 200)
    @rate_limited(Rate.READS)
    async def read(self, request: web.Request) -> web.Response:
        return _answer(await self._preferences.get_for(current_principal(request).user_id))

    @docs(
        tags=["notifications"],
        operationId="changePreferences",
        summary="Choose of what you are told, and by which ways",
        description="What is left out stays as it is. Without `inApp` there is neither a row in the list nor an event.",
    )
    @json_schema(PreferencesBody)
    @response_schema(PreferencesSchema, 200)
    @rate_limited(Rate.WRITES)
    async def change(self, request: web.Request) -> web.Response:
        wishes = {
            NotificationType(type_): {Channel(channel): wanted for channel, wanted in channels.items()}
            for type_, channels in request[BODY].items()
        }
        return _answer(await self._preferences.update(current_principal(request).user_id, wishes))

    @docs(
        tags=["notifications"],
        operationId="askToUnsubscribe",
        summary="The page behind the link in a letter: it asks, and changes nothing",
        produces=[HTML],
        responses={
            "200": {"description": "A page with a button", "schema": {"type": "string"}},
            "404": {"description": "A page that says that the link is broken", "schema": {"type": "string"}},
        },
    )
    @querystring_schema(LinkQuery)
    @rate_limited(Rate.READS)
    @public
    async def ask(self, request: web.Request) -> web.Response:
        try:
            subject = TOPICS[self._preferences.get_unsubscribe_type(request[QUERY]["token"])]
        except NotFound:
            return _broken()
        # Programs that look into mail follow links: only a person presses a button.
        return _page(
            f"No more mail about {subject}?",
            f'<form method="post"><button>Stop mail about {html.escape(subject)}</button></form>',
        )

    @docs(
        tags=["notifications"],
        operationId="unsubscribe",
        summary="End the mail that a link is for: RFC 8058's one click",
        produces=[HTML],
        responses={
            "200": {"description": "A page that says so", "schema": {"type": "string"}},
            "404": {"description": "A page that says that the link is broken", "schema": {"type": "string"}},
        },
    )
    @querystring_schema(LinkQuery)
    @rate_limited(Rate.READS)
    @public
    async def unsubscribe(self, request: web.Request) -> web.Response:
        try:
            subject = TOPICS[await self._preferences.unsubscribe(request[QUERY]["token"])]
        except NotFound:
            return _broken()
        return _page(
            f"No more mail about {subject}",
            "<p>You find everything in the app, where you can also have it mailed again.</p>",
        )


def _answer(wishes: ChannelPreferences) -> web.Response:
    body: Mapping[str, Mapping[str, bool]] = {
        type_.value: {channel.value: wanted for channel, wanted in channels.items()}
        for type_, channels in wishes.items()
    }
    return serializers.json_response(body)


def _broken() -> web.Response:
    """A person reads this, so it is no problem in JSON."""
    advice = "<p>Open it from the letter once more, or choose in the app what you get mail about.</p>"
    return _page("This link is not whole", advice, 404)


def _page(title: str, content: str, status: int = 200) -> web.Response:
    text = PAGE.format(title=html.escape(title), content=content)
    return web.Response(text=text, content_type=HTML, headers=PAGE_HEADERS, status=status)
