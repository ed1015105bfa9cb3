"""The metrics of several processes, merged."""

import itertools

import pytest
from prometheus_client.parser import text_string_to_metric_families

from server.metrics import PROCESS_RESTARTS, Metrics, QueueSize
from server.processes.merged_metrics import GAUGES, GroupMetrics, take_snapshot


def process(requests: int = 0, streams: int = 0, *, redis_up: bool = True, waiting: int = 0) -> Metrics:
    metrics = Metrics(of_process=True)
    for _ in range(requests):
        metrics.count_request("/feed", "GET", 200, 0.02)
    metrics.watch_sse_connections(lambda: streams)
    metrics.set_dependency_up("redis", redis_up)
    metrics.set_queue_sizes([QueueSize("feed", {"ready": waiting})])
    return metrics


def figures(text: str) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *itertools.chain(*sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def merged(group: GroupMetrics, *members: Metrics) -> dict[tuple[str, ...], float]:
    first, *others = (take_snapshot(member.families()) for member in members)
    return figures(group.render(first, others))


REQUESTS = (
    "photofeed_http_requests_total", "method", "GET", "method_class", "read", "route", "/feed", "status", "200",
)  # fmt: skip
BUCKET = ("photofeed_http_request_seconds_bucket", "le", "0.025", "method", "GET", "route", "/feed")
WAITING = ("photofeed_queue_jobs", "queue", "feed", "state", "ready")
REDIS_UP = ("photofeed_dependency_up", "dependency", "redis")


def test_counters_and_histograms_are_summed() -> None:
    found = merged(GroupMetrics(), process(2), process(3))
    assert (found[REQUESTS], found[BUCKET]) == (5, 5)
    assert found["photofeed_http_request_seconds_sum", *BUCKET[3:]] == pytest.approx(0.1)


def test_gauges_are_merged_by_their_meaning() -> None:
    found = merged(
        GroupMetrics(),
        process(streams=2, waiting=4),
        process(streams=3, redis_up=False, waiting=900),  # its figures of queues are old
    )
    assert (found["photofeed_sse_connections",], found["photofeed_processes",]) == (5, 2)
    assert (found[REDIS_UP], found[WAITING]) == (0, 4)


def test_ended_processes_stay_counted() -> None:
    group = GroupMetrics()
    for requests in (2, 3):
        group.add_departed(take_snapshot(process(requests, streams=7).families()))
    found = merged(group, process(1, streams=1))
    assert (found[REQUESTS], found[BUCKET]) == (6, 6)
    assert (found["photofeed_sse_connections",], found["photofeed_processes",]) == (1, 1)


def test_group_of_one_is_like_a_process() -> None:
    metrics = process(3, 2)
    alone, grouped = figures(metrics.render().decode()), merged(GroupMetrics(), metrics)
    assert alone.keys() == grouped.keys()
    assert (alone[REQUESTS], alone[WAITING]) == (grouped[REQUESTS], grouped[WAITING])


def test_every_gauge_has_a_merge() -> None:
    gauges = {family.name for family in process().families() if family.type == "gauge"}
    assert gauges - GAUGES.keys() == set()


def test_restarts_are_a_counter_of_every_process() -> None:
    assert (f"{PROCESS_RESTARTS[0]}_total",) in figures(process().render().decode())
