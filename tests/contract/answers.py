"""Validation of responses against the schemas of the OpenAPI document."""

from typing import Any

from openapi_schema_validator import OAS31Validator

from server.handlers.openapi.schemas import TEXT_FORMATS
from tests.support.program import Person

PATTERNS = {name: pattern for pattern, name in TEXT_FORMATS.items()}


async def both_documents(person: Person) -> dict[str, Any]:
    """Return the operations of both documents of a running server in one."""
    apps, staff = [await person.request("GET", f"/api/{name}.json") for name in ("openapi", "openapi-staff")]
    apps["paths"] |= {path: apps["paths"].get(path, {}) | item for path, item in staff["paths"].items()}
    for kind, named in staff["components"].items():
        apps["components"][kind] = named | apps["components"].get(kind, {})
    return with_patterns(apps)


def with_patterns(part: Any) -> Any:
    """Replace the formats of texts by the patterns that they stand for, for generators of requests."""
    if isinstance(part, list):
        return [with_patterns(each) for each in part]
    if not isinstance(part, dict):
        return part
    replaced = {name: with_patterns(each) for name, each in part.items()}
    if replaced.get("format") in PATTERNS:
        replaced["pattern"] = PATTERNS[replaced.pop("format")]
    return replaced


def closed(document: dict[str, Any]) -> dict[str, Any]:
    """Forbid undeclared members in all schemas of the document, and return it."""
    for schema in document["components"]["schemas"].values():
        schema.setdefault("additionalProperties", False)
    return document


def validate(document: dict[str, Any], name: str, value: Any) -> None:
    """Raise ValidationError if `value` does not match the schema `name`."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    OAS31Validator(schema, format_checker=OAS31Validator.FORMAT_CHECKER).validate(value)
