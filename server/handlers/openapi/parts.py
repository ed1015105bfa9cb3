"""Shared parts of the OpenAPI document: tags, parameters, headers, problem responses and security schemes."""

from collections.abc import Mapping
from typing import Any

from server.handlers.fields import ID_PATTERN
from server.handlers.http.idempotency import IDEMPOTENCY_KEY
from server.handlers.http.problems import PROBLEM_JSON
from server.handlers.openapi.error_codes import GENERAL_CODES, example_references
from server.handlers.openapi.examples import EXAMPLE_ID
from server.services.accounts.usernames import USERNAME_PATTERN
from server.services.jobs.event_jobs import Queue

Part = Mapping[str, Any]

TITLE = "photofeed"
DESCRIPTION = """\
Posts with images, comments, likes, follows, a personalised feed and live notifications.

Ids are decimal strings, times are UTC. A list is `{"items": [...], "nextCursor": ...}`: pass `nextCursor` as `cursor`
to get the next page, or follow the `Link` header. `PATCH` does the same as each `PUT`.

Errors are `application/problem+json` (RFC 9457) with a stable `code`. The examples of a response are named by the codes
that it can have. Enumerations grow: clients must accept values in responses that they do not know.

Operations with optional authorization need no token on a server with public reads: they return what everybody may see.

JSON from 1 KiB is compressed with gzip if the client accepts it, except by `auth` operations.\
"""

TAGS: Mapping[str, str] = {
    "auth": "Accounts, sign-in, sessions and passwords",
    "users": "Your own profile, and other users' profiles",
    "posts": "Posts with images",
    "tags": "Users who are tagged in images",
    "comments": "Comments on posts, and replies",
    "likes": "Likes of posts",
    "saved": "Saved posts, and collections of them",
    "follows": "Followers, followed users, and requests to follow private accounts",
    "blocks": "Blocked and muted users",
    "reports": "Reports to the moderators, their decisions about you, and appeals",
    "moderation": "What moderators do about reports and appeals",
    "feed": "The personalised feed",
    "explore": "Popular and fresh posts, and why they are shown",
    "search": "Search for users, hashtags and posts",
    "notifications": "Notifications, their live stream, preferences and push devices",
    "queues": "Background job queues, for administrators",
    "installation": "Processes, storage and caches, for administrators",
    "sharing": "Previews of links to public posts and profiles",
    "config": "Limits of images, texts and pages",
    "media": "Image files, and images for later posts",
    "uploads": "Resumable uploads of images (tus 1.0)",
    "health": "Liveness, readiness and metrics",
    "docs": "This document",
}

BEARER = "accessToken"
STREAM_TICKET = "streamTicket"
SECURITY_SCHEMES: Mapping[str, Part] = {
    BEARER: {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The `accessToken` returned by register, login and refresh.",
    },
    STREAM_TICKET: {
        "type": "apiKey",
        "in": "query",
        "name": "ticket",
        "description": "A ticket for the live stream, in place of an access token. It is valid once, for 30 seconds.",
    },
}

_ID: Part = {"type": "string", "pattern": ID_PATTERN}


def _id(description: str) -> Part:
    return {"description": description, "schema": _ID, "example": EXAMPLE_ID}


PATH_PARAMETERS: Mapping[str, Part] = {
    "userId": {
        "description": "An id, or `@username`.",
        "schema": {"type": "string", "pattern": rf"^([0-9]{{1,16}}|@{USERNAME_PATTERN.pattern})$"},
        "example": "@ben",
    },
    "postId": _id("The id of a post."),
    "commentId": _id("The id of a comment on the post."),
    "mediaId": _id("The id of an image of yours that no post uses."),
    "uploadId": _id("The id of an upload of yours."),
    "exportId": _id("The id of an archive."),
    "sessionId": _id("The id of a session."),
    "passkeyId": _id("The id of one of your passkeys."),
    "provider": {
        "description": "An identity provider that `GET /config` lists.",
        "schema": {"type": "string", "pattern": "^[a-z0-9-]{1,32}$"},
        "example": "google",
    },
    "filterId": _id("A filter of words or links."),
    "appealId": _id("An appeal in the queue."),
    "decisionId": _id("A decision of moderators."),
    "searchId": _id("The id of one of your recent searches."),
    "collectionId": _id("The id of one of your collections."),
    "placeId": _id("The id of a place."),
    "tag": {
        "description": "A hashtag in any spelling, without the #.",
        "schema": {"type": "string", "minLength": 1},
        "example": "sunset",
    },
    "caseId": _id("An entry of the report queue."),
    "jobId": _id("A job."),
    "queue": {
        "description": "The name of a queue.",
        "schema": {"type": "string", "enum": [queue.value for queue in Queue]},
        "example": Queue.EMAIL.value,
    },
    "key": {
        "description": "A path that may contain slashes.",
        "schema": {"type": "string", "minLength": 1},
        "example": "posts/1/large.jpg",
    },
}

