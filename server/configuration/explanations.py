"""Explains invalid settings: where they are, and what to write instead."""

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from server.settings import Settings

# pydantic's error types, with the fields of their contexts.
EXPECTED: Mapping[str, str] = {
    "bool_parsing": "expected true or false",
    "float_parsing": "expected a number",
    "greater_than": "expected more than {gt}",
    "greater_than_equal": "expected at least {ge}",
    "int_from_float": "expected an integer",
    "int_parsing": "expected an integer",
    "ip_any_network": "expected a network such as 10.0.0.0/8",
    "less_than_equal": "expected at most {le}",
    "literal_error": "expected {expected}",
    "string_too_short": "expected at least {min_length} character(s)",
}


@dataclass(frozen=True, slots=True)
class Source:
    """The variable, flag or key that set a value, and where it is written."""

    name: str
    place: str = ""


def explain(error: ValidationError, config: Path, sources: Mapping[str, Source]) -> str:
    """Return one sentence per invalid setting. `sources` has the keys that variables or flags set."""
    return " ".join(_explain_one(dict(problem), config, sources) for problem in error.errors())


def similar_name(name: str, known: Collection[str], cutoff: float = 0.85) -> str | None:
    """Return the known name that `name` probably misspells; None if it is known, or like none of them."""
    if name in known:
        return None
    return next(iter(difflib.get_close_matches(name, known, n=1, cutoff=cutoff)), None)


def _explain_one(problem: dict[str, Any], config: Path, sources: Mapping[str, Source]) -> str:
    path = [str(part) for part in problem["loc"]]
    key = ".".join(path)
    if problem["type"] == "extra_forbidden":
        guess = similar_name(path[-1], _keys_of(path[:-1]), cutoff=0.6)
        advice = f"did you mean {guess}?" if guess else "remove it, or see docs/configuration.md."
        return f"Unknown key {key} in {config}: {advice}"
    # An error in one item of a list has the item's number in its path.
    prefixes = (".".join(path[:length]) for length in range(len(path), 0, -1))
    source = next((sources[prefix] for prefix in prefixes if prefix in sources), Source(key, str(config)))
    place = f" in {source.place}" if source.place else ""
    return f"Invalid {source.name} {problem['input']!r}{place}: {_expectation(problem)}."


def _expectation(problem: dict[str, Any]) -> str:
    template = EXPECTED.get(problem["type"])
    if template is not None:
        return template.format(**problem.get("ctx", {}))
    message = problem["msg"].removeprefix("Value error, ")
    return f"{message[:1].lower()}{message[1:]}"


def _keys_of(path: Sequence[str]) -> list[str]:
    """Return the keys of a table; none if the path does not lead to one."""
    model: type[BaseModel] = Settings
    for part in path:
        annotation = model.model_fields[part].annotation
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        model = annotation
    return list(model.model_fields)
