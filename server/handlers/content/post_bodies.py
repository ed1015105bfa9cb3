"""Bodies and queries of the routes of posts and drafts, and what their forms contain."""

from enum import StrEnum
from functools import partial
from types import MappingProxyType
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from server.errors import InvalidInput
from server.handlers.content.comments import CommentSchema
from server.handlers.content.drafts import (
    UNPUBLISHED,
    chosen_status,
    new_status_field,
    publish_at_field,
    status_field,
)
from server.handlers.content.places import check_place, place_field, place_id_field, refuse_place
from server.handlers.content.tags import refuse_tags, tags_field, tags_of
from server.handlers.fields import File, Id, QueryList, RequestSchema, StrictBoolean, Text, UserReference
from server.handlers.http.bodies.multipart import Form
from server.handlers.schemas import MAX_IDS, PageQuery, PostSchema, page_of
from server.ids import MediaId
from server.services.content.limits import MAX_ALT_TEXT, MAX_CAPTION, MAX_IMAGES
from server.services.content.pictures import Upload
from server.services.content.post_pictures import ChosenPicture, more_texts_than_pictures
from server.services.records import Audience, PostStatus

MAX_AUDIENCE = 100
MAX_FLAG = 100
FLAGS = {"true": True, "false": False}
OPTIONS = ("commentsEnabled", "hideLikeCount")


def validate_unique(ids: list[str]) -> None:
    if len({int(each) for each in ids}) < len(ids):
        raise ValidationError("Must not have the same id twice.")


AudienceField: Any = partial(
    fields.Enum,
    Audience,
    by_value=fields.String,
    metadata={
        "description": "Who may see the post: everyone who may see your posts, your followers, or your close friends."
    },
)


CommentsEnabledField: Any = partial(
    StrictBoolean, metadata={"description": "`false`: no user can comment, and existing comments are hidden."}
)
HideLikeCountField: Any = partial(
    StrictBoolean, metadata={"description": "`true`: only you see the number of likes."}
)


class PublishForm(RequestSchema):
    """The multipart form of a new post, for the document; `_uploads` and `Form` validate it."""

    images = fields.List(
        File(),
        required=True,
        validate=validate.Length(1, MAX_IMAGES),
        metadata={"description": "JPEG, HEIC, PNG, WebP, AVIF or GIF."},
    )
    altTexts = fields.List(
        Text(maximum=MAX_ALT_TEXT),
        validate=validate.Length(max=MAX_IMAGES),
        metadata={"description": "One per image, in the same order."},
    )
    caption = Text(maximum=MAX_CAPTION, metadata={"examples": ["The last light #sunset"]})
    audience = AudienceField(load_default=Audience.PUBLIC)
    commentsEnabled = CommentsEnabledField(load_default=True)
    hideLikeCount = HideLikeCountField(load_default=False)
    status = new_status_field()
    publishAt = publish_at_field()


class NewImageBody(RequestSchema):
    """An image of a new post."""

    id = Id(required=True, metadata={"description": "One of your unused images."})
    altText = Text(maximum=MAX_ALT_TEXT, metadata={"description": "Default: the one that it has."})
    tags = tags_field("The users in the image.")


def validate_unique_images(chosen: list[dict[str, Any]]) -> None:
    validate_unique([each["id"] for each in chosen])


class PublishBody(RequestSchema):
    """A new post of images that were uploaded before, in `media` or `mediaIds`."""

    media = fields.List(
        fields.Nested(NewImageBody),
        validate=[validate.Length(1, MAX_IMAGES), validate_unique_images],
        metadata={"description": "Unused images in the order in which the post shows them."},
    )
    mediaIds = fields.List(
        Id(),
        validate=[validate.Length(1, MAX_IMAGES), validate_unique],
        metadata={
            "description": "The same with the ids alone.",
            "uniqueItems": True,
        },
    )
    altTexts = fields.List(
        Text(maximum=MAX_ALT_TEXT),
        load_default=(),
        validate=validate.Length(max=MAX_IMAGES),
        metadata={
            "description": "Of `mediaIds`: at most one per image, in the same order; the remaining images keep theirs."
        },
    )
    caption = Text(maximum=MAX_CAPTION, load_default="", metadata={"examples": ["The last light #sunset"]})
    audience = AudienceField(load_default=Audience.PUBLIC)
    commentsEnabled = CommentsEnabledField(load_default=True)
    hideLikeCount = HideLikeCountField(load_default=False)
    status = new_status_field()
    publishAt = publish_at_field()
    place = place_field()
    placeId = place_id_field()

    @validates_schema
    def _require_images(self, data: dict[str, Any], **_: Any) -> None:
        if "media" not in data and "mediaIds" not in data:
            raise ValidationError("Required: mediaIds or media.", "mediaIds")
        if "media" in data and (data.get("mediaIds") or data["altTexts"]):
            raise ValidationError("Either media, or mediaIds with altTexts.", "media")
        check_place(data)
        if chosen_status(data) in UNPUBLISHED:
            refuse_tags(data)
            refuse_place(data)


