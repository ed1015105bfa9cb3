"""Parts of WHERE clauses that several statements share."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Condition:
    """A boolean SQL expression, with the values of its placeholders in order."""

    sql: str
    parameters: tuple[Any, ...] = ()


ALL = Condition("TRUE")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the statement in place of a value, as `n.recipient_id`."""

    name: str


def all_of(*conditions: Condition) -> Condition:
    """Return the conjunction of conditions."""
    return Condition(
        " AND ".join(each.sql for each in conditions),
        tuple(value for each in conditions for value in each.parameters),
    )


def bind(template: str, *operands: int | Column) -> Condition:
    """Return `template` with its `{}` replaced by operands, in order: a placeholder for a value, else the column."""
    names = ["?" if isinstance(operand, int) else operand.name for operand in operands]
    values = tuple(operand for operand in operands if isinstance(operand, int))
    return Condition(template.format(*names), values)
