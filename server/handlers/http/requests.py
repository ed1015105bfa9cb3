"""Typed access to a request: principal, path and query parameters, and the validated JSON body."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from typing import Any

import marshmallow
import orjson
from aiohttp import web

from server.errors import InvalidInput, Malformed, NotFound, RequestTimeout, TooLarge, UnsupportedMedia
from server.handlers.fields import QueryList
from server.handlers.http.bodies.expectations import send_continue
from server.handlers.http.operations import JSON, RouteOptions
from server.ids import MAX_ID, UserId
from server.paging import PageRequest, decode_positions
from server.services.accounts.usernames import USERNAME_PATTERN
from server.services.records import Principal

HttpHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]

PRINCIPAL = web.RequestKey("principal", Principal)
REQUEST_ID = web.RequestKey("request_id", str)
BODY = web.RequestKey("body", dict[str, Any])
QUERY = web.RequestKey("query", dict[str, Any])


def current_principal(request: web.Request) -> Principal:
    """Return the authenticated user of a route that is not public."""
    return request[PRINCIPAL]


def page_request(request: web.Request, order: bytes = b"", max_shown: int = 0) -> PageRequest:
    """Return the requested page of a list in an order, which shows up to `max_shown` items out of order.

    Raises InvalidInput for a cursor that no such list of this API issued.
    """
    query = request[QUERY]
    cursor = query.get("cursor")
    if cursor is None:
        return PageRequest(query["limit"])
    position, *shown = decode_positions(cursor, 1 + max_shown, order)
    return PageRequest(query["limit"], position, tuple(shown))


def path_id(request: web.Request, name: str) -> int:
    """Return an id in the path. Raises NotFound if it is not an id, because such a resource cannot exist."""
    text = request.match_info[name]
    if not (text.isascii() and text.isdigit() and len(text) <= 16) or int(text) > MAX_ID:
        raise NotFound("No such resource.")
    return int(text)


def path_user(request: web.Request) -> UserId | str:
    """Return the `{userId}` of a path: an id, or the username of `@username`. Raises NotFound for anything else."""
    text = request.match_info["userId"]
    if not text.startswith("@"):
        return UserId(path_id(request, "userId"))
    if not USERNAME_PATTERN.fullmatch(text[1:]):
        raise NotFound("User not found.")
    return text[1:]


def user_agent(request: web.Request) -> str:
    """Return the User-Agent as valid text: aiohttp decodes bytes that are not UTF-8 to lone surrogates."""
    return request.headers.get("User-Agent", "").encode(errors="replace").decode()


def check_json_head(request: web.Request, max_bytes: int) -> None:
    """Raise UnsupportedMedia or TooLarge if the head alone shows that the body cannot be read as JSON."""
    if request.content_type != JSON:
        raise UnsupportedMedia(f"The Content-Type of the body must be {JSON}.")
    if (request.content_length or 0) > max_bytes:
        raise _too_large(max_bytes)


def _too_large(max_bytes: int) -> TooLarge:
    return TooLarge(f"The body is larger than {max_bytes} bytes.")


async def read_json(request: web.Request, max_bytes: int, timeout_s: float) -> dict[str, Any]:
    """Return the body as an object. Raises TooLarge, RequestTimeout or Malformed."""
    body = bytearray()
    try:
        async with asyncio.timeout(timeout_s):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > max_bytes:
                    raise _too_large(max_bytes)
    except TimeoutError as error:
        raise RequestTimeout(
            f"The body did not arrive within {timeout_s:g} s.", code="body_timeout"
        ) from error
    except web.RequestPayloadError as error:
        raise Malformed("The body does not match the Content-Encoding header.") from error
    try:
        value: Any = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Malformed(f"The body is not valid JSON: {error}.") from error
    _reject_duplicate_keys(body)
    if not isinstance(value, dict):
        raise Malformed("The body must be a JSON object.")
    return value


def _reject_duplicate_keys(body: bytearray) -> None:
    """Raise Malformed for an object with two members of the same name.

    orjson keeps the last of two members, whereas a proxy may have checked the first. orjson has no hook for them; the
    standard library's parser with a hook costs 5 µs for a comment.
    """
    try:
        json.loads(body, object_pairs_hook=_reject_duplicates)
    except RecursionError as error:  # its depth limit is a little lower than orjson's
        raise Malformed("The body is nested too deeply.") from error


def _reject_duplicates(members: list[tuple[str, Any]]) -> None:
    if len(members) > 1 and len({name for name, _ in members}) < len(members):
        raise Malformed("The body has an object with two members of the same name.", code="duplicate_member")


async def validate_input(
    request: web.Request,
    options: RouteOptions,
    max_bytes: int,
    timeout_s: float,
    check_form_head: Callable[[web.Request, RouteOptions], None],
) -> None:
    """Validate query and body by the schemas of the route, and store them as `QUERY` and `BODY`.

    A client that waits for `100 Continue` gets it as soon as the head is valid. Bodies other than JSON are left to the
    handler. Raises InvalidInput with messages by field, and what `check_json_head`, `check_form_head` and `read_json`
    raise.
    """
    schema = options.query
    if schema is not None:
        empty = not request.query_string
        values = (
            _query_defaults(schema) if empty else _validated(schema, _query_values(schema, request.query))
        )
        request[QUERY] = dict(values)
    if options.body is None or (options.form and request.content_type != JSON):
        if options.form:
            check_form_head(request, options)
        await send_continue(request)
        return
    check_json_head(request, max_bytes)
    await send_continue(request)
    request[BODY] = _validated(options.body, await read_json(request, max_bytes, timeout_s))


@lru_cache(maxsize=256)
def _query_defaults(schema: marshmallow.Schema) -> dict[str, Any]:
    """Return the validated empty query. Cached, because most requests have none."""
    return _validated(schema, {})


def _query_values(schema: marshmallow.Schema, query: Mapping[str, str]) -> dict[str, Any]:
    """Return the values by parameter, as lists for arrays. Raises InvalidInput for another repeated parameter."""
    values: dict[str, list[str]] = {}
    for name, value in query.items():  # of a multi-dictionary, so a name may occur several times
        values.setdefault(name, []).append(value)
    raw: dict[str, Any] = {}
    for name, given in values.items():
        if isinstance(schema.fields.get(name), QueryList):
            raw[name] = [item for value in given for item in value.split(",")]
        elif len(given) == 1:
            raw[name] = given[0]
        else:
            raise InvalidInput("Some values are invalid.", fields={name: ["Must occur only once."]})
    return raw


def _validated(schema: marshmallow.Schema, raw: dict[str, Any]) -> dict[str, Any]:
    try:
        return schema.load(raw)  # pyright: ignore[reportReturnType] - `many` is never set
    except marshmallow.ValidationError as error:
        raise InvalidInput("Some values are invalid.", fields=_messages(error.messages_dict)) from error


def _messages(tree: dict[Any, Any], prefix: str = "") -> dict[str, list[str]]:
    flat: dict[str, list[str]] = {}
    for name, messages in tree.items():
        path = f"{prefix}{name}"
        if isinstance(messages, dict):
            flat |= _messages(messages, f"{path}.")
        else:
            flat[path] = [str(message) for message in messages]
    return flat
