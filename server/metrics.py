"""What the program counts and measures of itself, in a registry of its own, for Prometheus.

Owns the names, the labels and the buckets; who counts what when is the callers' affair. Labels are bounded: kinds,
routes, queues, channels, never ids. Every process speaks for itself, but the sizes of the queues are those of the
shared table: take their maximum over the processes, not their sum.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector

from server.request_metrics import BUCKETS as REQUEST_BUCKETS
from server.request_metrics import RequestMetrics

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

JOB_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
WAIT_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)
LAG_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1)


@dataclass(frozen=True, slots=True)
class QueueSize:
    """One queue as the table has it now: jobs by state, and how long the oldest due job has been waiting."""

    queue: str
    jobs: dict[str, int] = field(default_factory=dict[str, int])
    oldest_waiting_s: float = 0.0
    paused: bool = False


class Metrics:
    """One process's figures."""

    def __init__(self, *, of_process: bool = False) -> None:
        """`of_process`: include memory, CPU time, open files and garbage collection of the process."""
        self._registry = registry = CollectorRegistry(auto_describe=True)
        if of_process:
            ProcessCollector(registry=registry)
            GCCollector(registry=registry)
        self._jobs = Counter(
            "photofeed_jobs", "Runs of jobs that ended.", ["queue", "kind", "outcome"], registry=registry
        )
        self._job_seconds = Histogram(
            "photofeed_job_seconds",
            "How long a job ran, whatever became of it.",
            ["queue", "kind"],
            buckets=JOB_BUCKETS,
            registry=registry,
        )
        self._job_wait_seconds = Histogram(
            "photofeed_job_wait_seconds",
            "From when a job was due to its first start.",
            ["queue"],
            buckets=WAIT_BUCKETS,
            registry=registry,
        )
        self._queue_jobs = Gauge(
            "photofeed_queue_jobs", "Jobs in the table.", ["queue", "state"], registry=registry
        )
        self._queue_oldest_seconds = Gauge(
            "photofeed_queue_oldest_seconds",
            "How long the oldest due job has been waiting.",
            ["queue"],
            registry=registry,
        )
        self._queue_paused = Gauge(
            "photofeed_queue_paused", "1 while the queue is paused.", ["queue"], registry=registry
        )
        self._garbage = Counter(
            "photofeed_garbage_messages",
            "Messages that ring for no job, set aside.",
            ["queue", "flaw"],
            registry=registry,
        )
        self._actor_restarts = Counter(
            "photofeed_actor_restarts", "Crashes of long-lived tasks.", ["actor"], registry=registry
        )
        self._actor_up = Gauge(
            "photofeed_actor_up", "1 while the long-lived task runs.", ["actor"], registry=registry
        )
        self._part_up = Gauge(
            "photofeed_part_up", "1 while the part answers to this process.", ["part"], registry=registry
        )
        self._deliveries = Counter(
            "photofeed_notification_deliveries",
            "Notifications handed to a channel.",
            ["channel", "outcome"],
            registry=registry,
        )
        self._delivery_seconds = Histogram(
            "photofeed_notification_delivery_seconds",
            "From the event to the delivery.",
            ["channel"],
            buckets=WAIT_BUCKETS,
            registry=registry,
        )
        self._fan_out_seconds = Histogram(
            "photofeed_fan_out_seconds",
            "How long the last run of a fan-out took.",
            buckets=JOB_BUCKETS,
            registry=registry,
        )
        self._fan_out_age_seconds = Histogram(
            "photofeed_fan_out_age_seconds",
            "The age of a post when it has reached its last follower.",
            buckets=WAIT_BUCKETS,
            registry=registry,
        )
        self._feed_pages = Counter(
            "photofeed_feed_pages",
            "Feed pages answered, by where their ids came from in the end: redis or database.",
            ["source"],
            registry=registry,
        )
        self._pages_from_redis = self._feed_pages.labels("redis")
        self._pages_from_database = self._feed_pages.labels("database")
        self._feed_build_seconds = Histogram(
            "photofeed_feed_build_seconds",
            "How long it took to build a feed in Redis from the database.",
            buckets=REQUEST_BUCKETS,
            registry=registry,
        )
        self._of_requests = RequestMetrics()
        registry.register(self._of_requests)
        self._streams = Gauge("photofeed_live_streams", "Live streams open.", registry=registry)
        self._loop_lag_seconds = Histogram(
            "photofeed_loop_lag_seconds",
            "How late the event loop woke a sleeper.",
            buckets=LAG_BUCKETS,
            registry=registry,
        )

    def job_ended(self, queue: str, kind: str, outcome: str, ran_s: float) -> None:
        """A run of a job is over, well or not."""
        self._jobs.labels(queue, kind, outcome).inc()
        self._job_seconds.labels(queue, kind).observe(ran_s)

    def job_started(self, queue: str, waited_s: float) -> None:
        """A job is run for the first time."""
        self._job_wait_seconds.labels(queue).observe(max(0.0, waited_s))

    def garbage_found(self, queue: str, flaw: str) -> None:
        self._garbage.labels(queue, flaw).inc()

    def actor_changed(self, actor: str, state: str) -> None:
        """A supervised task is in another state now."""
        restarts = self._actor_restarts.labels(actor)
        if state == "restarting":
            restarts.inc()
        self._actor_up.labels(actor).set(state == "running")

    def part_answered(self, part: str, answered: bool) -> None:
        """A part that this process depends on was asked whether it is there."""
        self._part_up.labels(part).set(answered)

    def show_part(self, part: str, answers: Callable[[], bool]) -> None:
        """Ask at every rendering whether a part is known to answer."""
        self._part_up.labels(part).set_function(answers)

    def delivered(self, channel: str, took_s: float | None) -> None:
        """A notification was handed to a channel `took_s` after its event; None: that failed."""
        if took_s is None:
            self.undelivered(channel, "failed")
            return
        self._deliveries.labels(channel, "delivered").inc()
        self._delivery_seconds.labels(channel).observe(max(0.0, took_s))

    def undelivered(self, channel: str, outcome: str) -> None:
        """A notification was not taken by a channel: `retried` is tried again, `refused`, `gone`, `limited` and `lost`
        are not, and `failed` is made up for otherwise. So the rate is delivered / (all but retried)."""
        self._deliveries.labels(channel, outcome).inc()

    def fanned_out(self, took_s: float, age_s: float) -> None:
        """A post has reached its last follower."""
        self._fan_out_seconds.observe(took_s)
        self._fan_out_age_seconds.observe(max(0.0, age_s))

    def feed_page(self, source: str) -> None:
        """A page of a feed was answered, from `redis` alone or from the `database` as well."""
        (self._pages_from_redis if source == "redis" else self._pages_from_database).inc()

    def feed_built(self, took_s: float) -> None:
        """A feed that nobody had read for a while is in Redis again."""
        self._feed_build_seconds.observe(took_s)

    def answered(self, route: str, method: str, status: int, took_s: float | None) -> None:
        """A request was answered; `took_s` is None for a live stream."""
        self._of_requests.add(route, method, status, took_s)

    def count_streams(self, count: Callable[[], int]) -> None:
        """Ask `count` for the number of open streams at every rendering."""
        self._streams.set_function(count)

    def loop_lagged(self, lag_s: float) -> None:
        self._loop_lag_seconds.observe(max(0.0, lag_s))

    def show_queues(self, sizes: Iterable[QueueSize]) -> None:
        """What the table says now; queues that are not in `sizes`, all of them if it is empty, show nothing."""
        for gauge in (self._queue_jobs, self._queue_oldest_seconds, self._queue_paused):
            gauge.clear()
        for size in sizes:
            for state, count in size.jobs.items():
                self._queue_jobs.labels(size.queue, state).set(count)
            self._queue_oldest_seconds.labels(size.queue).set(size.oldest_waiting_s)
            self._queue_paused.labels(size.queue).set(size.paused)

    def render(self) -> bytes:
        """Everything in Prometheus's text format. Takes milliseconds: call it in a thread."""
        return generate_latest(self._registry)
