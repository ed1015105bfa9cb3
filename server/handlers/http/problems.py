"""Errors as `application/problem+json` (RFC 9457): the one place where a kind of error has an HTTP status."""

import json
import math
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web

from server.errors import (
    AppError,
    Conflict,
    Forbidden,
    InvalidInput,
    Malformed,
    NotFound,
    StorageFull,
    Throttled,
    TooLarge,
    Unauthenticated,
    Unavailable,
    UnsupportedMedia,
)

PROBLEM_JSON = "application/problem+json"

# Looked up along the class's own line of descent, so the nearest kind wins.
STATUSES: dict[type[AppError], int] = {
    InvalidInput: 422,
    Malformed: 400,
    UnsupportedMedia: 415,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    TooLarge: 413,
    Throttled: 429,
    Unavailable: 503,
    StorageFull: 507,
    AppError: 500,
}
CODES = {404: "no_such_route", 405: "method_not_allowed", 413: "too_large"}


def status_of(error: AppError) -> int:
    """The HTTP status of an error's kind."""
    return next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)


def problem(error: AppError, instance: str) -> web.Response:
    """The response that tells of `error`; `instance` is the path that was asked for."""
    status = status_of(error)
    headers: dict[str, str] = {}
    if error.retry_after_s is not None:
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_s)))
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    members: dict[str, Any] = {"errors": error.fields} if error.fields else {}
    return _response(status, error.code, error.detail, instance, headers, members)


def http_problem(error: web.HTTPException, instance: str) -> web.Response:
    """The same for what aiohttp itself refuses: a path or a method that is not there."""
    detail = {
        404: "There is nothing at this address.",
        405: f"This address takes {error.headers.get('Allow', 'another method')} only.",
    }.get(error.status, error.reason)
    headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
    return _response(error.status, CODES.get(error.status, "http_error"), detail, instance, headers, {})


def no_http(instance: str) -> web.Response:
    """The answer to what cannot be read as a request at all."""
    detail = "This cannot be read as a request: check its first line and its headers."
    return _response(400, "malformed_request", detail, instance, {}, {})


def unexpected(instance: str) -> web.Response:
    """The answer to a fault of ours: nothing of it is told to the client."""
    detail = "Something went wrong on our side. The request id helps to find it."
    return _response(500, "internal_error", detail, instance, {}, {})


def _response(
    status: int, code: str, detail: str, instance: str, headers: dict[str, str], members: dict[str, Any]
) -> web.Response:
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
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
    except TypeError:  # something that was sent is quoted in it, and has a lone surrogate
        return json.dumps(body, ensure_ascii=False).encode(errors="replace")
