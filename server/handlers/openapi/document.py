"""The OpenAPI 3.1 documents of the API, built with apispec from what the handlers declare with `operation`.

The builder adds what follows from general rules: authentication, and the problems that every route of a kind may
return. There are two documents, so that generated clients of apps have no operations for administrators.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from types import MappingProxyType
from typing import Any

from aiohttp import hdrs, web
from apispec import APISpec
from marshmallow import Schema, fields

from server.handlers.fields import File
from server.handlers.http.operations import MULTIPART, RouteOptions, options_of
from server.handlers.openapi import error_codes, parts
from server.handlers.openapi.components import without_unused_components
from server.handlers.openapi.examples import BODIES
from server.handlers.openapi.members import description_of
from server.handlers.openapi.responses import BODY_TYPES, Responses, error_codes_of, general_problems
from server.handlers.openapi.schemas import SchemaPlugin
from server.handlers.schemas import ProblemSchema
from server.version import VERSION

OPENAPI_VERSION = "3.1.0"
UPLOAD_TYPES = "image/jpeg, image/heic, image/png, image/webp, image/avif, image/gif"
STAFF_TAGS = frozenset({"health"})
NO_EXAMPLES: Mapping[str, str] = MappingProxyType({})

OperationObject = dict[str, Any]


class Readers(Enum):
    """The readers of a document: developers of apps, or of tools for those who run the service."""

    APPS = "apps"
    STAFF = "staff"


def build(
    routes: Iterable[web.AbstractRoute],
    readers: Readers | None = None,
    server_url: str = "/",
    existing: Mapping[str, str] = NO_EXAMPLES,
) -> dict[str, Any]:
    """Return the document of all documented `routes` for these readers, by default for both.

    `existing`: Values of path parameters that exist on this server, as examples. Raises LookupError if a declaration is
    incomplete.
    """
    return _Document(server_url, existing).describe(
        (path, method, handler)
        for path, method, handler in documented(routes)
        if readers in (None, readers_of(handler))
    )


def readers_of(handler: Any) -> Readers:
    """Return whose document has the operation of this handler."""
    options = options_of(handler)
    staff = options.admin or options.moderator or STAFF_TAGS & set(handler.__apispec__["tags"])
    return Readers.STAFF if staff else Readers.APPS


def documented(routes: Iterable[web.AbstractRoute]) -> Iterator[tuple[str, str, Any]]:
    """Yield path, method and handler of each route declared with `operation`, except HEAD, which belongs to GET."""
    for route in routes:
        if route.method != hdrs.METH_HEAD and route.resource and hasattr(route.handler, "__apispec__"):
            yield route.resource.canonical, route.method, route.handler


class _Document:
    def __init__(self, server_url: str, existing: Mapping[str, str]) -> None:
        plugin = SchemaPlugin()
        self._existing = existing
        self._used_tags: set[str] = set()
        self._spec = APISpec(
            parts.TITLE,
            VERSION,
            OPENAPI_VERSION,
            [plugin],
            info={
                "description": parts.DESCRIPTION,
                "license": {"name": "MIT", "identifier": "MIT"},
                "contact": {"name": "The operator of this server", "url": server_url},
            },
            servers=[{"url": server_url, "description": "This server"}],
            security=[{parts.BEARER: []}],
        )
        self._converter: Any = plugin.converter
        components = self._spec.components
        components.schema("Problem", schema=ProblemSchema)
        for name, header in parts.RESPONSE_HEADERS.items():
            components.header(name, dict(header))
        for name, response in parts.problem_responses().items():
            components.response(name, dict(response))
        for name, example in error_codes.problem_examples().items():
            components.example(name, example)
        for name, scheme in parts.SECURITY_SCHEMES.items():
            components.security_scheme(name, dict(scheme))

    def describe(self, operations: Iterable[tuple[str, str, Any]]) -> dict[str, Any]:
        ids: set[str] = set()
        for path, method, handler in operations:
            try:
                operation = self._operation(path, handler.__apispec__, options_of(handler))
            except LookupError as error:
                raise LookupError(f"{method} {path}: the document has no description of {error}") from error
            if (name := operation["operationId"]) in ids:  # a PATCH with the handler of a PUT
                operation["operationId"] = f"{name}WithPatch"
            ids.add(name)
            self._used_tags |= set(operation["tags"])
            self._spec.path(path, operations={method.lower(): operation})
        document: dict[str, Any] = self._spec.to_dict()
        document["tags"] = [
            {"name": name, "description": text}
            for name, text in parts.TAGS.items()
            if name in self._used_tags
        ]
        return without_unused_components(document)

    def _operation(self, path: str, declared: OperationObject, options: RouteOptions) -> OperationObject:
        schemas = {each["location"]: each["schema"] for each in declared["schemas"]}
        operation: OperationObject = {name: declared[name] for name in ("operationId", "tags", "summary")}
        if "description" in declared:
            operation["description"] = declared["description"]
        if options.public:
            operation["security"] = []
        elif options.anonymous:
            operation["security"] = [{parts.BEARER: []}, {}]
        elif options.accepts_ticket:
            operation["security"] = [{parts.BEARER: []}, {parts.STREAM_TICKET: []}]
        parameters = [*self._path_parameters(path), *declared["parameters"]]
        if options.idempotent:
            parameters.append(dict(parts.IDEMPOTENCY_PARAMETER))
        parameters += self._query_parameters(schemas.get("querystring"))
        if parameters:
            operation["parameters"] = parameters
        bodies = [(kind, schemas[location]) for location, kind in BODY_TYPES.items() if location in schemas]
        if bodies:
            content = {media_type: self._media_type(media_type, schema) for media_type, schema in bodies}
            operation["requestBody"] = {"required": True, "content": content}
        operation["responses"] = Responses(self._converter, options).describe(
            declared["responses"],
            general_problems(path, declared["tags"], options, schemas.keys()),
            error_codes_of(declared["codes"], options, schemas.get("querystring")),
        )
        return operation

    def _path_parameters(self, path: str) -> list[dict[str, Any]]:
        return [self._path_parameter(name) for name in re.findall(r"{(\w+)}", path)]

    def _path_parameter(self, name: str) -> dict[str, Any]:
        parameter: dict[str, Any] = {
            "in": "path",
            "name": name,
            "required": True,
            **parts.PATH_PARAMETERS[name],
        }
        if name in self._existing:
            parameter["example"] = self._existing[name]
        return parameter

    def _query_parameters(self, schema: Schema | None) -> list[dict[str, Any]]:
        if schema is None:
            return []
        parameters: list[dict[str, Any]] = self._converter.schema2parameters(schema, location="query")
        for parameter in parameters:
            # The description beside a reference to an enumeration stays in its schema.
            text = parameter["schema"].pop("description", None) or description_of("query", parameter["name"])
            parameter.setdefault("description", text)
        return parameters

    def _media_type(self, media_type: str, schema: Schema) -> dict[str, Any]:
        reference: dict[str, Any] = self._converter.resolve_nested_schema(schema)
        content: dict[str, Any] = {"schema": reference}
        if media_type == MULTIPART:
            files = [name for name, field in schema.fields.items() if _holds_files(field)]
            content["encoding"] = {name: {"contentType": UPLOAD_TYPES} for name in files}
        else:
            content["example"] = BODIES[reference["$ref"].rpartition("/")[2]]
        return content


def _holds_files(field: fields.Field[Any]) -> bool:
    return isinstance(field.inner if isinstance(field, fields.List) else field, File)
