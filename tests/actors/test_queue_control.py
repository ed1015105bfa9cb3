"""Workers and dispatchers of queues that are paused, limited, scheduled and measured, on both stacks."""

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
from tests.support.harness import ServiceHarness
from tests.support.jobs import build_queue_administration, build_schedules
from tests.support.sse_reader import open_circuit
from tests.support.waiting import wait_until
from tests.test_metrics import figures

KIND = "tests.note"


class Note:
    """A kind of job that notes that it was run."""

    def __init__(self, harness: ServiceHarness) -> None:
        self._house = harness
        self.ran: list[int] = []
        self.fails: Exception | None = None
        self.meets: CircuitBreaker | None = None

    async def run(self, claim: Claim) -> None:
        self.ran.append(claim.id)
        if self.fails is not None:
            if self.meets is not None:
                self.meets.failed(self.fails, str(claim.id))
            raise self.fails
        if self.meets is not None:
            self.meets.succeeded()
        await self._house.jobs.finish(claim)


@pytest.fixture
def note(harness: ServiceHarness) -> Note:
    return Note(harness)


@pytest.fixture
def control(harness: ServiceHarness, doorbell: JobNotifier) -> QueueAdministration:
    return build_queue_administration(harness, count_rejected=doorbell.count_rejected)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
async def dispatcher(
    harness: ServiceHarness, doorbell: JobNotifier, control: QueueAdministration
) -> AsyncIterator[Dispatcher]:
    """A dispatcher that runs, with the doorbell that it rings."""
    schedules = build_schedules(harness, Recurring(JobKind.SWEEP_SESSIONS, 3_600_000))
    dispatcher = Dispatcher(
        harness.jobs, doorbell, poll_s=0.05, lease_s=60, states=control.states, schedules=schedules
    )
    supervisor = Supervisor(Metrics())
    actors = [supervisor.start("doorbell", doorbell.run), supervisor.start("dispatcher", dispatcher.run)]
    yield dispatcher
    await supervisor.stop(*actors)


class Start:
    """Starts workers of the queue `feed`, which end with the test."""

    def __init__(
        self,
        harness: ServiceHarness,
        brokers: dict[Queue, QueueBroker],
        control: QueueAdministration,
        note: Note,
        metrics: Metrics,
    ) -> None:
        self._house, self._brokers, self._control = harness, brokers, control
        self._note, self._metrics = note, metrics
        self.supervisor = Supervisor(Metrics())

    def __call__(
        self, limiter: Limiter | None = None, concurrency: int = 5, circuit: CircuitBreaker | None = None
    ) -> Worker:
        def receiver(run_job: Callable[[int], Any]) -> QueueReceiver:
            return QueueReceiver(self._brokers[Queue.FEED], run_job, concurrency, drain_timeout_s=5)

        worker = Worker(
            Queue.FEED,
            self._house.jobs,
            {KIND: self._note.run},
            receiver,
            heartbeat_s=5,
            gate=AdmissionGate(Queue.FEED, self._control.states, limiter, circuit=circuit),
            metrics=self._metrics,
        )
        self.supervisor.start("feed worker", worker.run)
        return worker


@pytest.fixture
async def start(
    harness: ServiceHarness,
    brokers: dict[Queue, QueueBroker],
    control: QueueAdministration,
    note: Note,
    metrics: Metrics,
) -> AsyncIterator[Start]:
    start = Start(harness, brokers, control, note, metrics)
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


async def test_a_paused_queue_starts_nothing_and_loses_nothing(
    harness: ServiceHarness, brokers: dict[Queue, QueueBroker], control: QueueAdministration, start: Start, note: Note,
    dispatcher: Dispatcher,
) -> None:  # fmt: skip
    await control.pause(Queue.FEED)
    start()
    ids = await add(harness, 20)
    await brokers[Queue.FEED].notify([(job_id, Priority.NORMAL) for job_id in ids])
    await wait_until(lambda: _drained(brokers[Queue.FEED]))
    assert note.ran == []
    assert (
        await harness.value("SELECT COUNT(*) AS jobs FROM jobs WHERE state = 'ready' AND queue = 'feed'")
        == 20
    )
    await control.resume(Queue.FEED)
    await wait_until(lambda: len(note.ran) == 20)
    assert sorted(note.ran) == ids


