"""Validation of responses against the schemas of the OpenAPI document."""

from typing import Any

from openapi_schema_validator import OAS31Validator


def closed(document: dict[str, Any]) -> dict[str, Any]:
    """Forbid undeclared members in all schemas of the document, and return it."""
    for schema in document["components"]["schemas"].values():
        schema.setdefault("additionalProperties", False)
    return document


def validate(document: dict[str, Any], name: str, value: Any) -> None:
    """Raise ValidationError if `value` does not match the schema `name`."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    OAS31Validator(schema, format_checker=OAS31Validator.FORMAT_CHECKER).validate(value)
