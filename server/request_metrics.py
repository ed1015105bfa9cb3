"""Counts and durations of HTTP requests by route, method and status.

They are plain numbers that become Prometheus metrics when scraped. The counters of prometheus_client take a lock and
several calls per increment, which was 3 % of the time of a feed page.
"""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
BOUNDS = (*(str(float(bound)) for bound in BUCKETS), "+Inf")


class _Durations:
    def __init__(self) -> None:
        self.in_bucket = [0] * (len(BUCKETS) + 1)
        self.sum_s = 0.0


class RequestMetrics(Collector):
    """Request metrics. Callers keep labels bounded: routes, not paths."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str, int], int] = {}
        self._durations: dict[tuple[str, str], _Durations] = {}

    def count(self, route: str, method: str, status: int, took_s: float | None) -> None:
        """Record a response; `took_s` is None if it is not timed."""
        key = (route, method, status)
        self._counts[key] = self._counts.get(key, 0) + 1
        if took_s is not None:
            durations = self._durations.get((route, method))
            if durations is None:
                durations = self._durations[route, method] = _Durations()
            durations.in_bucket[bisect_left(BUCKETS, took_s)] += 1
            durations.sum_s += took_s

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics; the registry may call this in another thread."""
        requests = CounterMetricFamily(
            "photofeed_http_requests", "HTTP requests.", labels=["route", "method", "status"]
        )
        for (route, method, status), count in list(self._counts.items()):
            requests.add_metric([route, method, str(status)], count)
        yield requests
        seconds = HistogramMetricFamily(
            "photofeed_http_request_seconds",
            "Time from the request head to the end of the response, without SSE streams.",
            labels=["route", "method"],
        )
        for (route, method), durations in list(self._durations.items()):
            upto = accumulate(durations.in_bucket)
            seconds.add_metric([route, method], list(zip(BOUNDS, upto, strict=True)), durations.sum_s)
        yield seconds
