"""The metrics in Prometheus's text format."""

from prometheus_client.parser import text_string_to_metric_families

from server.database_metrics import PoolState, statement_kind
from server.metrics import Metrics, QueueSize


def figures(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """Return every sample by its name and its label values, in the order of the label names."""
    found: dict[tuple[str, ...], float] = {}
    for family in text_string_to_metric_families(metrics.render().decode()):
        for sample in family.samples:
            found[(sample.name, *(value for _, value in sorted(sample.labels.items())))] = sample.value
    return found


def test_registries_are_separate() -> None:
    one, other = Metrics(), Metrics()
    one.count_rejected_message("feed", "undecodable")
    assert figures(one)["photofeed_rejected_messages_total", "feed", "undecodable"] == 1
    assert ("photofeed_rejected_messages_total", "feed", "undecodable") not in figures(other)


def test_jobs_are_counted_by_outcome_and_timed() -> None:
    metrics = Metrics()
    for outcome in ("completed", "completed", "failed"):
        metrics.count_job("feed", "feed.withdraw", outcome, 0.2)
    metrics.observe_job_wait("feed", -3.0)  # a clock that is behind
    found = figures(metrics)
    assert found["photofeed_jobs_total", "feed.withdraw", "completed", "feed"] == 2
    assert found["photofeed_jobs_total", "feed.withdraw", "failed", "feed"] == 1
    assert found["photofeed_job_seconds_count", "feed.withdraw", "feed"] == 3
    assert found["photofeed_job_wait_seconds_sum", "feed"] == 0


def test_queue_sizes_replace_earlier_ones() -> None:
    metrics = Metrics()
    metrics.set_queue_sizes([QueueSize("feed", {"waiting": 7, "dead": 1}, 12.5, paused=True)])
    found = figures(metrics)
    assert found["photofeed_queue_jobs", "feed", "waiting"] == 7
    assert found["photofeed_queue_oldest_seconds", "feed"] == 12.5
    assert found["photofeed_queue_paused", "feed"] == 1
    metrics.set_queue_sizes([])
    assert ("photofeed_queue_jobs", "feed", "waiting") not in figures(metrics)


def test_failed_delivery_has_no_latency() -> None:
    metrics = Metrics()
    metrics.count_delivery("live", None)
    metrics.count_delivery("in_app", 0.5)
    found = figures(metrics)
    assert found["photofeed_notification_deliveries_total", "live", "failed"] == 1
    assert found["photofeed_notification_deliveries_total", "in_app", "delivered"] == 1
    assert ("photofeed_notification_delivery_seconds_count", "live") not in found
    assert found["photofeed_notification_delivery_seconds_sum", "in_app"] == 0.5


def test_actor_restarts_are_counted() -> None:
    metrics = Metrics()
    for state in ("running", "restarting", "running", "restarting"):
        metrics.set_actor_state("relay", state)
    found = figures(metrics)
    assert found["photofeed_actor_restarts_total", "relay"] == 2
    assert found["photofeed_actor_up", "relay"] == 0


def test_sse_streams_are_counted_but_not_timed() -> None:
    metrics = Metrics()
    metrics.count_request("/notifications/stream", "GET", 200, None)
    metrics.count_request("/feed", "GET", 200, 0.01)
    metrics.watch_sse_connections(lambda: 42)
    found = figures(metrics)
    assert found["photofeed_sse_connections",] == 42
    assert found["photofeed_http_requests_total", "GET", "read", "/notifications/stream", "200"] == 1
    assert ("photofeed_http_request_seconds_count", "GET", "/notifications/stream") not in found


def test_every_metric_has_a_prefix_and_a_description() -> None:
    for family in text_string_to_metric_families(Metrics().render().decode()):
        assert family.name.startswith("photofeed_")
        assert family.documentation.endswith(".")


def test_process_metrics_are_optional() -> None:
    assert ("process_resident_memory_bytes",) in figures(Metrics(of_process=True))


def test_creation_times_are_left_out() -> None:
    metrics = Metrics()
    metrics.count_rejected_message("feed", "undecodable")
    assert [name for name, *_ in figures(metrics) if name.endswith("_created")] == []


def test_pool_of_connections_is_read_at_each_rendering() -> None:
    metrics = Metrics()
    in_use = 3
    metrics.database.watch_pool(lambda: PoolState(10, 4, in_use))
    assert figures(metrics)["photofeed_database_pool_in_use",] == 3
    in_use = 4
    assert figures(metrics)["photofeed_database_pool_in_use",] == 4
    assert figures(metrics)["photofeed_database_pool_max",] == 10


def test_statements_are_timed_by_their_first_word() -> None:
    metrics = Metrics()
    for sql in ("SELECT 1", "select 2", "CREATE TABLE t (a INT)", "UPDATE t SET a = 1"):
        metrics.database.observe(statement_kind(sql), 0.002)
    found = figures(metrics)
    assert found["photofeed_database_query_seconds_count", "select"] == 2
    assert found["photofeed_database_query_seconds_count", "other"] == 1
    assert found["photofeed_database_query_seconds_bucket", "update", "0.0025"] == 1
    assert found["photofeed_database_query_seconds_bucket", "update", "0.001"] == 0
