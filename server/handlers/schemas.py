"""The shapes of bodies, queries and answers that several nouns share, as marshmallow schemas."""

from functools import cache, partial
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from server.ids import MAX_ID
from server.paging import DEFAULT_LIMIT, MAX_LIMIT

ID_PATTERN = r"^[0-9]{1,16}$"


class Strict(Schema):
    """A request's shape: members that it does not name are refused."""

    class Meta:
        unknown = RAISE


class Text(fields.String):
    """A text of bounded length that the database can keep: no NUL, no lone surrogate; trimmed at both ends."""

    def __init__(self, *, minimum: int = 0, maximum: int, **kwargs: Any) -> None:
        super().__init__(validate=validate.Length(min=minimum, max=maximum), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
            raise ValidationError("Contains a character that is not text.")
        return text.strip()


# A password that is checked may be anything; one that is chosen is bounded by what bcrypt reads.
PASSWORD: Any = partial(fields.String, validate=validate.Length(max=1000), metadata={"format": "password"})
NEW_PASSWORD: Any = partial(
    fields.String,
    validate=[
        validate.Length(8, 72),
        validate.ContainsNoneOf("\x00", error="Contains a character that is not text."),
    ],
    metadata={"format": "password"},
)


class Id(fields.String):
    """An id in a body: a decimal string."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=validate.Regexp(ID_PATTERN, error="Not an id."), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        if not (text.isascii() and text.isdigit() and len(text) <= 16) or int(text) > MAX_ID:
            raise ValidationError("Not an id.")
        return text


class PageQuery(Strict):
    limit = fields.Integer(
        load_default=DEFAULT_LIMIT,
        validate=validate.Range(1, MAX_LIMIT),
        metadata={"description": "How many items at most."},
    )
    cursor = fields.String(
        validate=validate.Length(max=64), metadata={"description": "`nextCursor` of the page before."}
    )


class UserCardSchema(Schema):
    id = fields.String(required=True)
    username = fields.String(required=True)
    fullName = fields.String(required=True)
    avatarUrl = fields.String(required=True, allow_none=True)
    isCelebrity = fields.Boolean(required=True)


class ImageSchema(Schema):
    url = fields.String(required=True)
    width = fields.Integer(required=True)
    height = fields.Integer(required=True)
    blurhash = fields.String(required=True)
    altText = fields.String(required=True)
    variants = fields.Dict(keys=fields.String(), values=fields.String(), required=True)


class PostSchema(Schema):
    id = fields.String(required=True)
    author = fields.Nested(UserCardSchema, required=True)
    caption = fields.String(required=True)
    mentions = fields.List(fields.String(), required=True)
    hashtags = fields.List(fields.String(), required=True)
    images = fields.List(fields.Nested(ImageSchema), required=True)
    likesCount = fields.Integer(required=True)
    commentsCount = fields.Integer(required=True)
    liked = fields.Boolean(required=True)
    createdAt = fields.String(required=True)
    editedAt = fields.String(required=True, allow_none=True)


@cache
def page_of(item: type[Schema]) -> type[Schema]:
    """The shape of a list of `item`s, named after it: `PostSchema` gives `PostPage`."""
    return Schema.from_dict(
        {
            "items": fields.List(fields.Nested(item), required=True),
            "nextCursor": fields.String(required=True, allow_none=True),
        },
        name=f"{item.__name__.removesuffix('Schema')}Page",
    )


class ProblemSchema(Schema):
    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    instance = fields.String(required=True)
    code = fields.String(required=True)
    errors = fields.Dict(keys=fields.String(), values=fields.List(fields.String()))
