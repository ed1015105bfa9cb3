"""Conversion of the marshmallow schemas to JSON Schema, as an apispec plugin."""

from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.common import resolve_schema_instance
from apispec.ext.marshmallow.openapi import OpenAPIConverter

from server.handlers.fields import Count, File, QueryList, RequestSchema, Timestamp, Url

FIELD_FORMATS = (
    (Count, "integer", "int32"),
    (Timestamp, "string", "date-time"),
    (Url, "string", "uri"),
    (File, "string", "binary"),
)


class Converter(OpenAPIConverter):
    """Request schemas allow no further members; response schemas may gain members later."""

    def schema2jsonschema(self, schema: Any) -> dict[str, Any]:
        described: dict[str, Any] = super().schema2jsonschema(schema)
        instance = resolve_schema_instance(schema)
        if isinstance(instance, RequestSchema):
            described |= instance.keywords
            for member in described["properties"].values():
                # Client generators treat a member with a default as always present.
                member.pop("default", None)
        else:
            described.pop("additionalProperties", None)
        return described

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
