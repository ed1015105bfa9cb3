"""`/notifications/preferences`, and the unsubscribe page that e-mails link to."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from aiohttp import web
from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate, validates_schema

from server.errors import NotFound
from server.handlers import serializers
from server.handlers.fields import RequestSchema, StrictBoolean
from server.handlers.http.operations import Rate, Reply, operation, partial_update
from server.handlers.http.pages import HTML, html_response
from server.handlers.http.requests import BODY, QUERY, current_principal
from server.services.notifications.notification_text import TOPICS
from server.services.notifications.preferences import ChannelPreferences, Preferences
from server.services.records import PREFERENCE_TYPES, Channel, NotificationType

UNSUBSCRIBE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
INVALID_LINK = Reply("A page that says that the link is invalid", {"type": "string"}, HTML)


class NonEmptyBody(RequestSchema):
    """Base of bodies with at least one member."""

    keywords = MappingProxyType({"minProperties": 1})

    @validates_schema
    def require_member(self, data: dict[str, Any], **_: Any) -> None:
        if not data:
            raise ValidationError("At least one member is required.")


def _schema_by_type_and_channel(
    name: str, channels_name: str, base: type[Schema], field: type[fields.Boolean], *, required: bool
) -> type[Schema]:
    """Return a schema with a member per notification type that users may turn off, each with a boolean per channel."""
    channels = type(channels_name, (base,), {each.value: field(required=required) for each in Channel})
    members = {each.value: fields.Nested(channels, required=required) for each in PREFERENCE_TYPES}
    return type(name, (base,), members)


PreferencesSchema = _schema_by_type_and_channel(
    "NotificationPreferencesSchema", "NotificationChannelsSchema", Schema, fields.Boolean, required=True
)
PreferencesBody = _schema_by_type_and_channel(
    "NotificationPreferencesBody", "NotificationChannelsBody", NonEmptyBody, StrictBoolean, required=False
)


class UnsubscribeQuery(Schema):
    """The query of an unsubscribe link. Unknown parameters are ignored: mail programs and trackers add some."""

    class Meta:
        unknown = EXCLUDE

    token = fields.String(load_default="", validate=validate.Length(max=300))


class PreferenceRoutes:
    def __init__(self, preferences: Preferences) -> None:
        self._preferences = preferences

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/notifications/preferences", self.get_preferences),
            *partial_update("/notifications/preferences", self.change_preferences),
            web.get("/notifications/unsubscribe", self.show_unsubscribe_page),
            web.post("/notifications/unsubscribe", self.unsubscribe),
        ]

    @operation(
        "getPreferences",
        "Get your notification preferences by type and channel",
        tag="notifications",
        description="Every type has the channels `inApp`, `push` and `email`.",
        responds={200: PreferencesSchema},
        rates=(Rate.READS,),
    )
    async def get_preferences(self, request: web.Request) -> web.Response:
        return _preferences(await self._preferences.get_for(current_principal(request).user_id))

    @operation(
        "changePreferences",
        "Change your notification preferences",
        tag="notifications",
        description="Omitted members stay unchanged. Without `inApp`, notifications appear neither in the list nor"
        " in the live stream. E-mails that an unsubscribe link ended stay off until the address is verified again; an"
        " e-mail with a link for that is sent.",
        body=PreferencesBody,
        responds={200: PreferencesSchema},
        rates=(Rate.WRITES,),
    )
    async def change_preferences(self, request: web.Request) -> web.Response:
        changes = {
            NotificationType(type_): {Channel(channel): enabled for channel, enabled in channels.items()}
            for type_, channels in request[BODY].items()
        }
        return _preferences(await self._preferences.update(current_principal(request).user_id, changes))

    @operation(
        "showUnsubscribePage",
        "Show the page that an e-mail's unsubscribe link opens; it changes nothing",
        tag="notifications",
        description="The page has a button that sends the same address with POST.",
        query=UnsubscribeQuery,
        responds={200: Reply("A page with a button", {"type": "string"}, HTML), 404: INVALID_LINK},
        rates=(Rate.READS,),
        public=True,
    )
    async def show_unsubscribe_page(self, request: web.Request) -> web.Response:
        """Ask for confirmation, because mail scanners follow links, and only a user presses a button."""
        try:
            subject = TOPICS[self._preferences.get_unsubscribe_type(request[QUERY]["token"])]
        except NotFound:
            return _invalid_link()
        return html_response("unsubscribe_confirm.html", UNSUBSCRIBE_HEADERS, subject=subject)

    @operation(
        "unsubscribe",
        "Unsubscribe from the e-mails that a link is for (one-click, RFC 8058)",
        tag="notifications",
        description="The signed token names the address and the notification type.",
        query=UnsubscribeQuery,
        responds={200: Reply("A page with a confirmation", {"type": "string"}, HTML), 404: INVALID_LINK},
        rates=(Rate.READS,),
        public=True,
    )
    async def unsubscribe(self, request: web.Request) -> web.Response:
        try:
            subject = TOPICS[await self._preferences.unsubscribe(request[QUERY]["token"])]
        except NotFound:
            return _invalid_link()
        return html_response("unsubscribed.html", UNSUBSCRIBE_HEADERS, subject=subject)


def _preferences(preferences: ChannelPreferences) -> web.Response:
    body: Mapping[str, Mapping[str, bool]] = {
        type_.value: {channel.value: enabled for channel, enabled in channels.items()}
        for type_, channels in preferences.items()
    }
    return serializers.json_response(body)


def _invalid_link() -> web.Response:
    """Return a page and not a problem, because the reader is a person."""
    return html_response("unsubscribe_invalid.html", UNSUBSCRIBE_HEADERS, status=404)
