"""Conversion of the marshmallow schemas to JSON Schema, as an apispec plugin."""

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.common import resolve_schema_instance
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import fields

from server.handlers.fields import (
    NAME_PATTERN,
    TEXT_PATTERN,
    VISIBLE_TEXT_PATTERN,
    Count,
    ErrorCode,
    File,
    JsonText,
    QueryList,
    RequestSchema,
    Time,
    Timestamp,
    Url,
)
from server.handlers.openapi.error_codes import all_codes
from server.handlers.openapi.members import description_of, example_of

FIELD_FORMATS = (
    (Count, "integer", "int32"),
    (Timestamp, "string", "date-time"),
    (Time, "string", "date-time"),
    (Url, "string", "uri"),
    (File, "string", "binary"),
)
# Patterns that would make generators of examples write noise, because they only exclude some characters.
TEXT_FORMATS: Mapping[str, str] = {
    TEXT_PATTERN: "text",
    VISIBLE_TEXT_PATTERN: "visible-text",
    NAME_PATTERN: "name",
}
# Of enumerations whose own name says too little outside their module, or is that of a schema.
ENUM_NAMES: Mapping[str, str] = {
    "Grant": "AudienceReason",
    "ModerationAction": "ModerationActionType",
    "Platform": "DevicePlatform",
    "Queue": "QueueName",
    "Reason": "FeedReason",
}
GROWING = "More values may be added: accept values that you do not know."


class Converter(OpenAPIConverter):
    """Request schemas allow no further members; response schemas may gain members later."""

    def schema2jsonschema(self, schema: Any) -> dict[str, Any]:
        described: dict[str, Any] = super().schema2jsonschema(schema)
        instance = resolve_schema_instance(schema)
        is_request = isinstance(instance, RequestSchema)
        if is_request:
            described |= instance.keywords
        else:
            described.pop("additionalProperties", None)
        for name, member in described["properties"].items():
            _complete(_name(instance), name, member, is_request=is_request)
        return described

    def field2property(self, field: fields.Field[Any]) -> dict[str, Any]:
        """Return the property of a field; enumerations are components, so that generators name them."""
        described: dict[str, Any] = super().field2property(field)
        if format_ := TEXT_FORMATS.get(described.get("pattern", "")):
            described |= {"format": format_}
            del described["pattern"]
        if isinstance(field, JsonText):
            contents = [self.resolve_nested_schema(schema) for schema in field.contents]
            described |= {"contentMediaType": "application/json", "contentSchema": {"anyOf": contents}}
        if isinstance(field, ErrorCode):
            return self._enumeration("ErrorCode", all_codes(), "The stable name of a problem.", described)
        if isinstance(field, fields.Enum):
            members: type[Enum] = field.enum
            name, values = members.__name__, [each.value for each in members]
            return self._enumeration(ENUM_NAMES.get(name, name), values, "", described)
        return described

    def _enumeration(
        self, name: str, values: Iterable[str], meaning: str, described: dict[str, Any]
    ) -> dict[str, Any]:
        if name not in self.spec.components.schemas:
            component = {
                "type": "string",
                "enum": list(values),
                "description": f"{meaning} {GROWING}".strip(),
                "x-extensible-enum": list(values),
            }
            self.spec.components.schema(name, component)
        reference: dict[str, Any] = {"$ref": f"#/components/schemas/{name}"}
        if None in described.get("enum", ()):
            reference = {"anyOf": [reference, {"type": "null"}]}
        kept = {key: described[key] for key in ("default", "description") if key in described}
        return {**kept, **reference}

    def list2param(self, field: Any, **_: Any) -> dict[str, Any]:
        """Describe an array in a query as comma-separated; it may also be repeated."""
        return {"style": "form", "explode": False} if isinstance(field, QueryList) else {}


class SchemaPlugin(MarshmallowPlugin):
    """apispec's plugin with the formats of our fields; `PostSchema` becomes the component `Post`."""

    Converter = Converter

    def __init__(self) -> None:
        super().__init__(schema_name_resolver=_name)

    def init_spec(self, spec: APISpec) -> None:
        super().init_spec(spec)
        for kind, type_, format_ in FIELD_FORMATS:
            self.map_to_openapi_type(kind, type_, format_)


def _name(schema: Any) -> str:
    return type(resolve_schema_instance(schema)).__name__.removesuffix("Schema")


def _complete(owner: str, name: str, member: dict[str, Any], *, is_request: bool) -> None:
    """Add what follows from the name of a member."""
    if "description" not in member and (description := description_of(owner, name)):
        member["description"] = description
    if is_request:
        # Client generators treat a member with a default as always present.
        member.pop("default", None)
    elif "$ref" not in member and "anyOf" not in member and "examples" not in member:
        example = example_of(name)
        if _fits(example, member.get("type")):
            member["examples"] = [example]


def _fits(example: Any, type_: Any) -> bool:
    types = type_ if isinstance(type_, list) else [type_]
    kinds = {str: "string", int: "integer", float: "number", list: "array"}
    return example is not None and kinds[type(example)] in types
