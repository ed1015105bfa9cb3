"""Histograms of durations as plain numbers, which become Prometheus metrics when scraped.

The histograms of prometheus_client take a lock and several calls per observation, which was 3 % of the time of a feed
page.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate

from prometheus_client.core import HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

Labels = tuple[str, ...]


class _Series:
    __slots__ = ("in_bucket", "sum_s")

    def __init__(self, buckets: int) -> None:
        self.in_bucket = [0] * buckets
        self.sum_s = 0.0


class Durations(Collector):
    """A histogram of durations. Callers keep the values of the labels bounded."""

    def __init__(
        self, name: str, description: str, labels: Sequence[str], buckets_s: Sequence[float]
    ) -> None:
        """`buckets_s` are the upper bounds, ascending, without infinity."""
        self._name = name
        self._description = description
        self._labels = tuple(labels)
        self._buckets_s = tuple(buckets_s)
        self._bounds = (*(str(float(bound)) for bound in buckets_s), "+Inf")
        self._series: dict[Labels, _Series] = {}

    def observe(self, labels: Labels, took_s: float) -> None:
        """Record a duration; `labels` are values in the order of the names."""
        series = self._series.get(labels)
        if series is None:
            series = self._series[labels] = _Series(len(self._bounds))
        series.in_bucket[bisect_left(self._buckets_s, took_s)] += 1
        series.sum_s += took_s

    def collect(self) -> Iterator[Metric]:
        """Yield the metric; the registry may call this in another thread."""
        family = HistogramMetricFamily(self._name, self._description, labels=self._labels)
        for labels, series in list(self._series.items()):
            upto = accumulate(list(series.in_bucket))
            family.add_metric(labels, list(zip(self._bounds, upto, strict=True)), series.sum_s)
        yield family
