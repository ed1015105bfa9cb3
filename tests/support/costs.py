"""Counts of the statements and Redis calls of a change."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from tortoise.connection import get_connections

from server.models.database_parameters import ALIAS
from tools.harness.services import ServiceHarness


@dataclass(slots=True)
class Costs:
    """Kinds of statements, with `begin` and `commit`, and the scripts and commands of each round trip to Redis."""

    statements: list[str] = field(default_factory=list[str])
    round_trips: list[int] = field(default_factory=list[int])


@contextmanager
def measured_costs(harness: ServiceHarness) -> Iterator[Costs]:
    """Count what the block sends on the connections of the harness."""
    costs = Costs()
    client = cast("Any", get_connections().get(ALIAS))
    metrics: Any = client.metrics
    redis: Any = harness.pipelined_redis
    observe: Callable[[str, float], None] = metrics.observe

    def observed(kind: str, took_s: float) -> None:
        costs.statements.append(kind)
        observe(kind, took_s)

    def counted(name: str) -> Any:
        original = getattr(redis, name)

        async def call(*arguments: Any, **options: Any) -> Any:
            many = name in ("batch", "commands")
            calls = len(arguments[0]) if name == "batch" else len(arguments) if many else 1
            costs.round_trips.append(calls)
            return await original(*arguments, **options)

        return call

    names = ("command", "commands", "run", "batch")
    metrics.observe = observed
    for name in names:
        setattr(redis, name, counted(name))
    try:
        yield costs
    finally:
        del metrics.observe
        for name in names:
            delattr(redis, name)
