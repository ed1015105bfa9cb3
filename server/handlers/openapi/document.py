"""The API as an OpenAPI 3.1 document, built with apispec from what the handlers declare.

A handler says what is its own with the decorators of aiohttp-apispec: `docs` (tags, operationId, summary; `headers`
lists by status what a response carries), `json_schema`, `querystring_schema`, `form_schema`, `response_schema`. What
holds by the rules of the house is added here: who has to sign in, what is refused with which status.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from aiohttp import hdrs, web
from apispec import APISpec
from marshmallow import Schema, fields

from server.handlers.http.idempotency import PARAMETER, REPLAYED
from server.handlers.http.problems import PROBLEM_JSON
from server.handlers.http.rate_limiting import rates_of
from server.handlers.http.requests import JSON, is_public, takes_ticket
from server.handlers.openapi import parts
from server.handlers.openapi.schemas import SchemaPlugin
from server.handlers.schemas import File, ProblemSchema
from server.version import VERSION

OPENAPI_VERSION = "3.1.0"
FORM = "multipart/form-data"
BODY_TYPES = {"json": JSON, "form": FORM}
PICTURES = "image/jpeg, image/png, image/webp"
CREATED, UNAVAILABLE = 201, 503
WITHOUT_WORK = frozenset({"health", "docs"})  # their handlers declare all that they answer

Operation = dict[str, Any]


def build(routes: Iterable[web.AbstractRoute]) -> dict[str, Any]:
    """The document of all `routes` that have a declaration. Raises LookupError where one lacks a part."""
    return _Document().describe(routes)


def declared(routes: Iterable[web.AbstractRoute]) -> Iterator[tuple[str, str, Any]]:
    """Path, method and handler of each route that belongs into the document; HEAD comes with GET by itself."""
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
        for name, header in parts.HEADERS.items():
            components.header(name, dict(header))
        for name, response in parts.problem_responses().items():
            components.response(name, dict(response))
        for name, scheme in parts.SECURITY_SCHEMES.items():
            components.security_scheme(name, dict(scheme))

    def describe(self, routes: Iterable[web.AbstractRoute]) -> dict[str, Any]:
        for path, method, handler in declared(routes):
            try:
                operation = self._operation(path, handler)
            except LookupError as error:
                raise LookupError(f"{method} {path}: {error} is not described") from error
            self._spec.path(path, operations={method.lower(): operation})
        document: dict[str, Any] = self._spec.to_dict()
        return document

    def _operation(self, path: str, handler: Any) -> Operation:
        said: dict[str, Any] = handler.__apispec__
        schemas = {each["location"]: each["schema"] for each in handler.__schemas__}
        operation: Operation = {name: said[name] for name in ("operationId", "tags", "summary")}
        if "description" in said:
            operation["description"] = said["description"]
        if is_public(handler):
            operation["security"] = []
        elif takes_ticket(handler):
            operation["security"] = [{parts.BEARER: []}, {parts.TICKET: []}]
        parameters = [*_path_parameters(path), *said["parameters"], *self._query(schemas.get("querystring"))]
        if parameters:
            operation["parameters"] = parameters
        for location, media_type in BODY_TYPES.items():
            if location in schemas:
                operation["requestBody"] = self._body(media_type, schemas[location])
        rates = () if rates_of(handler) == () else parts.RATE_HEADERS
        refusals = _refusals(handler, path, said, set(schemas))
        operation["responses"] = self._responses(said, refusals, rates)
        return operation

    def _query(self, schema: Schema | None) -> list[dict[str, Any]]:
        if schema is None:
            return []
        return self._converter.schema2parameters(schema, location="query")

    def _body(self, media_type: str, schema: Schema) -> dict[str, Any]:
        body: dict[str, Any] = {"schema": self._schema(schema)}
        if media_type == FORM:
            files = [name for name, field in schema.fields.items() if _holds_files(field)]
            body["encoding"] = {name: {"contentType": PICTURES} for name in files}
        return {"required": True, "content": {media_type: body}}

    def _responses(self, said: dict[str, Any], refusals: set[int], rates: tuple[str, ...]) -> dict[str, Any]:
        responses: dict[str, Any] = {
            str(status): parts.named("responses", parts.PROBLEMS[status][0]) for status in refusals
        }
        for status, response in said["responses"].items():
            responses[str(status)] = self._response(int(status), response, said, rates)
        return dict(sorted(responses.items()))

    def _response(
        self, status: int, response: dict[str, Any], said: dict[str, Any], rates: tuple[str, ...]
    ) -> dict[str, Any]:
        schema = response.get("schema")
        names = [*said.get("headers", {}).get(str(status), ()), *rates]
        if status == CREATED and PARAMETER in said["parameters"]:
            names.append(REPLAYED)
        if isinstance(schema, Schema) and "nextCursor" in schema.fields:
            names.append("Link")
        media_type = said["produces"][0]
        if isinstance(schema, ProblemSchema):
            media_type = PROBLEM_JSON
            names += parts.PROBLEMS[status][2]
        elif status == UNAVAILABLE:
            media_type, names = JSON, ["Retry-After"]
        described: dict[str, Any] = {
            "description": response.get("description") or parts.SUCCESSES[status],
            "headers": parts.headers(*names),
        }
        if schema is not None:
            described["content"] = {media_type: {"schema": self._schema(schema)}}
        return described

    def _schema(self, schema: Schema | dict[str, Any]) -> dict[str, Any]:
        if isinstance(schema, dict):
            return schema
        return self._converter.resolve_nested_schema(schema)


def _path_parameters(path: str) -> list[dict[str, Any]]:
    names = re.findall(r"{(\w+)}", path)
    return [{"in": "path", "name": name, "required": True, **parts.PATH_PARAMETERS[name]} for name in names]


def _refusals(handler: Any, path: str, said: dict[str, Any], locations: set[str]) -> set[int]:
    """The statuses with which every route of its kind may refuse."""
    if WITHOUT_WORK & set(said["tags"]):
        return set()
    statuses = {UNAVAILABLE}
    if rates_of(handler) != ():
        statuses.add(429)
    if not is_public(handler):
        statuses.add(401)
    if "{" in path:
        statuses.add(404)
    if locations:
        statuses.add(422)
    if locations & BODY_TYPES.keys():
        statuses |= {400, 413, 415}
    if "form" in locations:
        statuses.add(507)
    return statuses


def _holds_files(field: fields.Field[Any]) -> bool:
    return isinstance(field.inner if isinstance(field, fields.List) else field, File)
