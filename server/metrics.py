"""The Prometheus metrics of this process, in a registry of their own.

This module owns names, labels and buckets; callers decide when to record. Labels are bounded: kinds, routes, queues and
channels, but not ids. The queue sizes describe the shared table, so take their maximum over processes, not their sum.
"""

import asyncio
import platform
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.gc_collector import GCCollector
from prometheus_client.metrics_core import Metric
from prometheus_client.process_collector import ProcessCollector

from server.database_metrics import DatabaseMetrics
from server.durations import Durations
from server.request_metrics import BUCKETS as REQUEST_BUCKETS
from server.request_metrics import RequestMetrics
from server.version import VERSION

METRICS_CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

# Counted by the supervisor of a group of processes; without one it stays 0.
PROCESS_RESTARTS = ("photofeed_process_restarts", "Processes that the supervisor restarted.")

JOB_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
WAIT_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)
LAG_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1)
REDIS_BUCKETS = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1)

# A gauge with the time of creation per counter and histogram would double the number of series.
disable_created_metrics()


@dataclass(frozen=True, slots=True)
class QueueSize:
    """One queue in the jobs table: jobs by state, and how long the oldest due job has waited."""

    queue: str
    jobs: dict[str, int] = field(default_factory=dict[str, int])
    oldest_waiting_s: float = 0.0
    paused: bool = False


