"""Schemas that several resources share."""

from enum import StrEnum
from functools import cache

from marshmallow import Schema, fields, validate

from server.handlers.fields import (
    Count,
    ErrorCode,
    Id,
    QueryInteger,
    QueryList,
    RequestSchema,
    Timestamp,
    Url,
)
from server.handlers.user_cards import ImageSourceSchema, RelatedUserSchema
from server.paging import DEFAULT_LIMIT, MAX_LIMIT
from server.services.records import Audience, PostStatus

MAX_IDS = 100


class LimitQuery(RequestSchema):
    limit = QueryInteger(
        load_default=DEFAULT_LIMIT,
        validate=validate.Range(1, MAX_LIMIT),
        metadata={"description": "Maximum number of items."},
    )


class PageQuery(LimitQuery):
    cursor = fields.String(
        validate=validate.Length(max=64),
        metadata={"format": "cursor", "description": "`nextCursor` of the previous page."},
    )


class PostPageInclude(StrEnum):
    """Parts of posts that a page of posts can include."""

    LIKED_BY = "likedBy"


class PostPageQuery(PageQuery):
    """A page of posts that needs no query, or one, without the included parts."""

    include = QueryList(
        fields.Enum(PostPageInclude, by_value=fields.String),
        validate=validate.Length(1, len(PostPageInclude)),
        metadata={"description": "`likedBy`: with who of those that you follow likes each post."},
    )


class ImageVariantsSchema(Schema):
    small = Url(required=True)
    medium = Url(required=True)
    large = Url(required=True)


class TagSchema(Schema):
    """A user in an image. `GET /posts/{postId}/tags` has the users."""

    userId = Id(required=True)
    x = fields.Float(required=True)
    y = fields.Float(required=True)


class PlaceSchema(Schema):
    """A place that the author of a post has chosen."""

    id = Id(required=True)
    name = fields.String(required=True)
    lat = fields.Float(required=True)
    lng = fields.Float(required=True)


class ImageSchema(Schema):
    id = Id(required=True)
    url = Url(required=True)
    width = Count(required=True)
    height = Count(required=True)
    blurhash = fields.String(required=True)
    altText = fields.String(required=True)
    animated = fields.Boolean(
        required=True,
        metadata={"description": "The file was an animation; its first frame is shown."},
    )
    sources = fields.List(
        fields.Nested(ImageSourceSchema),
        required=True,
        metadata={"description": "The renditions in proportion, from the smallest to the largest."},
    )
    thumbnail = fields.Nested(
        ImageSourceSchema, required=True, allow_none=True, metadata={"description": "A square for grids."}
    )
    variants = fields.Nested(ImageVariantsSchema, required=True)
    tags = fields.List(
        fields.Nested(TagSchema),
        required=True,
        metadata={"description": "The users who are tagged, by their ids: the same ones for every viewer."},
    )


class MentionedUserSchema(Schema):
    """A user that a text mentions. Link the name in the text to the id: the user may have another name by now."""

    id = Id(required=True)
    writtenAs = fields.String(
        required=True, metadata={"description": "The name in the text, in lower case and without the @."}
    )


class MentionsSchema(Schema):
    """The members of a text that can mention users."""

    mentions = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "The `writtenAs` of each of `mentionedUsers`."},
    )
    mentionedUsers = fields.List(
        fields.Nested(MentionedUserSchema),
        required=True,
        metadata={"description": "In order of appearance. Names without a user are left out."},
    )


class DraftProblemSchema(Schema):
    code = fields.String(
        required=True,
        metadata={
            "description": "`account_hidden`, or a code with which publishing is refused.",
            "examples": ["account_hidden"],
        },
    )
    detail = fields.String(required=True)


class PostSchema(MentionsSchema):
    id = Id(required=True)
    author = fields.Nested(RelatedUserSchema, required=True)
    caption = fields.String(required=True)
    hashtags = fields.List(fields.String(), required=True)
    audience = fields.Enum(Audience, by_value=fields.String, required=True)
    pinned = fields.Boolean(required=True)
    place = fields.Nested(PlaceSchema, required=True, allow_none=True)
    images = fields.List(fields.Nested(ImageSchema), required=True)
    commentsEnabled = fields.Boolean(
        required=True,
        metadata={"description": "`false`: no user can comment, and existing comments are hidden."},
    )
    hideLikeCount = fields.Boolean(
        required=True, metadata={"description": "`true`: only the author sees `likesCount`."}
    )
    likesCount = Count(
        required=True, allow_none=True, metadata={"description": "`null` if only the author sees it."}
    )
    commentsCount = Count(
        required=True,
        metadata={
            "description": "Comments and replies, without those that are pending or were taken down; 0 while comments"
            " are turned off."
        },
    )
    liked = fields.Boolean(required=True)
    shareUrl = Url(
        required=True,
        allow_none=True,
        metadata={
            "description": "The page for people without an account; null unless everybody may see the post, and on a"
            " server without such pages."
        },
    )
    saved = fields.Boolean(required=True)
    likedBy = fields.List(
        fields.Nested(RelatedUserSchema),
        metadata={
            "description": "Up to two users that you follow, as in `Liked by ana and 24 others`, newest like first."
            " Absent in a profile, and without `include=likedBy` in the feed and in pages of hashtags and places."
        },
    )
    createdAt = Timestamp(required=True)
    editedAt = Timestamp(required=True, allow_none=True)
    status = fields.Enum(
        PostStatus,
        by_value=fields.String,
        required=True,
        metadata={"description": "Publishing a draft creates a post with another id."},
    )
    publishAt = Timestamp(
        allow_none=True, metadata={"description": "Only of drafts: null unless the post is scheduled."}
    )
    problem = fields.Nested(
        DraftProblemSchema,
        allow_none=True,
        metadata={"description": "Only of drafts: why the post was not published at its time."},
    )


class PostPreviewSchema(Schema):
    """A post in a list of something else."""

    id = Id(required=True)
    thumbnailUrl = Url(
        required=True,
        allow_none=True,
        metadata={"description": "A square of its first image, or a small rendition of an older one."},
    )
    blurhash = fields.String(required=True, allow_none=True)


@cache
def page_of(item: type[Schema]) -> type[Schema]:
    """Return the schema of a page of `item`: `PostPage` for `PostSchema`."""
    return Schema.from_dict(
        {
            "items": fields.List(fields.Nested(item), required=True),
            "nextCursor": fields.String(required=True, allow_none=True),
        },
        name=f"{item.__name__.removesuffix('Schema')}Page",
    )


class ProblemSchema(Schema):
    """A problem (RFC 9457)."""

    type = fields.String(required=True, metadata={"examples": ["about:blank"]})
    title = fields.String(required=True, metadata={"examples": ["Unprocessable Entity"]})
    status = fields.Integer(required=True, metadata={"examples": [422]})
    detail = fields.String(required=True, metadata={"examples": ["Some values are invalid."]})
    instance = fields.String(
        required=True, metadata={"examples": ["/posts"], "description": "The requested path."}
    )
    code = ErrorCode(required=True)
    errors = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        metadata={"examples": [{"caption": ["Must have at most 2200 characters."]}]},
    )
    until = fields.String(
        allow_none=True,
        metadata={"description": "With `account_suspended`: when the suspension ends, if it does."},
    )
    appealToken = fields.String(
        allow_none=True,
        metadata={"description": "With `account_suspended`: for `POST /moderation/appeals/by-token`."},
    )
