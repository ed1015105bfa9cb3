"""How many requests were answered, by route, method and status, and how long that took: the figures of every request.

They are counted in plain numbers, and become what Prometheus reads when it asks. Counters of prometheus_client take a
lock and several calls each time, which was 3 % of a page of the feed.
"""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
BOUNDS = (*(str(float(bound)) for bound in BUCKETS), "+Inf")


class _Times:
    def __init__(self) -> None:
        self.in_bucket = [0] * (len(BUCKETS) + 1)
        self.sum_s = 0.0


class RequestMetrics(Collector):
    """Labels are bounded by whoever counts: there are only so many routes, methods and statuses."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str, int], int] = {}
        self._times: dict[tuple[str, str], _Times] = {}

    def add(self, route: str, method: str, status: int, took_s: float | None) -> None:
        """A request was answered; `took_s` is None for what is not timed."""
        key = (route, method, status)
        self._counts[key] = self._counts.get(key, 0) + 1
        if took_s is not None:
            times = self._times.get((route, method))
            if times is None:
                times = self._times[route, method] = _Times()
            times.in_bucket[bisect_left(BUCKETS, took_s)] += 1
            times.sum_s += took_s

    def collect(self) -> Iterator[Metric]:
        """For the registry; it may be another thread that asks."""
        requests = CounterMetricFamily(
            "photofeed_http_requests", "Requests answered.", labels=["route", "method", "status"]
        )
        for (route, method, status), count in list(self._counts.items()):
            requests.add_metric([route, method, str(status)], count)
        yield requests
        seconds = HistogramMetricFamily(
            "photofeed_http_request_seconds",
            "From the head of a request to the end of its answer; live streams are left out.",
            labels=["route", "method"],
        )
        for (route, method), times in list(self._times.items()):
            upto = accumulate(times.in_bucket)
            seconds.add_metric([route, method], list(zip(BOUNDS, upto, strict=True)), times.sum_s)
        yield seconds
