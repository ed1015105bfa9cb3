"""The metrics of a group of processes as those of one.

Counters and histograms are summed, including those of processes that ended, so that a restart looks like no reset.
`GAUGES` says how gauges are merged.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

from prometheus_client import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

# Families of a process, as JSON: name, type, documentation, and samples of name, labels and value.
Snapshot = Sequence[Sequence[Any]]

ACCUMULATING = ("counter", "histogram")


class Merge(StrEnum):
    """The value of a gauge for the group."""

    SUM = "sum"
    MIN = "min"
    ANSWERING = "answering"  # that of the process that answers the scrape, which has just read it


GAUGES: Mapping[str, Merge] = {
    "photofeed_queue_jobs": Merge.ANSWERING,
    "photofeed_queue_oldest_seconds": Merge.ANSWERING,
    "photofeed_queue_paused": Merge.ANSWERING,
    "photofeed_actor_up": Merge.MIN,
    "photofeed_dependency_up": Merge.MIN,
    "photofeed_sse_connections": Merge.SUM,
    "photofeed_loop_tasks": Merge.SUM,
    "photofeed_processes": Merge.SUM,
    "photofeed_image_queue": Merge.SUM,
    "photofeed_password_queue": Merge.SUM,
    "photofeed_database_pool_max": Merge.SUM,
    "photofeed_database_pool_open": Merge.SUM,
    "photofeed_database_pool_in_use": Merge.SUM,
    "photofeed_database_pool_waiting": Merge.SUM,
    "photofeed_database_replicas_left_out": Merge.ANSWERING,
    "photofeed_build_info": Merge.MIN,
    "process_virtual_memory_bytes": Merge.SUM,
    "process_resident_memory_bytes": Merge.SUM,
    "process_open_fds": Merge.SUM,
    "process_max_fds": Merge.MIN,
    "process_start_time_seconds": Merge.MIN,
}


def take_snapshot(families: Iterable[Metric]) -> Snapshot:
    """Return the families in the form that processes exchange."""
    return [
        [
            family.name,
            family.type,
            family.documentation,
            [[s.name, s.labels, s.value] for s in family.samples],
        ]
        for family in families
    ]


class _Family:
    def __init__(self, name: str, kind: str, documentation: str) -> None:
        self._name, self._kind, self._documentation = name, kind, documentation
        self._values: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}

    def add(self, samples: Iterable[Sequence[Any]], *, answering: bool) -> None:
        for name, labels, value in samples:
            key = (name, tuple(sorted(labels.items())))
            merge = self._merge_of(name)
            if key not in self._values:
                if merge is not Merge.ANSWERING or answering:
                    self._values[key] = value
            elif merge is Merge.SUM:
                self._values[key] += value
            elif merge is Merge.MIN:
                self._values[key] = min(self._values[key], value)

    def metric(self) -> Metric:
        metric = Metric(self._name, self._documentation, self._kind)
        for (name, labels), value in self._values.items():
            metric.add_sample(name, dict(labels), value)
        return metric

    def _merge_of(self, sample: str) -> Merge:
        if sample.endswith("_created"):
            return Merge.MIN
        return Merge.SUM if self._kind in ACCUMULATING else GAUGES.get(self._name, Merge.SUM)


class _Merged(Collector):
    def __init__(self, snapshots: Iterable[Snapshot]) -> None:
        """Merge the snapshots; the first one is that of the answering process."""
        self._families: dict[str, _Family] = {}
        for number, snapshot in enumerate(snapshots):
            for name, kind, documentation, samples in snapshot:
                family = self._families.setdefault(name, _Family(name, kind, documentation))
                family.add(samples, answering=number == 0)

    def collect(self) -> Iterator[Metric]:
        for family in self._families.values():
            yield family.metric()


class GroupMetrics:
    """The merged metrics of the group, with the counts of ended processes."""

    def __init__(self) -> None:
        self._departed: Snapshot = []

    def add_departed(self, snapshot: Snapshot) -> None:
        """Keep the counters and histograms of a process that has ended."""
        kept = [family for family in snapshot if family[1] in ACCUMULATING]
        self._departed = take_snapshot(_Merged([self._departed, kept]).collect())

    def render(self, answering: Snapshot, others: Iterable[Snapshot]) -> str:
        """Return the metrics of all processes in Prometheus's text format."""
        return generate_latest(_Merged([answering, *others, self._departed])).decode()
