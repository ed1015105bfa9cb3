"""Workers and dispatchers together: pause, rate limits, schedules and metrics, on both stacks."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from server.actors.admission_gate import AdmissionGate, Limiter
from server.actors.dispatcher import Dispatcher
from server.actors.supervisor import Supervisor
from server.actors.worker import Worker
from server.errors import Unavailable
from server.gateways.redis.job_rate import JobRateLimiter
from server.metrics import Metrics
from server.models.jobs.jobs import JobState, JobTable
from server.outages import CircuitBreaker, Outage
from server.pubsub.broker import QueueBroker
from server.pubsub.job_notifier import JobNotifier
from server.pubsub.receiver import QueueReceiver
from server.pubsub.streams import Priority
from server.services.jobs.claims import Claim
from server.services.jobs.event_jobs import JobKind, Queue
from server.services.jobs.queue_administration import QueueAdministration
from server.services.jobs.schedules import Recurring
from tests.support.jobs import build_queue_administration, build_schedules
from tests.support.sse_reader import open_circuit
from tests.test_metrics import figures
from tools.harness.services import ServiceHarness
from tools.harness.waiting import wait_until

KIND = "tests.handler"


class RecordingHandler:
    """A handler that records the jobs that it ran."""

    def __init__(self, harness: ServiceHarness) -> None:
        self._harness = harness
        self.job_ids: list[int] = []
        self.error: Exception | None = None
        self.circuit: CircuitBreaker | None = None

    async def run(self, claim: Claim) -> None:
        self.job_ids.append(claim.id)
        if self.error is not None:
            if self.circuit is not None:
                self.circuit.failed(self.error, str(claim.id))
            raise self.error
        if self.circuit is not None:
            self.circuit.succeeded()
        await self._harness.jobs.finish(claim)


@pytest.fixture
def handler(harness: ServiceHarness) -> RecordingHandler:
    return RecordingHandler(harness)


@pytest.fixture
def administration(harness: ServiceHarness, notifier: JobNotifier) -> QueueAdministration:
    return build_queue_administration(harness, count_rejected=notifier.count_rejected)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
async def dispatcher(
    harness: ServiceHarness, notifier: JobNotifier, administration: QueueAdministration
) -> AsyncIterator[Dispatcher]:
    """A running dispatcher and its notifier."""
    schedules = build_schedules(harness, Recurring(JobKind.SWEEP_SESSIONS, 3_600_000))
    dispatcher = Dispatcher(
        harness.jobs, notifier, poll_s=0.05, lease_s=60, states=administration.states, schedules=schedules
    )
    supervisor = Supervisor(Metrics())
    actors = [supervisor.start("notifier", notifier.run), supervisor.start("dispatcher", dispatcher.run)]
    yield dispatcher
    await supervisor.stop(*actors)


class WorkerFactory:
    """Starts workers of the feed queue, which stop after the test."""

    def __init__(
        self,
        harness: ServiceHarness,
        brokers: dict[Queue, QueueBroker],
        administration: QueueAdministration,
        handler: RecordingHandler,
        metrics: Metrics,
    ) -> None:
        self._harness, self._brokers, self._administration = harness, brokers, administration
        self._handler, self._metrics = handler, metrics
        self.supervisor = Supervisor(Metrics())

    def __call__(
        self, limiter: Limiter | None = None, concurrency: int = 5, circuit: CircuitBreaker | None = None
    ) -> Worker:
        def receiver(run_job: Callable[[int], Any]) -> QueueReceiver:
            return QueueReceiver(self._brokers[Queue.FEED], run_job, concurrency, drain_timeout_s=5)

        worker = Worker(
            Queue.FEED,
            self._harness.jobs,
            {KIND: self._handler.run},
            receiver,
            heartbeat_s=5,
            gate=AdmissionGate(Queue.FEED, self._administration.states, limiter, circuit=circuit),
            metrics=self._metrics,
        )
        self.supervisor.start("feed worker", worker.run)
        return worker


@pytest.fixture
async def start(
    harness: ServiceHarness,
    brokers: dict[Queue, QueueBroker],
    administration: QueueAdministration,
    handler: RecordingHandler,
    metrics: Metrics,
) -> AsyncIterator[WorkerFactory]:
    start = WorkerFactory(harness, brokers, administration, handler, metrics)
    yield start
    await start.supervisor.stop(*start.supervisor.actors)


async def add(harness: ServiceHarness, count: int, queue: Queue = Queue.FEED, kind: str = KIND) -> list[int]:
    now_ms = await harness.value(f"SELECT {harness.database.now_ms} AS now_ms")
    rows = [
        JobTable(
            id=harness.ids.next(), queue=queue, kind=kind, payload="{}", state=JobState.READY, run_at_ms=now_ms,
            created_at_ms=now_ms,
        )
        for _ in range(count)
    ]  # fmt: skip
    await JobTable.bulk_create(rows)
    return [row.id for row in rows]


@pytest.mark.usefixtures("dispatcher")
async def test_paused_queue_starts_and_loses_no_jobs(
    harness: ServiceHarness,
    brokers: dict[Queue, QueueBroker],
    administration: QueueAdministration,
    start: WorkerFactory,
    handler: RecordingHandler,
) -> None:
    await administration.pause(Queue.FEED)
    start()
    ids = await add(harness, 20)
    await brokers[Queue.FEED].notify([(job_id, Priority.NORMAL) for job_id in ids])
    await wait_until(lambda: _drained(brokers[Queue.FEED]))
    assert handler.job_ids == []
    assert (
        await harness.value("SELECT COUNT(*) AS jobs FROM jobs WHERE state = 'ready' AND queue = 'feed'")
        == 20
    )
    await administration.resume(Queue.FEED)
    await wait_until(lambda: len(handler.job_ids) == 20)
    assert sorted(handler.job_ids) == ids


async def test_paused_queue_does_not_displace_others(
    harness: ServiceHarness, notifier: JobNotifier, administration: QueueAdministration
) -> None:
    await add(harness, 600)
    await add(harness, 1, Queue.NOTIFICATIONS)
    await administration.pause(Queue.FEED)
    await Dispatcher(harness.jobs, notifier, poll_s=1, lease_s=60, states=administration.states).poll()
    await notifier.flush()
    assert await notifier.depth(Queue.FEED) == 0
    assert await notifier.depth(Queue.NOTIFICATIONS) == 1


async def test_open_circuit_probes_with_one_job(
    harness: ServiceHarness,
    start: WorkerFactory,
    handler: RecordingHandler,
    brokers: dict[Queue, QueueBroker],
    dispatcher: Dispatcher,
) -> None:
    circuit = open_circuit("smtp")
    handler.circuit = circuit
    handler.error = ValueError("away")
    ids = await add(harness, 20)
    start(circuit=circuit)
    await brokers[Queue.FEED].notify([(job_id, Priority.NORMAL) for job_id in ids])
    await wait_until(lambda: len(handler.job_ids) == 2)
    assert await harness.value("SELECT COUNT(*) AS jobs FROM jobs WHERE attempts > 0") == 2
    handler.error = None
    await wait_until(lambda: len(set(handler.job_ids)) == 20)
    assert len(handler.job_ids) <= 22
    assert not circuit.is_open


async def test_process_with_open_circuit_leaves_jobs_to_others(
    harness: ServiceHarness,
    start: WorkerFactory,
    handler: RecordingHandler,
    brokers: dict[Queue, QueueBroker],
    dispatcher: Dispatcher,
) -> None:
    circuit = open_circuit("smtp")
    await wait_until(lambda: circuit.acquire(0))  # takes the only probe
    start(circuit=circuit, concurrency=2)
    ids = await add(harness, 60)
    await brokers[Queue.FEED].notify([(job_id, Priority.NORMAL) for job_id in ids])
    start(circuit=CircuitBreaker("smtp"), concurrency=2)
    await wait_until(lambda: len(set(handler.job_ids)) == 60)


async def test_workers_share_the_rate_limit(
    harness: ServiceHarness, start: WorkerFactory, handler: RecordingHandler, dispatcher: Dispatcher
) -> None:
    start(JobRateLimiter(harness.pipelined_redis, "queue:feed", 50))
    start(JobRateLimiter(harness.pipelined_redis, "queue:feed", 50))
    began = asyncio.get_running_loop().time()
    await add(harness, 40)
    await wait_until(lambda: len(handler.job_ids) == 40)
    # 40 jobs, a burst of 2: the last one was not let in before 38 / 50 s had passed.
    assert asyncio.get_running_loop().time() - began >= 38 / 50 - 0.02
    assert len(set(handler.job_ids)) == 40


async def test_drain_does_not_wait_for_the_rate_limit(
    harness: ServiceHarness,
    start: WorkerFactory,
    handler: RecordingHandler,
    brokers: dict[Queue, QueueBroker],
) -> None:
    worker = start(JobRateLimiter(harness.pipelined_redis, "queue:feed", 0.01))
    ids = await add(harness, 5)
    await brokers[Queue.FEED].notify([(job_id, Priority.NORMAL) for job_id in ids])
    await wait_until(lambda: len(handler.job_ids) == 1)
    await wait_until(lambda: _drained(brokers[Queue.FEED]))
    async with asyncio.timeout(4):
        assert await worker.drain() == 0
    assert await harness.value("SELECT COUNT(*) AS jobs FROM jobs WHERE state = 'ready'") == 4


async def test_failed_claim_refunds_the_rate_limit(harness: ServiceHarness, start: WorkerFactory) -> None:
    limiter = JobRateLimiter(harness.pipelined_redis, "queue:feed", 0.01)
    worker = start(limiter)
    await worker.run_job(1)
    assert await limiter.reserve() == 0.0


async def test_backlog_is_not_signalled_twice(
    harness: ServiceHarness, notifier: JobNotifier, brokers: dict[Queue, QueueBroker]
) -> None:
    ids = await add(harness, 700)
    await brokers[Queue.FEED].notify([(job_id, Priority.NORMAL) for job_id in ids])
    await Dispatcher(harness.jobs, notifier, poll_s=1, lease_s=60).poll()
    await notifier.flush()
    assert await notifier.depth(Queue.FEED) == 700


async def test_signals_of_finished_jobs_use_no_permits(
    harness: ServiceHarness,
    start: WorkerFactory,
    brokers: dict[Queue, QueueBroker],
    handler: RecordingHandler,
) -> None:
    await JobRateLimiter(harness.pipelined_redis, "queue:feed", 0.01).reserve()
    done = await add(harness, 100)
    await harness.database.execute("UPDATE jobs SET state = ?", [JobState.COMPLETED])
    await brokers[Queue.FEED].notify([(job_id, Priority.NORMAL) for job_id in done])
    start(JobRateLimiter(harness.pipelined_redis, "queue:feed", 0.01), concurrency=2)
    await wait_until(lambda: _drained(brokers[Queue.FEED]))
    assert handler.job_ids == []


async def test_scheduled_job_is_signalled(
    harness: ServiceHarness, notifier: JobNotifier, administration: QueueAdministration
) -> None:
    schedules = build_schedules(harness, Recurring(JobKind.RETENTION, 3_600_000))
    dispatcher = Dispatcher(harness.jobs, notifier, 0, 60, states=administration.states, schedules=schedules)
    await dispatcher.poll()
    await harness.database.execute("UPDATE schedules SET next_run_at_ms = 1")
    await dispatcher.poll()
    await notifier.flush()
    assert await notifier.depth(Queue.MAINTENANCE) == 1


@pytest.mark.parametrize(
    ("fails", "outcome"),
    [(None, "completed"), (ValueError("no"), "failed"), (Unavailable("away"), "postponed")],
)
async def test_job_outcomes_are_counted(
    harness: ServiceHarness,
    start: WorkerFactory,
    handler: RecordingHandler,
    metrics: Metrics,
    fails: Exception | None,
    outcome: str,
) -> None:
    handler.error = fails
    worker = start()
    (job_id,) = await add(harness, 1)
    await worker.run_job(job_id)
    found = figures(metrics)
    assert found["photofeed_jobs_total", KIND, outcome, "feed"] == 1
    assert found["photofeed_job_seconds_count", KIND, "feed"] == 1
    assert found["photofeed_job_wait_seconds_count", "feed"] == 1


async def test_dead_and_unknown_jobs_have_their_own_outcome(
    harness: ServiceHarness, start: WorkerFactory, handler: RecordingHandler, metrics: Metrics
) -> None:
    handler.error = ValueError("no")
    worker = start()
    (job_id,) = await add(harness, 1)
    await harness.database.execute("UPDATE jobs SET attempts = 2 WHERE id = ?", [job_id])
    (unknown,) = await add(harness, 1, kind="tests.unknown")
    for each in (job_id, unknown):
        await worker.run_job(each)
    found = figures(metrics)
    assert found["photofeed_jobs_total", KIND, "dead", "feed"] == 1
    assert found["photofeed_jobs_total", "unknown", "unknown", "feed"] == 1


async def test_received_job_is_not_received_twice(
    harness: ServiceHarness, start: WorkerFactory, handler: RecordingHandler
) -> None:
    worker = start()
    (job_id,) = await add(harness, 1)
    await asyncio.gather(*(worker.run_job(job_id) for _ in range(5)))
    assert handler.job_ids == [job_id]


async def test_database_outage_is_logged_once(
    harness: ServiceHarness, notifier: JobNotifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    outage = Outage("database", settled_after_s=0.0)
    dispatcher = Dispatcher(harness.jobs, notifier, poll_s=0.001, lease_s=60, database=outage)
    codes = ["busy"]
    looks = 0

    async def away(*_: Any) -> Any:
        nonlocal looks
        looks += 1
        raise Unavailable("The database does not answer.", code=codes[-1])

    monkeypatch.setattr(harness.database, "rows", away)
    with capture_logs() as lines:
        task = asyncio.create_task(dispatcher.run())
        await wait_until(lambda: looks > 5)
        told_of_deadlocks = list(lines)
        codes.append("unavailable")
        await wait_until(lambda: len(lines) > 0)
        seen = looks
        await wait_until(lambda: looks > seen + 5)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert told_of_deadlocks == []
    assert [line["event"] for line in lines] == ["database_unavailable"]


async def test_rejected_messages_are_counted_by_queue(
    administration: QueueAdministration, harness: ServiceHarness
) -> None:
    for queue, entries in ((Queue.FEED, 2), (Queue.NOTIFICATIONS, 1)):
        for _ in range(entries):
            await harness.redis.xadd(f"queue:{queue}:rejected", {"reason": "undecodable"})
    rejected = {status.queue: status.rejected_messages for status in await administration.overview()}
    assert rejected == {**dict.fromkeys(Queue, 0), Queue.FEED: 2, Queue.NOTIFICATIONS: 1}


async def _drained(broker: QueueBroker) -> bool:
    return sum((await broker.depth()).values()) == 0
