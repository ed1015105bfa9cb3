"""The components of a document that something refers to."""

from collections.abc import Iterator
from typing import Any

SECURITY = "securitySchemes"  # named without a reference


def without_unused_components(document: dict[str, Any]) -> dict[str, Any]:
    """Remove the components that nothing refers to, and return the document."""
    components: dict[str, dict[str, Any]] = document["components"]
    reachable: set[str] = set()
    waiting: list[Any] = [document["paths"]]
    while waiting:
        for reference in set(_references(waiting.pop())) - reachable:
            reachable.add(reference)
            _, _, kind, name = reference.split("/")
            waiting.append(components[kind][name])
    operations = [operation for item in document["paths"].values() for operation in item.values()]
    for requirement in [
        *document["security"],
        *(each for operation in operations for each in operation.get("security", ())),
    ]:
        reachable |= {f"#/components/{SECURITY}/{name}" for name in requirement}
    for kind, named in components.items():
        components[kind] = {
            name: part for name, part in named.items() if f"#/components/{kind}/{name}" in reachable
        }
    return document


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        found: dict[str, Any] = part
        if isinstance(found.get("$ref"), str):
            yield found["$ref"]
        for value in found.values():
            yield from _references(value)
    elif isinstance(part, list):
        values: list[Any] = part
        for value in values:
            yield from _references(value)