async def test_a_paused_queue_does_not_crowd_the_others_out(
    harness: ServiceHarness, doorbell: JobNotifier, control: QueueAdministration
) -> None:
    await add(harness, 600)
    await add(harness, 1, Queue.NOTIFICATIONS)
    await control.pause(Queue.FEED)
    await Dispatcher(harness.jobs, doorbell, poll_s=1, lease_s=60, states=control.states).poll()
    await doorbell.flush()
    assert await doorbell.depth(Queue.FEED) == 0
    assert await doorbell.depth(Queue.NOTIFICATIONS) == 1


async def test_of_a_queue_whose_jobs_would_all_fail_one_at_a_time_is_tried_and_all_run_when_it_succeeds(
    harness: ServiceHarness,
    start: Start,
    note: Note,
    brokers: dict[Queue, QueueBroker],
    dispatcher: Dispatcher,
) -> None:
    circuit = open_circuit("smtp")
    note.meets = circuit
    note.fails = ValueError("away")
    ids = await add(harness, 20)
    start(circuit=circuit)
    await brokers[Queue.FEED].notify([(job_id, Priority.NORMAL) for job_id in ids])
    await wait_until(lambda: len(note.ran) == 2)
    assert await harness.value("SELECT COUNT(*) AS jobs FROM jobs WHERE attempts > 0") == 2
    note.fails = None
    await wait_until(lambda: len(set(note.ran)) == 20)
    assert len(note.ran) <= 22
    assert not circuit.is_open


async def test_a_process_that_cannot_reach_the_server_leaves_the_jobs_to_one_that_can(
    harness: ServiceHarness,
    start: Start,
    note: Note,
    brokers: dict[Queue, QueueBroker],
    dispatcher: Dispatcher,
) -> None:
    circuit = open_circuit("smtp")
    await wait_until(lambda: circuit.acquire(0))  # and nobody else has a turn from here on
    start(circuit=circuit, concurrency=2)
    ids = await add(harness, 60)
    await brokers[Queue.FEED].notify([(job_id, Priority.NORMAL) for job_id in ids])
    start(circuit=CircuitBreaker("smtp"), concurrency=2)
    await wait_until(lambda: len(set(note.ran)) == 60)


async def test_workers_together_keep_the_rate(
    harness: ServiceHarness, start: Start, note: Note, dispatcher: Dispatcher
) -> None:
    start(JobRateLimiter(harness.wire, "queue:feed", 50))
    start(JobRateLimiter(harness.wire, "queue:feed", 50))
    began = asyncio.get_running_loop().time()
    await add(harness, 40)
    await wait_until(lambda: len(note.ran) == 40)
    # 40 jobs, a burst of 2: the last one was not let in before 38 / 50 s had passed.
    assert asyncio.get_running_loop().time() - began >= 38 / 50 - 0.02
    assert len(set(note.ran)) == 40


async def test_a_drain_does_not_wait_for_the_rate(
    harness: ServiceHarness, start: Start, note: Note, brokers: dict[Queue, QueueBroker]
) -> None:
    worker = start(JobRateLimiter(harness.wire, "queue:feed", 0.01))
    ids = await add(harness, 5)
    await brokers[Queue.FEED].notify([(job_id, Priority.NORMAL) for job_id in ids])
    await wait_until(lambda: len(note.ran) == 1)
    await wait_until(lambda: _drained(brokers[Queue.FEED]))
    async with asyncio.timeout(4):
        assert await worker.drain() == 0
    assert await harness.value("SELECT COUNT(*) AS jobs FROM jobs WHERE state = 'ready'") == 4


async def test_looking_for_a_job_in_vain_spends_nothing_of_the_rate(
    harness: ServiceHarness, start: Start
) -> None:
    limiter = JobRateLimiter(harness.wire, "queue:feed", 0.01)
    worker = start(limiter)
    await worker.run_job(1)
    assert await limiter.reserve() == 0.0


