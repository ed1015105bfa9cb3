"""Errors as `application/problem+json` (RFC 9457). Only this module maps kinds of errors to HTTP statuses."""

import json
import math
import re
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web

from server.errors import (
    AccountSuspended,
    AppError,
    ChecksumMismatch,
    Conflict,
    Forbidden,
    InvalidInput,
    Malformed,
    NotFound,
    PreconditionFailed,
    RangeNotSatisfiable,
    RequestTimeout,
    StorageFull,
    Throttled,
    TooLarge,
    Unauthenticated,
    Unavailable,
    UnsupportedMedia,
)

PROBLEM_JSON = "application/problem+json"

# Looked up along the method resolution order, so that the most specific kind wins.
STATUSES: dict[type[AppError], int] = {
    InvalidInput: 422,
    Malformed: 400,
    UnsupportedMedia: 415,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    RequestTimeout: 408,
    Conflict: 409,
    PreconditionFailed: 412,
    TooLarge: 413,
    RangeNotSatisfiable: 416,
    ChecksumMismatch: 460,
    Throttled: 429,
    Unavailable: 503,
    StorageFull: 507,
    AppError: 500,
}
# A path that lacks the @ of a username.
USER_WITHOUT_AT = re.compile(r"/users/[A-Za-z_][^/]*(/.*)?")
USER_HINT = "No such resource. A user is /users/@name or /users/id; your own profile is /users/profile."
TITLES = {460: "Checksum Mismatch"}  # a status of tus
CODES = {404: "no_such_route", 405: "method_not_allowed", 413: "too_large"}


def status_of(error: AppError) -> int:
    """Return the HTTP status for the kind of an error."""
    return next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)


def problem(error: AppError, instance: str) -> web.Response:
    """Return the response for `error`; `instance` is the requested path."""
    status = status_of(error)
    headers: dict[str, str] = {}
    if error.retry_after_s is not None:
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_s)))
    if isinstance(error, RangeNotSatisfiable):
        headers["Content-Range"] = f"bytes */{error.size}"
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    members: dict[str, Any] = {"errors": error.fields} if error.fields else {}
    if isinstance(error, AccountSuspended):
        members |= {"until": error.until, "appealToken": error.appeal_token}
    return _response(status, error.code, error.detail, instance, headers, members)


def http_problem(error: web.HTTPException, instance: str) -> web.Response:
    """Return the response for an error of aiohttp itself, such as an unknown path or method."""
    detail = {
        404: USER_HINT if USER_WITHOUT_AT.fullmatch(instance) else "No such resource.",
        405: f"Method not allowed. Allowed: {error.headers.get('Allow', 'another method').replace(',', ', ')}.",
    }.get(error.status, error.reason)
    headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
    return _response(error.status, CODES.get(error.status, "http_error"), detail, instance, headers, {})


def bad_request(instance: str) -> web.Response:
    """Return the response for bytes that are not an HTTP request."""
    detail = "Malformed HTTP request: check the request line and the headers."
    return _response(400, "malformed_request", detail, instance, {}, {})


def internal_error(instance: str) -> web.Response:
    """Return the response for an unexpected exception; it contains no details of it."""
    detail = "Internal server error. Quote the X-Request-Id header when you report it."
    return _response(500, "internal_error", detail, instance, {}, {})


def _response(
    status: int, code: str, detail: str, instance: str, headers: dict[str, str], members: dict[str, Any]
) -> web.Response:
    body = {
        "type": "about:blank",
        "title": TITLES.get(status) or HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": instance,
        "code": code,
        **members,
    }
    return web.Response(status=status, body=_json(body), content_type=PROBLEM_JSON, headers=headers)


def _json(body: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(body)
    except TypeError:  # it quotes a lone surrogate from the request
        return json.dumps(body, ensure_ascii=False).encode(errors="replace")
