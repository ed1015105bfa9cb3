"""marshmallow fields, and the base of request schemas."""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate

ID_PATTERN = r"^[0-9]{1,16}$"
TEXT_PATTERN = r"^[^\x00]*$"
NON_EMPTY_TEXT_PATTERN = r"^[^\x00]*[^\s\x00][^\x00]*$"  # not empty after trimming


class RequestSchema(Schema):
    """Base of request schemas: unknown members are rejected.

    `keywords` are JSON Schema keywords for constraints that no field expresses.
    """

    keywords: Mapping[str, Any] = MappingProxyType({})

    class Meta:
        unknown = RAISE


class Text(fields.String):
    """A trimmed text of bounded length without NUL and lone surrogates, which the database cannot store."""

    def __init__(self, *, minimum: int = 0, maximum: int, **kwargs: Any) -> None:
        pattern = NON_EMPTY_TEXT_PATTERN if minimum else TEXT_PATTERN
        kwargs["metadata"] = {"pattern": pattern, **kwargs.get("metadata", {})}
        super().__init__(validate=validate.Length(min=minimum, max=maximum), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
            raise ValidationError("Contains an invalid character.")
        return text.strip()


# A new password is limited to the 72 bytes that bcrypt reads; one that is checked is not.
PASSWORD: Any = partial(fields.String, validate=validate.Length(max=1000), metadata={"format": "password"})
NEW_PASSWORD: Any = partial(
    fields.String,
    validate=[
        validate.Length(8, 72),
        validate.ContainsNoneOf("\x00", error="Contains an invalid character."),
    ],
    metadata={"format": "password"},
)


class FullMatch(validate.Regexp):
    """A pattern that the whole text must match: `$` alone allows a trailing line break."""

    def __call__(self, value: Any) -> Any:
        if self.regex.fullmatch(value) is None:
            raise ValidationError(self.error)
        return value


class Id(fields.String):
    """An id in a body, as a decimal string."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=FullMatch(ID_PATTERN, error="Invalid id."), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        if not (text.isascii() and text.isdigit()):
            raise ValidationError("Invalid id.")
        return text


class StrictBoolean(fields.Boolean):
    """A JSON boolean; marshmallow's own field also accepts strings and numbers."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class QueryBoolean(fields.Boolean):
    """`true` or `false` in a query."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(truthy={"true"}, falsy={"false"}, **kwargs)


class QueryInteger(fields.Integer):
    """ASCII digits in a query; `int` also accepts `1_0`, `+10` and the digits of every script."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not (value.isascii() and value.isdigit()):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


class Count(fields.Integer):
    """A number that is not negative."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=validate.Range(min=0), **kwargs)


class Timestamp(fields.String):
    """A time as formatted by `clock.isoformat`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata={"examples": ["2026-01-31T12:00:00.123Z"]}, **kwargs)


class Url(fields.String):
    """An absolute URL."""


class File(fields.Raw):
    """A file in a multipart body, which `FormReader` reads."""
