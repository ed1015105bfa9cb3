"""Route declarations: what a handler needs from the middlewares, and its entry in the OpenAPI document.

`operation` hands the documented part to aiohttp-apispec, from where `openapi.document` reads it, and attaches
`RouteOptions` for the middlewares.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, TypeVar

from aiohttp import web
from aiohttp_apispec import docs, form_schema, json_schema, querystring_schema, response_schema
from marshmallow import Schema

from server.handlers.schemas import ProblemSchema

AnyHandler = TypeVar("AnyHandler", bound=Callable[..., Any])

JSON = "application/json"
MULTIPART = "multipart/form-data"
_OPTIONS = "route_options"


class Rate(StrEnum):
    """Rate limits of routes, by their names in config.toml and in the response headers."""

    DEFAULT = "default"
    REGISTRATION = "registration"
    AVAILABILITY = "availability"
    REFRESH = "refresh"
    WRITES = "writes"
    UPLOADS = "uploads"
    MEDIA = "media"
    UPLOAD_PARTS = "upload_parts"
    READS = "reads"
    REPORTS = "reports"
    SEARCH = "search"
    EXPORTS = "exports"


class Contribution(StrEnum):
    """Kinds of additions that new accounts may make less often, by the names of their limits in config.toml."""

    POSTS = "posts"
    COMMENTS = "comments"
    FOLLOWS = "follows"
    LIKES = "likes"
    REPORTS = "reports"


@dataclass(frozen=True, slots=True)
class RouteOptions:
    """Options of a handler for the middlewares.

    rates: Limits per user, or per client IP for an unauthenticated request. Empty: exempt.
    success_rates: Limits like `rates` that only successful requests count against.
    contributes: What the request adds, of which new accounts may add less.
    public: No access token is needed.
    anonymous: No access token is needed on a server with public reads; the user is then `ANONYMOUS`.
    admin: Only administrators may use the route; checked before body and query are validated.
    moderator: Only moderators and administrators may; checked likewise.
    accepts_ticket: A `?ticket=` is accepted in place of an access token.
    idempotent: The handler honours `Idempotency-Key`.
    publishes: Other users see what the request creates.
    etag: Successful responses have an ETag, and `If-None-Match` is honoured; for what clients poll.
    compressible: Responses may be compressed. Not those that contain tokens, because their size would reveal them
        (BREACH).
    body, query: Schemas of the JSON body and of the query.
    form: The handler reads a multipart body, in place of a JSON body if it has a schema for one.
    file: The handler also reads a body that is the bytes of one file.
    """

    rates: tuple[Rate, ...] = (Rate.DEFAULT,)
    success_rates: tuple[Rate, ...] = ()
    contributes: Contribution | None = None
    public: bool = False
    anonymous: bool = False
    admin: bool = False
    moderator: bool = False
    accepts_ticket: bool = False
    idempotent: bool = False
    publishes: bool = False
    form: bool = False
    file: bool = False
    etag: bool = False
    compressible: bool = True
    body: Schema | None = None
    query: Schema | None = None

    def __call__(self, handler: AnyHandler) -> AnyHandler:
        """Attach these options to a handler, for a route that is not documented."""
        setattr(handler, _OPTIONS, self)
        return handler


@dataclass(frozen=True, slots=True)
class Reply:
    """A response of the handler itself. `schema` is None for an empty body; `headers` lists its additional headers.

    `other_types`: further media types that the body can have.
    """

    description: str = ""
    schema: type[Schema] | Mapping[str, Any] | None = None
    media_type: str = JSON
    headers: tuple[str, ...] = ()
    other_types: tuple[str, ...] = ()


NOT_MODIFIED = Reply("The client has the current version, according to `If-None-Match`", headers=("ETag",))
NOT_ADMIN = "You are not an administrator"
NOT_MODERATOR = "You are not a moderator"
UNVERIFIED_PUBLISHER = "Your e-mail address is not verified, and the operator requires it"
_DEFAULTS = RouteOptions()
_NO_REFUSALS: Mapping[int, str] = MappingProxyType({})
_NO_CODES: Mapping[int, tuple[str, ...]] = MappingProxyType({})


def options_of(handler: Callable[..., Any]) -> RouteOptions:
    """Return the options of a handler; the defaults if it declares none."""
    options: RouteOptions = getattr(handler, _OPTIONS, _DEFAULTS)
    return options


def operation(  # noqa: PLR0913 - a declaration: keywords with defaults
    operation_id: str,
    summary: str,
    *,
    tag: str,
    responds: Mapping[int, type[Schema] | Reply],
    refuses: Mapping[int, str] = _NO_REFUSALS,
    codes: Mapping[int, tuple[str, ...]] = _NO_CODES,
    description: str = "",
    parameters: Sequence[Mapping[str, Any]] = (),
    body: type[Schema] | None = None,
    form: type[Schema] | None = None,
    file: bool = False,
    query: type[Schema] | None = None,
    rates: tuple[Rate, ...] = (Rate.DEFAULT,),
    success_rates: tuple[Rate, ...] = (),
    contributes: Contribution | None = None,
    public: bool = False,
    anonymous: bool = False,
    admin: bool = False,
    moderator: bool = False,
    accepts_ticket: bool = False,
    idempotent: bool = False,
    publishes: bool = False,
    etag: bool = False,
) -> Callable[[AnyHandler], AnyHandler]:
    """Declare a documented route.

    responds: Responses of the handler by status; a schema alone stands for a JSON response.
    refuses: Descriptions of problems that need more than the general one for their status.
    codes: Error codes by status, besides those that follow from general rules (`openapi.error_codes`).
    form: Schema of a multipart body. It is only documented: the handler reads the parts itself. With `body`, the client
        chooses one of the two.

    The other arguments are explained in `RouteOptions`.
    """
    options = RouteOptions(
        rates=rates,
        success_rates=success_rates,
        contributes=contributes,
        public=public,
        anonymous=anonymous,
        admin=admin,
        moderator=moderator,
        accepts_ticket=accepts_ticket,
        idempotent=idempotent,
        publishes=publishes,
        form=form is not None,
        file=file,
        etag=etag,
        compressible=tag != "auth",
        body=body() if body else None,
        query=query() if query else None,
    )
    documented: dict[str, Any] = {
        "operationId": operation_id,
        "summary": summary,
        "tags": [tag],
        "codes": codes,
    }
    if description:
        documented["description"] = description
    if admin or moderator:
        refuses = {403: NOT_ADMIN if admin else NOT_MODERATOR, **refuses}
    if publishes:
        refuses = {403: UNVERIFIED_PUBLISHER, **refuses}
    if etag:
        responds = {**responds, 304: NOT_MODIFIED}
    replies = {str(status): _documented(reply) for status, reply in responds.items()}

    def declare(handler: AnyHandler) -> AnyHandler:
        docs(**documented, parameters=list(parameters), responses=replies)(handler)
        for declare_schema, schema in ((json_schema, body), (form_schema, form), (querystring_schema, query)):
            if schema is not None:
                declare_schema(schema)(handler)
        for status, problem in refuses.items():
            response_schema(ProblemSchema, status, description=problem)(handler)
        return options(handler)

    return declare


def partial_update(path: str, handler: Callable[..., Any]) -> tuple[web.RouteDef, web.RouteDef]:
    """Return the routes of a change that leaves omitted members as they are: PUT, and PATCH for the same."""
    return web.put(path, handler), web.patch(path, handler)


def _documented(reply: type[Schema] | Reply) -> dict[str, Any]:
    if not isinstance(reply, Reply):
        reply = Reply(schema=reply)
    schema = reply.schema() if isinstance(reply.schema, type) else reply.schema
    return {
        "description": reply.description,
        "schema": schema,
        "mediaTypes": (reply.media_type, *reply.other_types),
        "headers": reply.headers,
    }
