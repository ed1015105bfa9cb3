"""The OpenAPI 3.1 document of the API, built with apispec from what the handlers declare with `operation`.

The builder adds what follows from general rules: authentication, and the problems that every route of a kind may
return.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Set
from typing import Any

from aiohttp import hdrs, web
from apispec import APISpec
from marshmallow import Schema, fields

from server.handlers.fields import File
from server.handlers.http.idempotency import IDEMPOTENCY_REPLAYED
from server.handlers.http.operations import JSON, MULTIPART, RouteOptions, options_of
from server.handlers.http.problems import PROBLEM_JSON
from server.handlers.openapi import parts
from server.handlers.openapi.schemas import SchemaPlugin
from server.handlers.schemas import ProblemSchema
from server.version import VERSION

OPENAPI_VERSION = "3.1.0"
BODY_TYPES = {"json": JSON, "form": MULTIPART}
UPLOAD_TYPES = "image/jpeg, image/heic, image/png, image/webp, image/avif, image/gif"
OK, CREATED, CONFLICT, UNAVAILABLE = 200, 201, 409, 503
COMPLETE_TAGS = frozenset({"health", "docs"})  # their operations declare every response themselves

OperationObject = dict[str, Any]


def build(routes: Iterable[web.AbstractRoute]) -> dict[str, Any]:
    """Return the document of all documented `routes`. Raises LookupError if a declaration is incomplete."""
    return _Document().describe(routes)


def documented(routes: Iterable[web.AbstractRoute]) -> Iterator[tuple[str, str, Any]]:
    """Yield path, method and handler of each route declared with `operation`, except HEAD, which belongs to GET."""
    for route in routes:
        if route.method != hdrs.METH_HEAD and route.resource and hasattr(route.handler, "__apispec__"):
            yield route.resource.canonical, route.method, route.handler


class _Document:
    def __init__(self) -> None:
        plugin = SchemaPlugin()
        self._spec = APISpec(
            parts.TITLE,
            VERSION,
            OPENAPI_VERSION,
            [plugin],
            info={"description": parts.DESCRIPTION, "license": {"name": "MIT", "identifier": "MIT"}},
            servers=[{"url": "/"}],
            security=[{parts.BEARER: []}],
            tags=[{"name": name, "description": text} for name, text in parts.TAGS.items()],
        )
        self._converter: Any = plugin.converter
        components = self._spec.components
        components.schema("Problem", schema=ProblemSchema)
        for name, header in parts.RESPONSE_HEADERS.items():
            components.header(name, dict(header))
        for name, response in parts.problem_responses().items():
            components.response(name, dict(response))
        for name, scheme in parts.SECURITY_SCHEMES.items():
            components.security_scheme(name, dict(scheme))

    def describe(self, routes: Iterable[web.AbstractRoute]) -> dict[str, Any]:
        ids: set[str] = set()
        for path, method, handler in documented(routes):
            try:
                operation = self._operation(path, handler.__apispec__, options_of(handler))
            except LookupError as error:
                raise LookupError(f"{method} {path}: the document has no description of {error}") from error
            if (name := operation["operationId"]) in ids:  # a PATCH with the handler of a PUT
                operation["operationId"] = f"{name}WithPatch"
            ids.add(name)
            self._spec.path(path, operations={method.lower(): operation})
        document: dict[str, Any] = self._spec.to_dict()
        return document

    def _operation(self, path: str, declared: OperationObject, options: RouteOptions) -> OperationObject:
        schemas = {each["location"]: each["schema"] for each in declared["schemas"]}
        operation: OperationObject = {name: declared[name] for name in ("operationId", "tags", "summary")}
        if "description" in declared:
            operation["description"] = declared["description"]
        if options.public:
            operation["security"] = []
        elif options.accepts_ticket:
            operation["security"] = [{parts.BEARER: []}, {parts.STREAM_TICKET: []}]
        parameters = [*_path_parameters(path), *declared["parameters"]]
        if options.idempotent:
            parameters.append(dict(parts.IDEMPOTENCY_PARAMETER))
        parameters += self._query_parameters(schemas.get("querystring"))
        if parameters:
            operation["parameters"] = parameters
        bodies = [(kind, schemas[location]) for location, kind in BODY_TYPES.items() if location in schemas]
        if bodies:
            content = {media_type: self._media_type(media_type, schema) for media_type, schema in bodies}
            operation["requestBody"] = {"required": True, "content": content}
        problems = _general_problems(path, declared, options, schemas.keys())
        operation["responses"] = self._responses(declared["responses"], options, problems)
        return operation

    def _query_parameters(self, schema: Schema | None) -> list[dict[str, Any]]:
        if schema is None:
            return []
        return self._converter.schema2parameters(schema, location="query")

    def _media_type(self, media_type: str, schema: Schema) -> dict[str, Any]:
        content: dict[str, Any] = {"schema": self._schema(schema)}
        if media_type == MULTIPART:
            files = [name for name, field in schema.fields.items() if _holds_files(field)]
            content["encoding"] = {name: {"contentType": UPLOAD_TYPES} for name in files}
        return content

    def _responses(
        self, declared: Mapping[str, Any], options: RouteOptions, problems: set[int]
    ) -> dict[str, Any]:
        responses: dict[str, Any] = {
            str(status): parts.reference("responses", parts.PROBLEMS[status][0]) for status in problems
        }
        if options.idempotent:
            responses[str(CONFLICT)] = self._problem(CONFLICT, parts.KEY_IN_USE, options)
        for status, response in declared.items():
            if isinstance(response["schema"], ProblemSchema):
                responses[status] = self._problem(int(status), response["description"], options)
            else:
                responses[status] = self._success(int(status), response, options)
        return dict(sorted(responses.items()))

    def _problem(self, status: int, description: str, options: RouteOptions) -> dict[str, Any]:
        return {
            "description": description,
            "headers": parts.headers(*_rate_headers(options), *parts.PROBLEMS[status][2]),
            "content": {PROBLEM_JSON: {"schema": self._schema(ProblemSchema())}},
        }

    def _success(self, status: int, response: dict[str, Any], options: RouteOptions) -> dict[str, Any]:
        schema = response["schema"]
        names = [*response["headers"], *_rate_headers(options)]
        if status == CREATED and options.idempotent:
            names.append(IDEMPOTENCY_REPLAYED)
        if isinstance(schema, Schema) and "nextCursor" in schema.fields:
            names.append("Link")
        if options.etag and status == OK:
            names.append("ETag")
        if status == UNAVAILABLE:
            names = ["Retry-After"]
        described: dict[str, Any] = {
            "description": response["description"] or parts.SUCCESSES[status],
            "headers": parts.headers(*names),
        }
        if schema is not None:
            content = {"schema": self._schema(schema)}
            described["content"] = dict.fromkeys(response["mediaTypes"], content)
        return described

    def _schema(self, schema: Schema | dict[str, Any]) -> dict[str, Any]:
        if isinstance(schema, dict):
            return schema
        return self._converter.resolve_nested_schema(schema)


def _rate_headers(options: RouteOptions) -> tuple[str, ...]:
    return parts.RATE_LIMIT_HEADERS if options.rates else ()


def _path_parameters(path: str) -> list[dict[str, Any]]:
    names = re.findall(r"{(\w+)}", path)
    return [{"in": "path", "name": name, "required": True, **parts.PATH_PARAMETERS[name]} for name in names]


def _general_problems(
    path: str, declared: OperationObject, options: RouteOptions, locations: Set[str]
) -> set[int]:
    """Return the statuses with which every route of this kind may refuse a request."""
    if COMPLETE_TAGS & set(declared["tags"]):
        return set()
    statuses = {UNAVAILABLE}
    if options.rates:
        statuses.add(429)
    if not options.public:
        statuses.add(401)
    if "{" in path:
        statuses.add(404)
    if locations:
        statuses.add(422)
    if locations & BODY_TYPES.keys():
        statuses |= {400, 408, 413, 415}
    if "form" in locations:
        statuses.add(507)
    return statuses


def _holds_files(field: fields.Field[Any]) -> bool:
    return isinstance(field.inner if isinstance(field, fields.List) else field, File)
