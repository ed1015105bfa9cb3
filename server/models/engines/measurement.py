"""Measures the statements of both database clients: metrics of all, and spans of those in a sampled trace."""

import re
import time
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, TypeVar

from server.database_metrics import statement_kind
from server.models.engines.safety import SerializationFailure
from server.tracing import CURRENT_SPAN, Span, SpanKind

Method = TypeVar("Method", bound=Callable[..., Coroutine[Any, Any, Any]])

TABLE = re.compile(r"\b(?:FROM|INTO|UPDATE)\s+[`\"]?(\w+)", re.IGNORECASE)
MAX_SQL = 1000


def measured(method: Method, kind: str = "") -> Method:
    """Measure a method of a client, whose `metrics` and `system` it uses.

    The first argument is the statement, unless the `kind` of the method is given.
    """

    @wraps(method)
    async def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        sql = "" if kind else args[0]
        chosen = kind or statement_kind(sql)
        span = _span(chosen, sql, self.system)
        error: BaseException | None = None
        started = time.perf_counter()
        try:
            return await method(self, *args, **kwargs)
        except BaseException as raised:
            error = raised
            if isinstance(raised, SerializationFailure):
                self.metrics.count_conflict()
            raise
        finally:
            self.metrics.observe(chosen, time.perf_counter() - started)
            if span is not None:
                span.end(error)

    return wrapper  # pyright: ignore[reportReturnType] - the wrapper has the method's own signature


def _span(kind: str, sql: str, system: str) -> Span | None:
    parent = CURRENT_SPAN.get()
    if parent is None or not parent.sampled:
        return None
    name, table = kind.upper(), TABLE.search(sql)
    attributes = {"db.system.name": system, "db.operation.name": name}
    if sql:
        attributes["db.query.text"] = sql[:MAX_SQL]
    if table is not None:
        attributes["db.collection.name"] = table[1]
        name = f"{name} {table[1]}"
    return parent.child(name, SpanKind.CLIENT, attributes)
