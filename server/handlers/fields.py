"""marshmallow fields, and the base of request schemas."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Any, TypeVar

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from server.email_addresses import MAX_ADDRESS, mailbox
from server.ids import UserId
from server.services.accounts.usernames import USERNAME_PATTERN
from server.user_text import FORBIDDEN, INVISIBLE, clean_line, clean_lines, has_visible
from server.websites import normalize_website

TIME_PATTERN = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})",
    re.IGNORECASE,
)
ID_PATTERN = r"^[0-9]{1,16}$"
TEXT_PATTERN = r"^[^\x00\x1b]*$"
VISIBLE_TEXT_PATTERN = rf"^[^\x00\x1b]*[^{INVISIBLE}][^\x00\x1b]*$"
NAME_PATTERN = rf"^\s*$|{VISIBLE_TEXT_PATTERN}"

# As JSON writes numbers.
_DECIMAL = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?", re.ASCII)
Parsed = TypeVar("Parsed")


class RequestSchema(Schema):
    """Base of request schemas: unknown members are rejected.

    `keywords` are JSON Schema keywords for constraints that no field expresses.
    """

    keywords: Mapping[str, Any] = MappingProxyType({})

    class Meta:
        unknown = RAISE


class Text(fields.String):
    """A text of bounded length, cleaned by `clean_lines`. With a `minimum` it must show something.

    Its length is limited both as sent, which the document promises, and cleaned, because composition may lengthen it.
    NUL, ESC and lone surrogates are rejected.
    """

    def __init__(self, *, minimum: int = 0, maximum: int, **kwargs: Any) -> None:
        pattern = VISIBLE_TEXT_PATTERN if minimum else TEXT_PATTERN
        kwargs["metadata"] = {"pattern": pattern, **kwargs.get("metadata", {})}
        self._minimum = minimum
        self._maximum = maximum
        self._length = validate.Length(min=minimum, max=maximum)
        messages: Any = {} if minimum else {"null": "Must not be null. Send an empty text to remove it."}
        super().__init__(validate=self._length, error_messages=messages, **kwargs)

    def _sent(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        """Return the text as it was sent. Raises ValidationError for another type, or if it is too long."""
        text: str = super()._deserialize(value, attr, data, **kwargs)
        if len(text) > self._maximum:
            self._length(text)
        return text

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = self._sent(value, attr, data, **kwargs)
        if FORBIDDEN.search(text):
            raise ValidationError("Contains an invalid character.")
        if self._minimum and not has_visible(text):
            raise ValidationError("Must not be empty.")
        return clean_lines(text)


class Name(Text):
    """A name on one line without invisible characters, cleaned by `clean_line`.

    Without a `minimum` it may be empty or white space.
    """

    def __init__(self, *, minimum: int = 0, maximum: int, **kwargs: Any) -> None:
        if not minimum:
            kwargs["metadata"] = {"pattern": NAME_PATTERN, **kwargs.get("metadata", {})}
        super().__init__(minimum=minimum, maximum=maximum, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if text and not has_visible(text):
            raise ValidationError("Must have a visible character, or be empty.")
        return clean_line(text)


class EmailAddress(fields.String):
    """An address to which an e-mail can be sent, as it was written."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            validate=validate.Length(max=MAX_ADDRESS),
            metadata={"format": "email", "examples": ["ana@example.com"]},
            **kwargs,
        )

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        address: str = super()._deserialize(value, attr, data, **kwargs)
        return _valid(address, mailbox) and address


class Website(Text):
    """An http(s) URL of a public host in its normalized form, or an empty text."""

    def __init__(self, **kwargs: Any) -> None:
        description = "An http(s) URL of a public host, or empty. A host in another script becomes ASCII."
        super().__init__(metadata={"format": "website", "description": description}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        url = self._sent(value, attr, data, **kwargs).strip()
        return url and _valid(url, normalize_website)


def _valid(value: str, parse: Callable[[str], Parsed]) -> Parsed:
    """Return the parsed value. Raises ValidationError for a ValueError."""
    try:
        return parse(value)
    except ValueError as error:
        raise ValidationError(str(error)) from error


# `services/accounts/password_rules.py` has the other rules for new passwords.
PASSWORD: Any = partial(fields.String, validate=validate.Length(max=1000), metadata={"format": "password"})
NEW_PASSWORD: Any = partial(
    fields.String,
    validate=validate.Length(8, 128),
    metadata={"format": "password", "examples": ["correct horse"]},
)


CODE: Any = partial(
    fields.String,
    validate=validate.Length(max=40),
    metadata={
        "description": "A code of the authenticator app, or a recovery code. Spaces and hyphens do not count.",
        "examples": ["123456", "k7q2m-9x4tv"],
    },
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


class UserReference(fields.String):
    """An id, or `@username`. Loaded as a UserId, or as the name without `@`."""

    def __init__(self, metadata: Mapping[str, Any] = MappingProxyType({})) -> None:
        pattern = rf"^([0-9]{{1,16}}|@{USERNAME_PATTERN.pattern})$"
        super().__init__(
            validate=FullMatch(pattern, error="Must be an id or @username."), metadata=dict(metadata)
        )

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> Any:
        text = super().deserialize(value, attr, data, **kwargs)
        if not isinstance(text, str):  # missing
            return text
        return text[1:] if text.startswith("@") else UserId(int(text))


class StrictBoolean(fields.Boolean):
    """A JSON boolean; marshmallow's own field also accepts strings and numbers."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class Number(fields.Float):
    """A finite JSON number in a range; marshmallow's own field also accepts strings and booleans."""

    def __init__(self, minimum: float, maximum: float, **kwargs: Any) -> None:
        super().__init__(validate=validate.Range(minimum, maximum), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


class QueryBoolean(fields.Boolean):
    """`true` or `false` in a query."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(truthy={"true"}, falsy={"false"}, **kwargs)


class QueryNumber(Number):
    """A finite decimal number in a query; `float` also accepts `1_0`, `nan` and the digits of every script."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not _DECIMAL.fullmatch(value):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(float(value), attr, data, **kwargs)


class QueryList(fields.List[Any]):
    """An array in a query: comma-separated (`a=1,2`), repeated (`a=1&a=2`), or both."""


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

    def __init__(self, metadata: Mapping[str, Any] = MappingProxyType({}), **kwargs: Any) -> None:
        super().__init__(metadata={"examples": ["2026-01-31T12:00:00.123Z"], **metadata}, **kwargs)


class Time(fields.String):
    """A time in a request, with its offset from UTC. Loaded as milliseconds since the Unix epoch."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        try:
            at = datetime.fromisoformat(text) if TIME_PATTERN.fullmatch(text) else None
            if at is not None:
                return round(at.timestamp() * 1000)
        except (ValueError, OverflowError):
            pass
        raise ValidationError("Must be a time with its offset from UTC, as 2026-01-31T12:00:00Z.")


class Url(fields.String):
    """An absolute URL."""


class ErrorCode(fields.String):
    """The code of a problem: one of `openapi.error_codes`."""


class JsonText(fields.String):
    """JSON in a string, which matches one of `contents`."""

    def __init__(self, *contents: type[Schema], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.contents = contents


class File(fields.Raw):
    """A file in a multipart body, which `FormReader` reads."""