class PostsQuery(PageQuery):
    userId = UserReference(metadata={"description": "The author: an id, or `@username`. Default: you."})
    ids = QueryList(
        Id(),
        validate=validate.Length(1, MAX_IDS),
        metadata={
            "description": "These posts instead, in this order and on one page, without those that you cannot see."
        },
    )

    status = status_field(
        *PostStatus, description="Default: `published`. Other posts than those are your own ones."
    )

    @validates_schema
    def _refuse_both(self, data: dict[str, Any], **_: Any) -> None:
        if "ids" in data and "userId" in data:
            raise ValidationError("Either ids or userId.", "ids")
        if "ids" in data and "status" in data:
            raise ValidationError("Either ids or status.", "ids")


class PostInclude(StrEnum):
    """Parts of the screen of a post that `GET /posts/{postId}` can include."""

    COMMENTS = "comments"


class PostQuery(RequestSchema):
    include = QueryList(
        fields.Enum(PostInclude, by_value=fields.String),
        validate=validate.Length(1, len(PostInclude)),
        metadata={"description": "`comments`: with the first page of the comments."},
    )


class PostWithCommentsSchema(PostSchema):
    comments = fields.Nested(
        page_of(CommentSchema),
        metadata={"description": "If included; the next page is at `GET /posts/{postId}/comments`."},
    )


class ChosenImageBody(RequestSchema):
    """An image of an edited post."""

    id = Id(
        required=True, metadata={"description": "An image that the post has, or one of your unused images."}
    )
    altText = Text(maximum=MAX_ALT_TEXT, metadata={"description": "Default: the one that it has."})
    tags = tags_field(
        "All users in the image, pending tags included: see `GET /posts/{postId}/tags`. Default: those that it has."
    )


class EditPostBody(RequestSchema):
    media = fields.List(
        fields.Nested(ChosenImageBody),
        validate=[validate.Length(1, MAX_IMAGES), validate_unique_images],
        metadata={
            "description": "All images that the post is to show, in order; the first one is the cover. Others are"
            " removed from the post and deleted."
        },
    )
    ifEditedAt = fields.String(
        allow_none=True,
        validate=validate.Length(max=64),
        metadata={
            "description": "The `editedAt` of the post that you have. If it was edited since then, nothing changes and"
            " the answer is 409 `edited_in_between`.",
        },
    )
    caption = Text(maximum=MAX_CAPTION)
    audience = AudienceField()
    commentsEnabled = CommentsEnabledField()
    hideLikeCount = HideLikeCountField()
    place = place_field(allow_none=True)
    placeId = place_id_field()
    status = status_field(
        *PostStatus,
        description="Of a draft: `published` publishes it now, `draft` removes its time. Of a post: `archived` hides it"
        " from everybody else, `published` restores it.",
    )
    publishAt = publish_at_field(allow_none=True)
    altTexts = fields.List(
        Text(maximum=MAX_ALT_TEXT),
        validate=validate.Length(max=MAX_IMAGES),
        metadata={"description": "At most one per image, in the same order; the remaining images get none."},
    )

    keywords = MappingProxyType({"minProperties": 1})

    @validates_schema
    def _require_change(self, data: dict[str, Any], **_: Any) -> None:
        if not data.keys() - {"ifEditedAt"}:
            raise ValidationError(
                "Required: caption, altTexts, media, place, audience, commentsEnabled, hideLikeCount, status"
                " or publishAt.",
                "caption",
            )
        if "media" in data and "altTexts" in data:
            raise ValidationError("Either media or altTexts.", "altTexts")
        check_place(data)
        if chosen_status(data) in UNPUBLISHED:
            refuse_tags(data)
            refuse_place(data)


def chosen_picture(body: dict[str, Any]) -> ChosenPicture:
    tags = tags_of(body) if "tags" in body else None
    return ChosenPicture(MediaId(int(body["id"])), body.get("altText"), tags)


def form_audience(form: Form) -> Audience:
    text = form.text("audience", MAX_AUDIENCE)
    try:
        return Audience(text or Audience.PUBLIC)
    except ValueError:
        problem = f"Must be one of: {', '.join(Audience)}."
        raise InvalidInput("Some values are invalid.", fields={"audience": [problem]}) from None


def form_flag(form: Form, name: str, *, default: bool = False) -> bool:
    text = form.text(name, MAX_FLAG).lower() or str(default).lower()
    if text not in FLAGS:
        raise InvalidInput("Some values are invalid.", fields={name: ["Must be true or false."]})
    return FLAGS[text]


def form_uploads(form: Form) -> list[Upload]:
    paths = form.files.get("images", [])
    if not paths:
        raise InvalidInput("A post needs at least one image.", fields={"images": ["At least one file."]})
    alt_texts = form.all_texts("altTexts", MAX_ALT_TEXT)
    if len(alt_texts) > len(paths):
        raise more_texts_than_pictures()
    alt_texts += [""] * (len(paths) - len(alt_texts))
    return [
        Upload(path, alt_text, form.file_names.get(path, ""))
        for path, alt_text in zip(paths, alt_texts, strict=True)
    ]
