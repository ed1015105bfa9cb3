"""Exceptions of the application.

Each has a stable `code` for clients, a `detail` that is safe to show, and, for input, messages by field. Only
`handlers/http/problems.py` maps them to HTTP statuses.
"""

from collections.abc import Mapping, Sequence


class AppError(Exception):
    """Base of all application errors.

    Subclasses are the kinds; `code` is more specific: `username_taken` is a Conflict.
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
    """Well-formed input with invalid values; `fields` has messages by field."""

    code = "invalid_input"


class Malformed(InvalidInput):
    """Input that cannot be parsed, such as a body that is not JSON, or an unknown cursor."""

    code = "malformed"


class UnsupportedMedia(InvalidInput):
    """A body or a file of an unsupported type."""

    code = "unsupported_media"


class RequestTimeout(AppError):
    """The client sent its request too slowly; `detail` names the limit."""

    code = "request_timeout"


class Unauthenticated(AppError):
    """Missing or invalid credentials."""

    code = "unauthenticated"


class Forbidden(AppError):
    """The user may see the resource, but not do this with it."""

    code = "forbidden"


class AccountSuspended(Forbidden):
    """A sign-in with the right password to a suspended account, `until` a time, or forever if it is None.

    `appeal_token` lets the person appeal without a session; None if the time to appeal is over.
    """

    code = "account_suspended"

    def __init__(self, until: str | None, appeal_token: str | None) -> None:
        super().__init__(f"This account is suspended{'' if until is None else f' until {until}'}.")
        self.until = until
        self.appeal_token = appeal_token


class NotFound(AppError):
    """The resource does not exist, or the user may not know that it does; both have the same response."""

    code = "not_found"


class Conflict(AppError):
    """The request conflicts with the current state, such as a username that is taken."""

    code = "conflict"


class PreconditionFailed(AppError):
    """The resource is not in the version that the request requires."""

    code = "precondition_failed"


class RangeNotSatisfiable(AppError):
    """The requested part begins after the end of the resource, which has `size` bytes."""

    code = "range_not_satisfiable"

    def __init__(self, size: int) -> None:
        super().__init__(f"The range is outside the resource, which has {size} bytes.")
        self.size = size


class ChecksumMismatch(AppError):
    """The bytes that arrived do not have the checksum that the client sent with them."""

    code = "checksum_mismatch"


class TooLarge(AppError):
    """A body, a file or an image above its limit."""

    code = "too_large"


class Throttled(AppError):
    """Too many requests; retry after `retry_after_s`."""

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
    """There is no space left for uploads."""

    code = "storage_full"


class ConfigurationError(AppError):
    """The configuration prevents startup; `detail` names the setting and the remedy."""

    code = "configuration"
