"""What the operations of the OpenAPI document share: tags, path parameters, headers, problems, and how one signs in.

What is a route's own is declared at its handler; `openapi` puts the two together.
"""

from collections.abc import Mapping
from typing import Any

from server.handlers.http.problems import PROBLEM_JSON
from server.handlers.schemas import ID_PATTERN
from server.services.accounts.usernames import USERNAME_PATTERN
from server.services.jobs.event_jobs import Queue

Part = Mapping[str, Any]

TITLE = "photofeed"
DESCRIPTION = """\
Photographs, comments, likes, follows, a personalised feed and live notifications.

Ids are decimal strings, times are UTC. A list is `{"items": [...], "nextCursor": ...}`: pass `nextCursor` as `cursor`
to go on, or follow the `Link` header. Errors are `application/problem+json` (RFC 9457) with a stable `code`.\
"""

TAGS: Mapping[str, str] = {
    "auth": "Accounts, signing in, sessions and passwords",
    "users": "One's own profile, and other people's",
    "posts": "Photographs, published and read",
    "comments": "Comments on posts, and replies to them",
    "likes": "Likes of posts",
    "follows": "Who follows whom",
    "feed": "The personalised feed",
    "notifications": "What one was told, and the live stream of it",
    "queues": "The background work, for administrators",
    "media": "The pictures",
    "health": "Is it alive, can it work, and its figures",
    "docs": "This document",
}

BEARER = "accessToken"
TICKET = "streamTicket"
SECURITY_SCHEMES: Mapping[str, Part] = {
    BEARER: {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The `accessToken` that registering, signing in and refreshing give.",
    },
    TICKET: {
        "type": "apiKey",
        "in": "query",
        "name": "ticket",
        "description": "A ticket for the live stream, in the place of an access token. Good once, for half a minute.",
    },
}

_ID: Part = {"type": "string", "pattern": ID_PATTERN}
PATH_PARAMETERS: Mapping[str, Part] = {
    "userId": {
        "description": "An id, or a user name after an @.",
        "schema": {"type": "string", "pattern": rf"^([0-9]{{1,16}}|@{USERNAME_PATTERN.pattern})$"},
        "examples": {"id": {"value": "1234567890123456"}, "name": {"value": "@ana"}},
    },
    "postId": {"schema": _ID},
    "commentId": {"schema": _ID},
    "sessionId": {"schema": _ID},
    "queue": {"schema": {"type": "string", "enum": [queue.value for queue in Queue]}},
    "key": {"description": "A path, with slashes in it.", "schema": {"type": "string", "minLength": 1}},
}

_TEXT: Part = {"type": "string"}
HEADERS: Mapping[str, Part] = {
    "X-Request-Id": {
        "description": "Names this request in the log; a good one that was sent is kept.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
    },
    "Link": {
        "description": 'The next page: `<...>; rel="next"`. Not on the last one.',
        "schema": _TEXT,
    },
    "Location": {"description": "Where the new thing is.", "required": True, "schema": _TEXT},
    "ETag": {"description": "Send it as `If-None-Match`.", "schema": _TEXT},
    "RateLimit-Policy": {
        "description": 'The limits that the request counted against: `"reads";q=300;w=60`.',
        "schema": _TEXT,
    },
    "RateLimit": {
        "description": 'What is left of them, and for how many seconds: `"reads";r=299;t=12`.',
        "schema": _TEXT,
    },
    "Idempotency-Replayed": {
        "description": "`true`: this was done before, under the same Idempotency-Key.",
        "schema": _TEXT,
    },
    "Retry-After": {
        "description": "Seconds to wait before trying again.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
    "WWW-Authenticate": {"description": "`Bearer`", "required": True, "schema": _TEXT},
}

# Not while limits are off, nor on an answer that was given before they were asked.
RATE_HEADERS = ("RateLimit-Policy", "RateLimit")

# By status: the name of the response among the components, its description, and its headers besides X-Request-Id.
PROBLEMS: Mapping[int, tuple[str, str, tuple[str, ...]]] = {
    400: ("Malformed", "The request cannot be read", ()),
    401: ("Unauthenticated", "No valid access token was sent", ("WWW-Authenticate",)),
    403: ("Forbidden", "Visible, but not yours to do", ()),
    404: ("NotFound", "There is no such thing, or you may not know that there is", ()),
    409: ("Conflict", "It contradicts what is stored", ()),
    413: ("TooLarge", "The body, or a file in it, is too large", ()),
    415: ("UnsupportedMedia", "The body is not of a type that is taken here", ()),
    422: ("InvalidInput", "Values that cannot be accepted; `errors` says which and why", ()),
    429: ("Throttled", "Too many requests", ("Retry-After",)),
    503: ("Unavailable", "A part that is needed does not answer now; trying again is safe", ("Retry-After",)),
    507: ("StorageFull", "There is no room for uploads at this moment", ()),
}
SUCCESSES: Mapping[int, str] = {200: "Here it is", 201: "Created", 202: "Accepted", 204: "Done"}


def named(kind: str, name: str) -> dict[str, Any]:
    """A reference to a component."""
    return {"$ref": f"#/components/{kind}/{name}"}


def headers(*names: str) -> dict[str, Any]:
    """The headers of a response: X-Request-Id, which all have, and these."""
    return {name: named("headers", name) for name in dict.fromkeys(("X-Request-Id", *names))}


def problem_responses() -> dict[str, Part]:
    """The responses that `PROBLEMS` names, as components."""
    content = {PROBLEM_JSON: {"schema": named("schemas", "Problem")}}
    return {
        name: {"description": description, "headers": headers(*RATE_HEADERS, *more), "content": content}
        for name, description, more in PROBLEMS.values()
    }
