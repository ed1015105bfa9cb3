"""How our marshmallow schemas read in an OpenAPI document; what routes make of them is `openapi`'s."""

from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.common import resolve_schema_instance
from apispec.ext.marshmallow.openapi import OpenAPIConverter

from server.handlers.schemas import Address, Count, File, Moment, Strict

FORMATS = (
    (Count, "integer", "int32"),
    (Moment, "string", "date-time"),
    (Address, "string", "uri"),
    (File, "string", "binary"),
)


class Converter(OpenAPIConverter):
    """What is sent to us may hold nothing else; what we answer may grow by a member."""

    def schema2jsonschema(self, schema: Any) -> dict[str, Any]:
        described: dict[str, Any] = super().schema2jsonschema(schema)
        instance = resolve_schema_instance(schema)
        if isinstance(instance, Strict):
            described |= instance.keywords
            for member in described["properties"].values():
                # Generators of clients take a member with a default for one that is always there.
                member.pop("default", None)
        else:
            described.pop("additionalProperties", None)
        return described


class SchemaPlugin(MarshmallowPlugin):
    """apispec's plugin, with our kinds of fields and names: `PostSchema` is `Post` to whoever reads the document."""

    Converter = Converter

    def __init__(self) -> None:
        super().__init__(schema_name_resolver=_name)

    def init_spec(self, spec: APISpec) -> None:
        super().init_spec(spec)
        for kind, type_, format_ in FORMATS:
            self.map_to_openapi_type(kind, type_, format_)


def _name(schema: Any) -> str:
    return type(resolve_schema_instance(schema)).__name__.removesuffix("Schema")
