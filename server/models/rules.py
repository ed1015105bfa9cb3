"""Rules about a viewer, each defined once: as SQL, as a predicate over a record of facts, and as the clause that fails.

A rule is a sequence of clauses, all of which must hold. A clause holds if one of its literals does.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from server.models.conditions import Column, Condition

_OPERAND = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact that is true or false: the attribute `name` of a record of facts, and the expression in SQL.

    The expression names its operands in braces, as `{viewer}`.
    """

    name: str
    sql: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A fact that must be true, or one that must be false."""

    fact: Fact
    wanted: bool = True

    def holds(self, facts: object) -> bool:
        return bool(getattr(facts, self.fact.name)) is self.wanted

    @property
    def sql(self) -> str:
        return self.fact.sql if self.wanted else f"NOT ({self.fact.sql})"


@dataclass(frozen=True, slots=True)
class Clause:
    """Holds if one of `literals` does; `denial` says why something is hidden if none does."""

    denial: str
    literals: tuple[Literal, ...]

    def holds(self, facts: object) -> bool:
        return any(literal.holds(facts) for literal in self.literals)

    @property
    def sql(self) -> str:
        return f"({' OR '.join(literal.sql for literal in self.literals)})"


Rule = tuple[Clause, ...]


def clause(denial: str, *facts: Fact | Literal) -> Clause:
    """Return the clause that one of the facts is as wanted; a fact by itself is wanted true."""
    literals = tuple(fact if isinstance(fact, Literal) else Literal(fact) for fact in facts)
    return Clause(denial, literals)


def no(fact: Fact) -> Literal:
    """Return the literal that a fact is false."""
    return Literal(fact, wanted=False)


def condition(rule: Rule, **operands: int | Column) -> Condition:
    """Return a rule in SQL, in which each operand is a value or a column."""
    sql, order = _bind(_conjunction(rule), _columns(operands))
    return Condition(sql, tuple(operands[name] for name in order))


def find_denial(rule: Rule, facts: object) -> str | None:
    """Return the denial of the first clause that does not hold, or None if the rule holds."""
    return next((each.denial for each in rule if not each.holds(facts)), None)


def facts_in(rule: Iterable[Clause]) -> Sequence[Fact]:
    """Return the facts that a rule depends on, without duplicates."""
    return list(dict.fromkeys(literal.fact for each in rule for literal in each.literals))


def select(facts: Iterable[Fact], **operands: int | Column) -> Condition:
    """Return the facts as columns of a SELECT, named like them."""
    sql, order = _bind(", ".join(f"({fact.sql}) AS {fact.name}" for fact in facts), _columns(operands))
    return Condition(sql, tuple(operands[name] for name in order))


def _columns(operands: dict[str, int | Column]) -> tuple[tuple[str, str | None], ...]:
    return tuple((name, each.name if isinstance(each, Column) else None) for name, each in operands.items())


@lru_cache(maxsize=256)
def _conjunction(rule: Rule) -> str:
    return " AND ".join(each.sql for each in rule)


@lru_cache(maxsize=256)
def _bind(template: str, columns: tuple[tuple[str, str | None], ...]) -> tuple[str, tuple[str, ...]]:
    """Return the SQL with columns and placeholders, and the names of the placeholders' operands in order."""
    by_name, order = dict(columns), list[str]()

    def replace(match: re.Match[str]) -> str:
        column = by_name[match[1]]
        if column is None:
            order.append(match[1])
            return "?"
        return column

    return _OPERAND.sub(replace, template), tuple(order)
