"""The errors that the program raises on purpose.

Each has a stable `code` for clients, a `detail` that is safe to show, and, for input, messages by field.
The HTTP status of a kind is known to `handlers/http/problems.py` alone.
"""

from collections.abc import Mapping, Sequence


class AppError(Exception):
    """Root of every error that is raised on purpose.

    Subclasses are the kinds; `code` narrows a kind down (`username_taken` is a Conflict).
    """

    code = "error"

    def __init__(
        self,
        detail: str,
        *,
        code: str | None = None,
        fields: Mapping[str, Sequence[str]] | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or type(self).code
        self.fields = {name: list(messages) for name, messages in (fields or {}).items()}
        self.retry_after_s = retry_after_s

    @property
    def reason(self) -> str:
        """The cause for operators; may name internal resources, which `detail` must not."""
        return self.detail

    def __str__(self) -> str:
        return self.reason


class InvalidInput(AppError):
    """Well-formed input with values that cannot be accepted; `fields` says which."""

    code = "invalid_input"


class Malformed(InvalidInput):
    """Input that cannot even be read: a body that is no JSON, a cursor that we never gave out."""

    code = "malformed"


class UnsupportedMedia(InvalidInput):
    """A body or a file of a type that this route does not take."""

    code = "unsupported_media"


class Unauthenticated(AppError):
    """No valid proof of who is asking."""

    code = "unauthenticated"


class Forbidden(AppError):
    """The asker may see the thing, but not do this with it."""

    code = "forbidden"


class NotFound(AppError):
    """The thing does not exist, or the asker may not know that it does: the two read alike."""

    code = "not_found"


class Conflict(AppError):
    """The request contradicts what is stored: a name that is taken."""

    code = "conflict"


class TooLarge(AppError):
    """A body, a file or an image over its limit."""

    code = "too_large"


class Throttled(AppError):
    """Too many requests; `retry_after_s` says when to come back."""

    code = "throttled"


class Unavailable(AppError):
    """A resource that the request needs is unavailable; retrying later is safe.

    `reason` names the resource and the cause; it is the text of the exception in logs and on the command line.
    """

    code = "unavailable"

    def __init__(
        self,
        detail: str = "Service temporarily unavailable.",
        *,
        code: str | None = None,
        reason: str | None = None,
        retry_after_s: float = 1.0,
    ) -> None:
        super().__init__(detail, code=code, retry_after_s=retry_after_s)
        self._reason = reason

    @property
    def reason(self) -> str:
        return self._reason or self.detail


class StorageFull(AppError):
    """No room is left to keep an upload."""

    code = "storage_full"


class ConfigurationError(AppError):
    """The program cannot start as it is configured; `detail` names the key and what to do."""

    code = "configuration"