_TEXT: Part = {"type": "string"}
RESPONSE_HEADERS: Mapping[str, Part] = {
    "X-Request-Id": {
        "description": "The request id in the server log; a valid id in the request is kept.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
    },
    "Link": {
        "description": 'The next page: `<...>; rel="next"`. Absent on the last page.',
        "schema": _TEXT,
    },
    "Location": {"description": "Path of the created resource.", "required": True, "schema": _TEXT},
    "ETag": {"description": "For `If-None-Match`.", "schema": _TEXT},
    "Last-Modified": {"description": "For `If-Modified-Since`.", "schema": _TEXT},
    "Accept-Ranges": {"description": "`bytes`: `Range` is supported.", "schema": _TEXT},
    "Content-Range": {
        "description": "The part that the body is, and the size of the whole: `bytes 0-99/2048`.",
        "schema": _TEXT,
    },
    "RateLimit-Policy": {
        "description": 'The limits that the request counted against: `"reads";q=300;w=60`.',
        "schema": _TEXT,
    },
    "RateLimit": {
        "description": 'Requests left per limit, and seconds until the limit is unused again: `"reads";r=299;t=12`.',
        "schema": _TEXT,
    },
    "Idempotency-Replayed": {
        "description": "`true` if an earlier request with the same Idempotency-Key took effect.",
        "schema": _TEXT,
    },
    "Retry-After": {
        "description": "Seconds to wait before the next attempt.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
    "Tus-Version": {"description": "Supported versions of tus.", "required": True, "schema": _TEXT},
    "Tus-Extension": {"description": "Supported extensions of tus.", "required": True, "schema": _TEXT},
    "Tus-Max-Size": {
        "description": "The maximum size of a file in bytes.",
        "required": True,
        "schema": _TEXT,
    },
    "Tus-Checksum-Algorithm": {
        "description": "Supported algorithms of `Upload-Checksum`.",
        "required": True,
        "schema": _TEXT,
    },
    "Upload-Length": {"description": "The size of the file in bytes.", "required": True, "schema": _TEXT},
    "Upload-Offset": {"description": "How many bytes have arrived.", "required": True, "schema": _TEXT},
    "Upload-Expires": {"description": "When the upload is deleted.", "required": True, "schema": _TEXT},
    "Upload-Metadata": {"description": "As the client sent it.", "schema": _TEXT},
    "Media-Id": {
        "description": "The id of the image, once all bytes have arrived.",
        "required": True,
        "schema": _TEXT,
    },
    "WWW-Authenticate": {"description": "`Bearer`", "required": True, "schema": _TEXT},
}

IDEMPOTENCY_PARAMETER: Part = {
    "in": "header",
    "name": IDEMPOTENCY_KEY,
    "schema": {"type": "string", "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"},
    "description": "Chosen by the client, such as a UUID. A repeated request within a day gets the first response.",
}
KEY_IN_USE = "A request with this Idempotency-Key is in progress"

# Absent if rate limiting is off, and on responses that precede its check.
RATE_LIMIT_HEADERS = ("RateLimit-Policy", "RateLimit")

# By status: component name, description, and headers besides X-Request-Id.
PROBLEMS: Mapping[int, tuple[str, str, tuple[str, ...]]] = {
    400: ("Malformed", "The request is malformed", ()),
    401: ("Unauthenticated", "The access token is missing or invalid", ("WWW-Authenticate",)),
    403: ("Forbidden", "You may see the resource, but not do this", ()),
    404: ("NotFound", "The resource does not exist, or you may not see it", ()),
    408: ("RequestTimeout", "The body arrived too slowly", ()),
    409: ("Conflict", "The request conflicts with the current state", ()),
    412: ("PreconditionFailed", "The resource is not in the required version", ()),
    413: ("TooLarge", "The body or a file in it is too large", ()),
    415: ("UnsupportedMedia", "The media type of the body is not supported", ()),
    416: ("RangeNotSatisfiable", "The range is outside the resource", ("Content-Range",)),
    422: ("InvalidInput", "Some values are invalid; `errors` has messages by field", ()),
    429: ("Throttled", "Too many requests", ("Retry-After",)),
    460: ("ChecksumMismatch", "The body does not have the checksum that was sent with it", ()),
    503: ("Unavailable", "Service temporarily unavailable; retrying is safe", ("Retry-After",)),
    507: ("StorageFull", "There is no space left for uploads", ()),
}
SUCCESSES: Mapping[int, str] = {200: "OK", 201: "Created", 202: "Accepted", 204: "No content"}


def reference(kind: str, name: str) -> dict[str, Any]:
    """Return a reference to a component."""
    return {"$ref": f"#/components/{kind}/{name}"}


def headers(*names: str) -> dict[str, Any]:
    """Return references to X-Request-Id, which every response has, and the named headers."""
    return {name: reference("headers", name) for name in dict.fromkeys(("X-Request-Id", *names))}


def problem_responses() -> dict[str, Part]:
    """Return the responses of `PROBLEMS` as components."""
    return {
        name: {
            "description": description,
            "headers": headers(*RATE_LIMIT_HEADERS, *more),
            "content": {
                PROBLEM_JSON: {
                    "schema": reference("schemas", "Problem"),
                    "examples": example_references(status, GENERAL_CODES.get(status, ())),
                }
            },
        }
        for status, (name, description, more) in PROBLEMS.items()
    }
