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
from server.ids import UserId
from server.services.notifications.notification_text import TOPICS
from server.services.notifications.preferences import ChannelPreferences, EmailFrequency, Preferences
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
    name: str,
    channels_name: str,
    bases: tuple[type[Schema], type[Schema]],
    field: type[fields.Boolean],
    *,
    required: bool,
) -> type[Schema]:
    """Return a schema with a member per notification type that users may turn off, each with a boolean per channel.

    `bases`: the base of the schema, and that of a type's channels.
    """
    base, channels_base = bases
    channels = type(
        channels_name, (channels_base,), {each.value: field(required=required) for each in Channel}
    )
    members = {each.value: fields.Nested(channels, required=required) for each in PREFERENCE_TYPES}
    return type(name, (base,), members)


FREQUENCY = {
    "description": "How often you get e-mails about notifications: one per notification, or one that sums up what is"
    " unread since the previous one. E-mails about your account are always sent at once."
}


class _FrequencySchema(Schema):
    emailFrequency = fields.Enum(EmailFrequency, by_value=fields.String, required=True, metadata=FREQUENCY)


class _FrequencyBody(NonEmptyBody):
    emailFrequency = fields.Enum(EmailFrequency, by_value=fields.String, metadata=FREQUENCY)


PreferencesSchema = _schema_by_type_and_channel(
    "NotificationPreferencesSchema",
    "NotificationChannelsSchema",
    (_FrequencySchema, Schema),
    fields.Boolean,
    required=True,
)
PreferencesBody = _schema_by_type_and_channel(
    "NotificationPreferencesBody",
    "NotificationChannelsBody",
    (_FrequencyBody, NonEmptyBody),
    StrictBoolean,
    required=False,
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
        description="Every type has the channels `inApp`, `push` and `email`. `emailFrequency` applies to all types.",
        responds={200: PreferencesSchema},
        rates=(Rate.READS,),
    )
    async def get_preferences(self, request: web.Request) -> web.Response:
        user_id = current_principal(request).user_id
        return await self._respond(user_id, await self._preferences.get_for(user_id))

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
        user_id, body = current_principal(request).user_id, dict(request[BODY])
        frequency = body.pop("emailFrequency", None)
        changes = {
            NotificationType(type_): {Channel(channel): enabled for channel, enabled in channels.items()}
            for type_, channels in body.items()
        }
        return await self._respond(user_id, await self._preferences.update(user_id, changes, frequency))

    async def _respond(self, user_id: UserId, preferences: ChannelPreferences) -> web.Response:
        frequency = await self._preferences.get_email_frequency(user_id)
        body: Mapping[str, Mapping[str, bool] | str] = {
            "emailFrequency": frequency.value,
            **{
                type_.value: {channel.value: enabled for channel, enabled in channels.items()}
                for type_, channels in preferences.items()
            },
        }
        return serializers.json_response(body)

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
        description="The signed token names the address and the notification type. That of an e-mail which sums up"
        " notifications ends the e-mails about all types.",
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


def _invalid_link() -> web.Response:
    """Return a page and not a problem, because the reader is a person."""
    return html_response("unsubscribe_invalid.html", UNSUBSCRIBE_HEADERS, status=404)
