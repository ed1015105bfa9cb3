"""The responses of an operation: those that it declares, and the problems that follow from general rules."""

from collections.abc import Iterable, Mapping, Set
from typing import Any

from marshmallow import Schema

from server.handlers.http.idempotency import IDEMPOTENCY_REPLAYED
from server.handlers.http.operations import JSON, MULTIPART, RouteOptions
from server.handlers.http.problems import PROBLEM_JSON
from server.handlers.openapi import parts
from server.handlers.openapi.error_codes import ERROR_CODES, GENERAL_CODES, example_references
from server.handlers.schemas import ProblemSchema

BODY_TYPES = {"json": JSON, "form": MULTIPART}
COMPLETE_TAGS = frozenset({"health", "docs"})  # their operations declare their problems themselves
OK, CREATED, MALFORMED, UNAUTHENTICATED, FORBIDDEN = 200, 201, 400, 401, 403
NOT_FOUND, CONFLICT, INVALID, THROTTLED, UNAVAILABLE, STORAGE_FULL = 404, 409, 422, 429, 503, 507
BODY_PROBLEMS = frozenset({MALFORMED, 408, 413, 415})


class Responses:
    """Describes the responses of one operation. `converter` is apispec's converter of schemas."""

    def __init__(self, converter: Any, options: RouteOptions) -> None:
        self._converter = converter
        self._options = options

    def describe(
        self, declared: Mapping[str, Any], general: Set[int], codes: Mapping[int, list[str]]
    ) -> dict[str, Any]:
        """Return the response objects by status."""
        texts = dict.fromkeys(general, "")
        if self._options.idempotent:
            texts[CONFLICT] = parts.KEY_IN_USE
        responses: dict[str, Any] = {}
        for status, response in declared.items():
            if isinstance(response["schema"], ProblemSchema):
                texts[int(status)] = response["description"]
            else:
                responses[status] = self._success(int(status), response)
        for status in texts.keys() | codes.keys():
            text, own_codes = texts.get(status, ""), codes.get(status, [])
            responses[str(status)] = (
                self._problem(status, text, own_codes)
                if text or own_codes
                else parts.reference("responses", parts.PROBLEMS[status][0])
            )
        return dict(sorted(responses.items()))

    def schema(self, schema: Schema | dict[str, Any]) -> dict[str, Any]:
        if isinstance(schema, dict):
            return schema
        resolved: dict[str, Any] = self._converter.resolve_nested_schema(schema)
        return resolved

    def _problem(self, status: int, description: str, own_codes: Iterable[str]) -> dict[str, Any]:
        codes = [*GENERAL_CODES.get(status, ()), *own_codes]
        return {
            "description": description or parts.PROBLEMS[status][1],
            "headers": parts.headers(*self._rate_headers(), *parts.PROBLEMS[status][2]),
            "content": {
                PROBLEM_JSON: {
                    "schema": self.schema(ProblemSchema()),
                    "examples": example_references(status, codes),
                }
            },
        }

    def _success(self, status: int, response: Mapping[str, Any]) -> dict[str, Any]:
        schema = response["schema"]
        names = [*response["headers"], *self._rate_headers()]
        if status == CREATED and self._options.idempotent:
            names.append(IDEMPOTENCY_REPLAYED)
        if isinstance(schema, Schema) and "nextCursor" in schema.fields:
            names.append("Link")
        if self._options.etag and status == OK:
            names.append("ETag")
        if status == UNAVAILABLE:
            names = ["Retry-After"]
        described: dict[str, Any] = {
            "description": response["description"] or parts.SUCCESSES[status],
            "headers": parts.headers(*names),
        }
        if schema is not None:
            content = self.schema(schema)
            described["content"] = {media_type: {"schema": content} for media_type in response["mediaTypes"]}
        return described

    def _rate_headers(self) -> tuple[str, ...]:
        return parts.RATE_LIMIT_HEADERS if self._options.rates else ()


def error_codes_of(
    declared: Mapping[int, Iterable[str]], options: RouteOptions, query: Schema | None
) -> dict[int, list[str]]:
    """Return the codes by status, besides the general ones. Raises LookupError for one that a status cannot have."""
    codes = {status: list(names) for status, names in declared.items()}
    if options.idempotent:
        codes.setdefault(CONFLICT, []).append("idempotency_key_in_use")
        codes.setdefault(INVALID, []).append("idempotency_key_reused")
    if options.publishes:
        codes.setdefault(FORBIDDEN, []).append("email_not_verified")
    if query is not None and "cursor" in query.fields:
        codes.setdefault(INVALID, []).append("unknown_cursor")
    for status, names in codes.items():
        for name in names:
            if name not in ERROR_CODES.get(status, {}):
                raise LookupError(f"the error code {name!r} with the status {status}")
    return codes


def general_problems(path: str, tags: Iterable[str], options: RouteOptions, locations: Set[str]) -> set[int]:
    """Return the statuses with which every route of this kind may refuse a request."""
    if COMPLETE_TAGS & set(tags):
        return {MALFORMED}
    statuses = {MALFORMED, UNAVAILABLE}
    if options.rates:
        statuses.add(THROTTLED)
    if not options.public:
        statuses.add(UNAUTHENTICATED)
    if "{" in path:
        statuses.add(NOT_FOUND)
    if locations:
        statuses.add(INVALID)
    if locations & BODY_TYPES.keys():
        statuses |= BODY_PROBLEMS
    if "form" in locations:
        statuses.add(STORAGE_FULL)
    return statuses
