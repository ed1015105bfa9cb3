"""The shapes of bodies, queries and answers that several nouns share, as marshmallow schemas."""

from collections.abc import Mapping
from functools import cache, partial
from types import MappingProxyType
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from server.paging import DEFAULT_LIMIT, MAX_LIMIT

ID_PATTERN = r"^[0-9]{1,16}$"
TEXT_PATTERN = r"^[^\x00]*$"
FILLED_TEXT_PATTERN = r"^[^\x00]*[^\s\x00][^\x00]*$"  # what is trimmed has to leave something


class Strict(Schema):
    """A request's shape: members that it does not name are refused.

    `keywords` are words of JSON Schema for what its fields cannot say.
    """

    keywords: Mapping[str, Any] = MappingProxyType({})

    class Meta:
        unknown = RAISE


class Text(fields.String):
    """A text of bounded length that the database can keep: no NUL, no lone surrogate; trimmed at both ends."""

    def __init__(self, *, minimum: int = 0, maximum: int, **kwargs: Any) -> None:
        pattern = FILLED_TEXT_PATTERN if minimum else TEXT_PATTERN
        kwargs["metadata"] = {"pattern": pattern, **kwargs.get("metadata", {})}
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


class Whole(validate.Regexp):
    """A pattern that all of a text has to match: `$` alone lets a line break follow."""

    def __call__(self, value: Any) -> Any:
        if self.regex.fullmatch(value) is None:
            raise ValidationError(self.error)
        return value


class Id(fields.String):
    """An id in a body: a decimal string."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=Whole(ID_PATTERN, error="Not an id."), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        if not (text.isascii() and text.isdigit()):
            raise ValidationError("Not an id.")
        return text


class Flag(fields.Boolean):
    """True or false in a body, and nothing that resembles them."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class QueryFlag(fields.Boolean):
    """The same in a query."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(truthy={"true"}, falsy={"false"}, **kwargs)


class QueryNumber(fields.Integer):
    """A number in a query: digits alone, where Python's `int` takes `1_0`, `+10` and the digits of every script."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not (value.isascii() and value.isdigit()):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


class Count(fields.Integer):
    """How many there are."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=validate.Range(min=0), **kwargs)


class Moment(fields.String):
    """A time, as `clock.isoformat` writes it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata={"examples": ["2026-01-31T12:00:00.123Z"]}, **kwargs)


class Address(fields.String):
    """An absolute URL."""


class File(fields.Raw):
    """A file in a multipart body; `uploads` reads it."""


class PageQuery(Strict):
    limit = QueryNumber(
        load_default=DEFAULT_LIMIT,
        validate=validate.Range(1, MAX_LIMIT),
        metadata={"description": "How many items at most."},
    )
    cursor = fields.String(
        validate=validate.Length(max=64),
        metadata={"format": "cursor", "description": "`nextCursor` of the page before."},
    )


class UserCardSchema(Schema):
    id = Id(required=True)
    username = fields.String(required=True)
    fullName = fields.String(required=True)
    avatarUrl = Address(required=True, allow_none=True)
    isCelebrity = fields.Boolean(required=True)


class VariantsSchema(Schema):
    small = Address(required=True)
    medium = Address(required=True)
    large = Address(required=True)


class ImageSchema(Schema):
    url = Address(required=True)
    width = Count(required=True)
    height = Count(required=True)
    blurhash = fields.String(required=True)
    altText = fields.String(required=True)
    variants = fields.Nested(VariantsSchema, required=True)


class PostSchema(Schema):
    id = Id(required=True)
    author = fields.Nested(UserCardSchema, required=True)
    caption = fields.String(required=True)
    mentions = fields.List(fields.String(), required=True)
    hashtags = fields.List(fields.String(), required=True)
    images = fields.List(fields.Nested(ImageSchema), required=True)
    likesCount = Count(required=True)
    commentsCount = Count(required=True)
    liked = fields.Boolean(required=True)
    createdAt = Moment(required=True)
    editedAt = Moment(required=True, allow_none=True)


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
    """RFC 9457."""

    type = fields.String(required=True, metadata={"examples": ["about:blank"]})
    title = fields.String(required=True, metadata={"examples": ["Unprocessable Entity"]})
    status = fields.Integer(required=True, metadata={"examples": [422]})
    detail = fields.String(required=True, metadata={"examples": ["Some values cannot be accepted."]})
    instance = fields.String(
        required=True, metadata={"examples": ["/posts"], "description": "The path that was asked for."}
    )
    code = fields.String(
        required=True,
        metadata={"examples": ["invalid_input"], "description": "Stable: what a program may go by."},
    )
    errors = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        metadata={"examples": [{"caption": ["Longer than 2200 characters."]}]},
    )
