"""Metrics of the database client: durations of statements, lock conflicts, and the connection pool."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from server.durations import Durations

BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
KINDS = frozenset({"select", "insert", "update", "delete", "begin", "commit", "rollback"})


@dataclass(frozen=True, slots=True)
class PoolState:
    """Connections of the pool: how many it may have, how many are open, and how many of these are in use."""

    max_size: int
    open: int
    in_use: int


def statement_kind(sql: str) -> str:
    """Return the first word of a statement in lower case; `other` if it is not among KINDS."""
    kind = sql[:6].strip().lower()
    return kind if kind in KINDS else "other"


class DatabaseMetrics(Collector):
    """Metrics that a database client records itself. `waiting` is the number of tasks that wait for a connection."""

    def __init__(self) -> None:
        self.waiting = 0
        self.replicas_left_out: Callable[[], int] = lambda: 0
        self._conflicts = 0
        self._pool: Callable[[], PoolState] | None = None
        self._seconds = Durations(
            "photofeed_database_query_seconds", "Duration of database statements.", ["kind"], BUCKETS
        )

    def observe(self, kind: str, took_s: float) -> None:
        """Record a statement, also one that failed."""
        self._seconds.observe((kind,), took_s)

    def count_conflict(self) -> None:
        """Record a deadlock or a lock timeout, after which the statement or its transaction is tried again."""
        self._conflicts += 1

    def watch_pool(self, state: Callable[[], PoolState]) -> None:
        """Call `state` at every rendering."""
        self._pool = state

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics; the registry may call this in another thread."""
        yield from self._seconds.collect()
        yield CounterMetricFamily(
            "photofeed_database_lock_retries",
            "Deadlocks and lock timeouts, after which the change is tried again.",
            value=self._conflicts,
        )
        pool = self._pool() if self._pool is not None else PoolState(0, 0, 0)
        yield _gauge("photofeed_database_pool_max", "Connections that the pool may open.", pool.max_size)
        yield _gauge("photofeed_database_pool_open", "Open database connections.", pool.open)
        yield _gauge("photofeed_database_pool_in_use", "Database connections in use.", pool.in_use)
        yield _gauge("photofeed_database_pool_waiting", "Tasks that wait for a connection.", self.waiting)
        left_out = self.replicas_left_out()
        yield _gauge("photofeed_database_replicas_left_out", "Read replicas that are left out.", left_out)


def _gauge(name: str, description: str, value: float) -> Metric:
    return GaugeMetricFamily(name, description, value=value)
