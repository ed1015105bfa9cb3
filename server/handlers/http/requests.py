"""What a handler is given besides the request: who asks, and the body and query as its schemas have checked them."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any, TypeVar

import marshmallow
import orjson
from aiohttp import web

from server.errors import InvalidInput, Malformed, NotFound, TooLarge, UnsupportedMedia
from server.ids import MAX_ID, UserId
from server.paging import PageRequest, decode_cursor
from server.services.accounts.usernames import USERNAME_PATTERN
from server.services.records import Principal

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
AnyHandler = TypeVar("AnyHandler", bound=Callable[..., Any])

PRINCIPAL = web.RequestKey("principal", Principal)
REQUEST_ID = web.RequestKey("request_id", str)
BODY = web.RequestKey("body", dict[str, Any])
QUERY = web.RequestKey("query", dict[str, Any])

JSON = "application/json"


def public(handler: AnyHandler) -> AnyHandler:
    """Mark a handler that asks for no access token; every other one does."""
    handler.__public__ = True  # pyright: ignore[reportFunctionMemberAccess]
    return handler


def accepts_ticket(handler: AnyHandler) -> AnyHandler:
    """Mark a handler that takes a ticket in its query in the place of an access token."""
    handler.__by_ticket__ = True  # pyright: ignore[reportFunctionMemberAccess]
    return handler


def takes_ticket(handler: Callable[..., Any]) -> bool:
    return getattr(handler, "__by_ticket__", False)


def is_public(handler: Callable[..., Any]) -> bool:
    return getattr(handler, "__public__", False)


def current_principal(request: web.Request) -> Principal:
    """Who asks, on a route that is not public."""
    return request[PRINCIPAL]


def page_request(request: web.Request) -> PageRequest:
    """The page that the query asks for. Raises InvalidInput for a cursor that we never gave out."""
    query = request[QUERY]
    cursor = query.get("cursor")
    return PageRequest(query["limit"], None if cursor is None else decode_cursor(cursor))


def path_id(request: web.Request, name: str) -> int:
    """An id in the path. Raises NotFound for what cannot be one: such a thing does not exist."""
    text = request.match_info[name]
    if not (text.isascii() and text.isdigit() and len(text) <= 16) or int(text) > MAX_ID:
        raise NotFound("There is nothing at this address.")
    return int(text)


def path_user(request: web.Request) -> UserId | str:
    """The `{userId}` of a path: an id, or a user name after an @. Raises NotFound for anything else."""
    text = request.match_info["userId"]
    if not text.startswith("@"):
        return UserId(path_id(request, "userId"))
    if not USERNAME_PATTERN.fullmatch(text[1:]):
        raise NotFound("There is no such user.")
    return text[1:]


def user_agent(request: web.Request) -> str:
    """What the client calls itself, as text: aiohttp makes lone surrogates of bytes that are no UTF-8."""
    return request.headers.get("User-Agent", "").encode(errors="replace").decode()


async def read_json(request: web.Request, max_bytes: int, timeout_s: float) -> dict[str, Any]:
    """The body as an object. Raises UnsupportedMedia, TooLarge, Malformed with the place of the mistake."""
    if request.content_type != JSON:
        raise UnsupportedMedia(f"Send the body as {JSON}, with that Content-Type.")
    body = bytearray()
    try:
        async with asyncio.timeout(timeout_s):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > max_bytes:
                    raise TooLarge(f"The body is larger than {max_bytes} bytes.")
    except TimeoutError as error:
        raise Malformed(f"The body did not arrive within {timeout_s:g} s.", code="body_timeout") from error
    except web.RequestPayloadError as error:
        raise Malformed("The body is not in the Content-Encoding that the request names.") from error
    try:
        value: Any = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Malformed(f"The body is not valid JSON: {error}.") from error
    _refuse_twins(body)
    if not isinstance(value, dict):
        raise Malformed("The body must be a JSON object.")
    return value


def _refuse_twins(body: bytearray) -> None:
    """Raise Malformed for an object with two members of one name.

    Of two, orjson keeps the last; a proxy that checked the first would have checked in vain. It has no hook for them,
    and the standard library's parser with one costs 5 µs for a comment.
    """
    try:
        json.loads(body, object_pairs_hook=_distinct)
    except RecursionError as error:  # it bears a little less than orjson
        raise Malformed("The body is nested too deeply.") from error


def _distinct(members: list[tuple[str, Any]]) -> None:
    if len(members) > 1 and len({name for name, _ in members}) < len(members):
        raise Malformed("The body has an object with two members of the same name.", code="duplicate_member")


async def load(request: web.Request, handler: Callable[..., Any], max_bytes: int, timeout_s: float) -> None:
    """Check body and query by the schemas that `handler` was declared with (aiohttp-apispec's `__schemas__`).

    Raises InvalidInput with the messages by field.
    """
    for declared in getattr(handler, "__schemas__", ()):
        if declared["location"] == "json":
            raw = await read_json(request, max_bytes, timeout_s)
            request[BODY] = _checked(declared["schema"], raw)
        elif declared["location"] == "querystring":
            schema = declared["schema"]
            queried = _checked(schema, dict(request.query)) if request.query_string else _defaults(schema)
            request[QUERY] = dict(queried)


@lru_cache(maxsize=256)
def _defaults(schema: marshmallow.Schema) -> dict[str, Any]:
    """What a query with nothing in it comes to: worked out once, since most requests have none."""
    return _checked(schema, {})


def _checked(schema: marshmallow.Schema, raw: dict[str, Any]) -> dict[str, Any]:
    try:
        return schema.load(raw)  # pyright: ignore[reportReturnType] - `many` is never set
    except marshmallow.ValidationError as error:
        raise InvalidInput(
            "Some values cannot be accepted.", fields=_messages(error.messages_dict)
        ) from error


def _messages(tree: dict[Any, Any], prefix: str = "") -> dict[str, list[str]]:
    flat: dict[str, list[str]] = {}
    for name, messages in tree.items():
        path = f"{prefix}{name}"
        if isinstance(messages, dict):
            flat |= _messages(messages, f"{path}.")
        else:
            flat[path] = [str(message) for message in messages]
    return flat
