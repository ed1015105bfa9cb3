"""What the document says of answers, as a test holds them to it."""

from typing import Any

from openapi_schema_validator import OAS31Validator


def closed(document: dict[str, Any]) -> dict[str, Any]:
    """The document as of today: an answer may grow, but not by a member that is not declared."""
    for schema in document["components"]["schemas"].values():
        schema.setdefault("additionalProperties", False)
    return document


def validate(document: dict[str, Any], name: str, value: Any) -> None:
    """Raises ValidationError if `value` is not what the schema of that name says."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    OAS31Validator(schema, format_checker=OAS31Validator.FORMAT_CHECKER).validate(value)
