"""Schemas of `/notifications`."""

from types import MappingProxyType
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from server.handlers.fields import (
    Count,
    FullMatch,
    Id,
    JsonText,
    QueryBoolean,
    QueryList,
    RequestSchema,
    StrictBoolean,
    Timestamp,
)
from server.handlers.notifications.stream import FEED_EVENT, MEDIA_EVENT, READ_EVENT, RESET_EVENT
from server.handlers.schemas import PageQuery, PostPreviewSchema
from server.handlers.user_cards import RelatedUserSchema
from server.services.content.media import MediaProgress
from server.services.records import NotificationType

MAX_READ_IDS = 100
MAX_TYPES = 20


class SubjectReferenceSchema(Schema):
    id = Id(required=True)


class NotifiedCommentSchema(SubjectReferenceSchema):
    content = fields.String(required=True, metadata={"examples": ["Where was that?"]})


class NotificationSchema(Schema):
    id = Id(required=True)
    type = fields.Enum(NotificationType, by_value=fields.String, required=True)
    actor = fields.Nested(
        RelatedUserSchema,
        required=True,
        metadata={"description": "Yourself for `moderation` and `report_handled`, which are of the service."},
    )
    othersCount = Count(
        required=True,
        metadata={"description": "How many other users did the same, as in `ana and 12 others`."},
    )
    post = fields.Nested(PostPreviewSchema)
    comment = fields.Nested(NotifiedCommentSchema)
    decision = fields.Nested(
        SubjectReferenceSchema,
        metadata={"description": "For `moderation`; see `GET /moderation/decisions/{decisionId}`."},
    )
    report = fields.Nested(
        SubjectReferenceSchema, metadata={"description": "Your report, for `report_handled`."}
    )
    read = fields.Boolean(required=True)
    createdAt = Timestamp(required=True)


class NotificationsQuery(PageQuery):
    types = QueryList(
        fields.Enum(NotificationType, by_value=fields.String),
        validate=validate.Length(1, MAX_TYPES),
        metadata={"description": "Only these types. Comma-separated, or repeated."},
    )
    unread = QueryBoolean(load_default=False, metadata={"description": "`true`: only unread notifications."})


class UnreadCountSchema(Schema):
    count = Count(
        required=True,
        metadata={"description": "Unread notifications; the likes of a post or comment count as one."},
    )


class ReadNotificationsBody(RequestSchema):
    """The notifications to mark: those listed, all up to one, or all."""

    keywords = MappingProxyType({"minProperties": 1, "maxProperties": 1})

    ids = fields.List(Id(), validate=validate.Length(1, MAX_READ_IDS))
    upTo = Id(metadata={"description": "This notification and all before it."})
    all = StrictBoolean(validate=validate.OneOf([True]))

    @validates_schema
    def require_exactly_one(self, data: dict[str, Any], **_: Any) -> None:
        if len(data) != 1:
            raise ValidationError("Exactly one of these is required: ids, upTo, all.", "ids")


class StreamTicketSchema(Schema):
    ticket = fields.String(
        required=True, metadata={"description": "For `?ticket=` of the stream; valid once."}
    )
    expiresIn = Count(required=True, metadata={"description": "Seconds until it expires."})


class MediaEventSchema(Schema):
    """The progress of an uploaded image."""

    id = Id(required=True, metadata={"description": "The image: see `getUnusedMedia`."})
    status = fields.Enum(MediaProgress, by_value=fields.String, required=True)


class FeedEventSchema(Schema):
    """A user that you follow published a post, which is in your feed."""

    postId = Id(required=True)


class ResetEventSchema(Schema):
    """Empty: events were lost, and the list has to be read again."""


class StreamEventSchema(Schema):
    """One event of the live stream."""

    id = fields.String(
        validate=FullMatch("^[0-9]+$"),
        metadata={
            "description": (
                "Send the last one received as `Last-Event-ID` to resume after it. `media`, `read` and `feed` have"
                " none."
            )
        },
    )
    event = fields.String(
        required=True,
        validate=validate.OneOf([*NotificationType, RESET_EVENT, MEDIA_EVENT, READ_EVENT, FEED_EVENT]),
        metadata={
            "description": (
                "A type of notification; `media`: the progress of an image; `read`: notifications were read; `feed`: a"
                " user you follow published a post; `reset`: events were lost, read the list again. More values may be"
                " added: ignore those that you do not know."
            )
        },
    )
    data = JsonText(
        NotificationSchema,
        MediaEventSchema,
        UnreadCountSchema,
        FeedEventSchema,
        ResetEventSchema,
        required=True,
        metadata={
            "description": (
                "One line of JSON: a `Notification`; for `media` a `MediaEvent`; for `read` an `UnreadCount`; for"
                " `feed` a `FeedEvent`; for `reset` an empty object."
            )
        },
    )