class Metrics:
    """The metrics of one process."""

    def __init__(self, *, of_process: bool = False) -> None:
        """`of_process`: include memory, CPU time, open files and garbage collection of the process."""
        self._registry = registry = CollectorRegistry(auto_describe=True)
        counter = partial(Counter, registry=registry)
        gauge = partial(Gauge, registry=registry)
        jobs = partial(Histogram, buckets=JOB_BUCKETS, registry=registry)
        waits = partial(Histogram, buckets=WAIT_BUCKETS, registry=registry)
        requests = partial(Histogram, buckets=REQUEST_BUCKETS, registry=registry)
        lags = partial(Histogram, buckets=LAG_BUCKETS, registry=registry)

        self._jobs = counter("photofeed_jobs", "Job runs.", ["queue", "kind", "outcome"])
        self._job_s = jobs("photofeed_job_seconds", "Duration of job runs.", ["queue", "kind"])
        self._job_wait_s = waits(
            "photofeed_job_wait_seconds", "Time from due to first start of a job.", ["queue"]
        )
        self._queue_jobs = gauge("photofeed_queue_jobs", "Jobs in the table.", ["queue", "state"])
        self._queue_oldest_s = gauge(
            "photofeed_queue_oldest_seconds", "Age of the oldest due job.", ["queue"]
        )
        self._queue_paused = gauge("photofeed_queue_paused", "1 while the queue is paused.", ["queue"])
        self._rejected = counter("photofeed_rejected_messages", "Rejected messages.", ["queue", "reason"])
        self._actor_restarts = counter("photofeed_actor_restarts", "Crashes of supervised tasks.", ["actor"])
        self._actor_up = gauge("photofeed_actor_up", "1 while the supervised task runs.", ["actor"])
        self._dependency_up = gauge(
            "photofeed_dependency_up", "1 while the dependency is available.", ["dependency"]
        )
        self._deliveries = counter(
            "photofeed_notification_deliveries",
            "Deliveries of notifications by outcome.",
            ["channel", "outcome"],
        )
        self._delivery_s = waits(
            "photofeed_notification_delivery_seconds", "Time from event to delivery.", ["channel"]
        )
        self._fan_out_s = jobs("photofeed_fan_out_seconds", "Duration of the last run of a fan-out.")
        self._fan_out_age_s = waits(
            "photofeed_fan_out_age_seconds", "Age of a post when it reached its last follower."
        )
        self._feed_pages = counter(
            "photofeed_feed_pages", "Feed pages by the source of their ids: redis or database.", ["source"]
        )
        # Looking a label up costs more than the increment.
        self._pages_from_redis = self._feed_pages.labels("redis")
        self._pages_from_database = self._feed_pages.labels("database")
        self._feed_build_s = requests("photofeed_feed_build_seconds", "Duration of feed builds in Redis.")
        self._upload_bytes = counter("photofeed_upload_bytes", "Bytes of resumable uploads that were stored.")
        self._uploads = counter("photofeed_uploads", "Resumable uploads by what happened to them.", ["event"])
        self._erased_accounts = counter("photofeed_accounts_erased", "Accounts that were erased.")
        self._sse_connections = gauge("photofeed_sse_connections", "Open SSE connections.")
        self._loop_lag_s = lags("photofeed_loop_lag_seconds", "Delay of timers in the event loop.")
        self._loop_tasks = gauge("photofeed_loop_tasks", "Unfinished tasks of the event loop.")
        self._sse_streams = counter("photofeed_sse_streams", "SSE streams that were opened.")
        self._sse_drops = counter("photofeed_sse_drops", "SSE streams that the server ended.", ["reason"])
        self._image_queue = gauge("photofeed_image_queue", "Pictures that run or wait.", ["pool", "state"])
        self._image_s = jobs(
            "photofeed_image_seconds", "Time of a picture from request to result, with waiting.", ["pool"]
        )
        self._image_wait_s = jobs(
            "photofeed_image_wait_seconds", "Time that a picture waited for an image process.", ["pool"]
        )
        self._password_queue = gauge(
            "photofeed_password_queue", "Password hashes that run or wait.", ["state"]
        )
        gauge("photofeed_build_info", "1, with the versions as labels.", ["version", "python"]).labels(
            VERSION, platform.python_version()
        ).set(1)
        gauge("photofeed_processes", "Running processes.").set(1)
        counter(*PROCESS_RESTARTS)
        self._spans = counter("photofeed_trace_spans", "Spans of traces by what became of them.", ["outcome"])
        self._requests = RequestMetrics()
        self.database = DatabaseMetrics()
        self.redis_calls = Durations(
            "photofeed_redis_call_seconds", "Duration of Redis calls.", ["call"], REDIS_BUCKETS
        )
        for collector in (self._requests, self.database, self.redis_calls):
            registry.register(collector)
        if of_process:
            ProcessCollector(registry=registry)
            GCCollector(registry=registry)

    def count_job(self, queue: str, kind: str, outcome: str, ran_s: float) -> None:
        """Record the end of a job run."""
        self._jobs.labels(queue, kind, outcome).inc()
        self._job_s.labels(queue, kind).observe(ran_s)

    def observe_job_wait(self, queue: str, waited_s: float) -> None:
        """Record the first start of a job."""
        self._job_wait_s.labels(queue).observe(max(0.0, waited_s))

    def count_rejected_message(self, queue: str, reason: str) -> None:
        """Record a rejected message."""
        self._rejected.labels(queue, reason).inc()

    def set_actor_state(self, actor: str, state: str) -> None:
        """Record a new state of a supervised task."""
        restarts = self._actor_restarts.labels(actor)
        if state == "restarting":
            restarts.inc()
        self._actor_up.labels(actor).set(state == "running")

    def set_dependency_up(self, dependency: str, up: bool) -> None:
        """Record whether a dependency is available."""
        self._dependency_up.labels(dependency).set(up)

    def watch_dependency(self, dependency: str, is_up: Callable[[], bool]) -> None:
        """Call `is_up` at every rendering."""
        self._dependency_up.labels(dependency).set_function(is_up)

    def count_delivery(self, channel: str, took_s: float | None) -> None:
        """Record a delivery that took `took_s` from its event; None: it failed."""
        if took_s is None:
            self.count_undelivered(channel, "failed")
            return
        self._deliveries.labels(channel, "delivered").inc()
        self._delivery_s.labels(channel).observe(max(0.0, took_s))

    def count_undelivered(self, channel: str, outcome: str) -> None:
        """Record that a channel did not take a notification.

        `retried` is tried again; `refused`, `gone`, `limited` and `lost` are not; `failed` is compensated otherwise.
        The success rate is `delivered` divided by all but `retried`.
        """
        self._deliveries.labels(channel, outcome).inc()

    def observe_fan_out(self, took_s: float, age_s: float) -> None:
        """Record that a post reached its last follower."""
        self._fan_out_s.observe(took_s)
        self._fan_out_age_s.observe(max(0.0, age_s))

    def count_feed_page(self, source: str) -> None:
        """Record a feed page whose ids came from `redis` alone, or also from the `database`."""
        (self._pages_from_redis if source == "redis" else self._pages_from_database).inc()

    def feed_pages(self) -> tuple[int, int]:
        """Return how many feed pages had their ids from Redis alone, and how many also from the database."""
        values = {
            sample.labels["source"]: int(sample.value)
            for metric in self._feed_pages.collect()
            for sample in metric.samples
            if sample.name.endswith("_total")
        }
        return values["redis"], values["database"]

    def observe_feed_build(self, took_s: float) -> None:
        """Record a feed that was built in Redis."""
        self._feed_build_s.observe(took_s)

    def count_upload_bytes(self, size: int) -> None:
        """Record bytes of a resumable upload that were stored."""
        self._upload_bytes.inc(size)

    def count_uploads(self, event: str, count: int = 1) -> None:
        """Record resumable uploads that were `created`, `interrupted`, `resumed`, `completed` or `expired`."""
        self._uploads.labels(event).inc(count)

    def count_erased_account(self) -> None:
        self._erased_accounts.inc()

    def count_request(self, route: str, method: str, status: int, took_s: float | None) -> None:
        """Record a response; `took_s` is None for an SSE stream."""
        self._requests.count(route, method, status, took_s)

    def watch_sse_connections(self, count: Callable[[], int]) -> None:
        """Call `count` at every rendering."""
        self._sse_connections.set_function(count)

    def count_sse_stream(self) -> None:
        """Record that a stream began."""
        self._sse_streams.inc()

    def count_sse_drop(self, reason: str) -> None:
        """Record a stream that the server ended: `slow_reader`, or the reason of its subscription."""
        self._sse_drops.labels(reason).inc()

    def watch_image_queue(self, pool: str, counts: Mapping[str, Callable[[], int]]) -> None:
        """Call `counts`, by state, at every rendering. `pool` is `uploads` or `background`."""
        for state, count in counts.items():
            self._image_queue.labels(pool, state).set_function(count)

    def observe_image(self, pool: str, waited_s: float, took_s: float) -> None:
        """Record a picture whose processing ended; `took_s` includes `waited_s`."""
        self._image_wait_s.labels(pool).observe(waited_s)
        self._image_s.labels(pool).observe(took_s)

    def watch_password_queue(self, counts: Mapping[str, Callable[[], int]]) -> None:
        """Call `counts`, by state, at every rendering."""
        for state, count in counts.items():
            self._password_queue.labels(state).set_function(count)

    def count_spans(self, outcome: str, spans: int) -> None:
        """Record spans that were `exported` or `failed`."""
        self._spans.labels(outcome).inc(spans)

    def observe_loop_lag(self, lag_s: float) -> None:
        """Record how late the event loop ran a timer."""
        self._loop_lag_s.observe(max(0.0, lag_s))

    def watch_loop_tasks(self, loop: asyncio.AbstractEventLoop) -> None:
        """Count the unfinished tasks of `loop` at every rendering."""
        self._loop_tasks.set_function(lambda: len(asyncio.all_tasks(loop)))

    def set_queue_sizes(self, sizes: Iterable[QueueSize]) -> None:
        """Replace the queue metrics; queues that are missing from `sizes` have none."""
        for metric in (self._queue_jobs, self._queue_oldest_s, self._queue_paused):
            metric.clear()
        for size in sizes:
            for state, count in size.jobs.items():
                self._queue_jobs.labels(size.queue, state).set(count)
            self._queue_oldest_s.labels(size.queue).set(size.oldest_waiting_s)
            self._queue_paused.labels(size.queue).set(size.paused)

    def families(self) -> list[Metric]:
        """Return all metrics. Takes milliseconds, so call it in a thread."""
        return list(self._registry.collect())

    def render(self) -> bytes:
        """Return all metrics in Prometheus's text format. Takes milliseconds, so call it in a thread."""
        return generate_latest(self._registry)