async def test_a_long_backlog_is_not_rung_for_twice(
    harness: ServiceHarness, doorbell: JobNotifier, brokers: dict[Queue, QueueBroker]
) -> None:
    ids = await add(harness, 700)
    await brokers[Queue.FEED].notify([(job_id, Priority.NORMAL) for job_id in ids])
    await Dispatcher(harness.jobs, doorbell, poll_s=1, lease_s=60).poll()
    await doorbell.flush()
    assert await doorbell.depth(Queue.FEED) == 700


async def test_rings_for_what_is_done_take_nobodys_place(
    harness: ServiceHarness, start: Start, brokers: dict[Queue, QueueBroker], note: Note
) -> None:
    await JobRateLimiter(harness.wire, "queue:feed", 0.01).reserve()
    done = await add(harness, 100)
    await harness.database.execute("UPDATE jobs SET state = ?", [JobState.COMPLETED])
    await brokers[Queue.FEED].notify([(job_id, Priority.NORMAL) for job_id in done])
    start(JobRateLimiter(harness.wire, "queue:feed", 0.01), concurrency=2)
    await wait_until(lambda: _drained(brokers[Queue.FEED]))
    assert note.ran == []


async def test_scheduled_work_is_rung_for(
    harness: ServiceHarness, doorbell: JobNotifier, control: QueueAdministration
) -> None:
    schedules = build_schedules(harness, Recurring(JobKind.RETENTION, 3_600_000))
    dispatcher = Dispatcher(harness.jobs, doorbell, 1, 60, states=control.states, schedules=schedules)
    await dispatcher.poll()
    await harness.database.execute("UPDATE schedules SET next_run_at_ms = 1")
    await dispatcher.poll()
    await doorbell.flush()
    assert await doorbell.depth(Queue.MAINTENANCE) == 1


@pytest.mark.parametrize(
    ("fails", "outcome"),
    [(None, "completed"), (ValueError("no"), "failed"), (Unavailable("away"), "postponed")],
)
async def test_how_a_job_ended_is_counted(
    harness: ServiceHarness, start: Start, note: Note, metrics: Metrics, fails: Exception | None, outcome: str
) -> None:
    note.fails = fails
    worker = start()
    (job_id,) = await add(harness, 1)
    await worker.run_job(job_id)
    found = figures(metrics)
    assert found["photofeed_jobs_total", KIND, outcome, "feed"] == 1
    assert found["photofeed_job_seconds_count", KIND, "feed"] == 1
    assert found["photofeed_job_wait_seconds_count", "feed"] == 1


async def test_the_last_attempt_and_an_unknown_kind_are_counted_as_such(
    harness: ServiceHarness, start: Start, note: Note, metrics: Metrics
) -> None:
    note.fails = ValueError("no")
    worker = start()
    (job_id,) = await add(harness, 1)
    await harness.database.execute("UPDATE jobs SET attempts = 2 WHERE id = ?", [job_id])
    (unknown,) = await add(harness, 1, kind="made.up.by.somebody")
    for each in (job_id, unknown):
        await worker.run_job(each)
    found = figures(metrics)
    assert found["photofeed_jobs_total", KIND, "dead", "feed"] == 1
    assert found["photofeed_jobs_total", "unknown", "unknown", "feed"] == 1


async def test_a_job_in_hand_is_not_taken_twice(harness: ServiceHarness, start: Start, note: Note) -> None:
    worker = start()
    (job_id,) = await add(harness, 1)
    await asyncio.gather(*(worker.run_job(job_id) for _ in range(5)))
    assert note.ran == [job_id]


async def test_an_outage_of_the_database_is_told_once(
    harness: ServiceHarness, doorbell: JobNotifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    outage = Outage("database", settled_after_s=0.0)
    dispatcher = Dispatcher(harness.jobs, doorbell, poll_s=0.001, lease_s=60, database=outage)
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


async def test_garbage_is_counted_by_queue(control: QueueAdministration, harness: ServiceHarness) -> None:
    for queue, entries in ((Queue.FEED, 2), (Queue.NOTIFICATIONS, 1)):
        for _ in range(entries):
            await harness.redis.xadd(f"queue:{queue}:rejected", {"reason": "undecodable"})
    assert [status.rejected_messages for status in await control.overview()] == [2, 1, 0, 0, 0]


async def _drained(broker: QueueBroker) -> bool:
    return sum((await broker.depth()).values()) == 0
