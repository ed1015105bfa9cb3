"""Counts and durations of HTTP requests by route, method and status.

They are plain numbers that become Prometheus metrics when scraped, as in `durations`.
"""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from server.durations import Durations

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
READING = frozenset({"GET", "HEAD", "OPTIONS"})


def method_class(method: str) -> str:
    """Return `read` for a method that changes nothing, otherwise `write`."""
    return "read" if method in READING else "write"


class RequestMetrics(Collector):
    """Request metrics. Callers keep labels bounded: routes, not paths."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str, int], int] = {}
        self._seconds = Durations(
            "photofeed_http_request_seconds",
            "Time from the request head to the end of the response, without SSE streams.",
            ["route", "method"],
            BUCKETS,
        )

    def count(self, route: str, method: str, status: int, took_s: float | None) -> None:
        """Record a response; `took_s` is None if it is not timed."""
        key = (route, method, status)
        self._counts[key] = self._counts.get(key, 0) + 1
        if took_s is not None:
            self._seconds.observe((route, method), took_s)

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics; the registry may call this in another thread."""
        requests = CounterMetricFamily(
            "photofeed_http_requests", "HTTP requests.", labels=["route", "method", "method_class", "status"]
        )
        for (route, method, status), count in list(self._counts.items()):
            requests.add_metric([route, method, method_class(method), str(status)], count)
        yield requests
        yield from self._seconds.collect()
