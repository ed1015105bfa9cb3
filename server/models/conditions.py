"""Parts of WHERE clauses that several statements share."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Condition:
    """A boolean SQL expression, with the values of its placeholders in order."""

    sql: str
    parameters: tuple[Any, ...] = ()
