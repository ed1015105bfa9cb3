"""Figures of the queues that all processes share, on both databases."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from server.clock import SystemClock
from server.gateways.redis.pipelined_client import PipelinedRedis
from server.gateways.redis.shared_value import SharedValue
from server.models.jobs.jobs import JobRepository, JobState
from server.models.jobs.queue_states import QueueStateRepository
from server.models.jobs.queue_statistics import QueueStatisticsRepository, StateCount
from server.services.jobs.event_jobs import Queue
from server.services.jobs.queue_figures import QueueFigures
from server.services.jobs.queue_overview import QueueOverview
from server.services.jobs.queue_states import QueueStates
from tests.services.jobs.test_queue_administration import add_job
from tools.harness.services import ServiceHarness

SCRAPES = 30
MINUTE_MS = 60_000


class CountedStatistics(QueueStatisticsRepository):
    """Statistics that count how often they read the whole table."""

    scans = 0

    async def count_by_state(self) -> list[StateCount]:
        type(self).scans += 1
        return await super().count_by_state()


class StoppedClock:
    def __init__(self, at_ms: int) -> None:
        self.at_ms = at_ms

    def now_ms(self) -> int:
        return self.at_ms


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock(SystemClock().now_ms() // MINUTE_MS * MINUTE_MS)


@pytest.fixture
def process(harness: ServiceHarness, clock: StoppedClock) -> Callable[[PipelinedRedis], QueueFigures]:
    """Return what builds the figures of another process."""
    CountedStatistics.scans = 0

    def build(redis: PipelinedRedis) -> QueueFigures:
        states = QueueStates(QueueStateRepository(harness.database), JobRepository(harness.database))
        overview = QueueOverview(CountedStatistics(harness.database), states, {})
        return QueueFigures(overview, states, redis, clock)

    return build


@pytest.fixture
async def no_redis() -> AsyncIterator[PipelinedRedis]:
    redis = PipelinedRedis("redis://127.0.0.1:1", timeout_s=0.2)
    yield redis
    await redis.close()


async def test_scrapes_of_all_processes_cause_one_scan(
    harness: ServiceHarness, process: Callable[[PipelinedRedis], QueueFigures]
) -> None:
    await add_job(harness, JobState.READY, due_ago_ms=1000)
    processes = [process(harness.pipelined_redis) for _ in range(SCRAPES)]
    results = await asyncio.gather(*(each.read() for each in processes))
    assert {status.waiting for result in results for status in result if status.queue == Queue.FEED} == {1}
    assert CountedStatistics.scans == 1
    await add_job(harness, JobState.READY, due_ago_ms=1000)
    assert await processes[0].read() == results[0]
    assert CountedStatistics.scans == 1


async def test_pause_and_changes_by_hand_are_seen_at_once(
    harness: ServiceHarness, process: Callable[[PipelinedRedis], QueueFigures]
) -> None:
    figures = process(harness.pipelined_redis)
    assert not [status for status in await figures.read() if status.paused_at_ms]
    await QueueStateRepository(harness.database).pause(Queue.FEED)
    assert [status.queue for status in await figures.read() if status.paused_at_ms] == [Queue.FEED]
    await add_job(harness, JobState.DEAD)
    await figures.expire()
    assert sum(status.failed for status in await figures.read()) == 1
    assert CountedStatistics.scans == 2


async def test_without_redis_each_process_counts_for_itself(
    process: Callable[[PipelinedRedis], QueueFigures], no_redis: PipelinedRedis
) -> None:
    figures = process(no_redis)
    await asyncio.gather(*(figures.read() for _ in range(SCRAPES)))
    assert CountedStatistics.scans == 1
    assert await figures.history() == {queue: [] for queue in Queue}


async def test_history_has_one_entry_per_minute(
    harness: ServiceHarness, process: Callable[[PipelinedRedis], QueueFigures], clock: StoppedClock
) -> None:
    figures = process(harness.pipelined_redis)
    began_ms = clock.at_ms
    for minutes in (0, 0, 1, 61):
        clock.at_ms = began_ms + minutes * MINUTE_MS
        await add_job(harness, JobState.READY, due_ago_ms=1000)
        await figures.expire()
        await figures.read()
        if minutes == 1:
            feed = (await figures.history())[Queue.FEED]
            assert [(each.at_ms - began_ms, each.unfinished) for each in feed] == [(0, 2), (MINUTE_MS, 3)]
    (last,) = (await figures.history())[Queue.FEED]
    assert (last.at_ms - began_ms, last.unfinished) == (61 * MINUTE_MS, 4)


async def test_value_of_another_version_is_computed_again(harness: ServiceHarness) -> None:
    async def compute() -> int:
        return 7

    async def read(load: Callable[[bytes], int]) -> int:
        redis = harness.pipelined_redis
        value = SharedValue(
            redis, "test", compute, lambda each: str(each).encode(), load, fresh_s=5, max_age_s=15
        )
        return await value.get()

    assert await read(int) == 7
    await harness.pipelined_redis.command("HSET", "shared:test", "value", "another version")
    await harness.pipelined_redis.command("DEL", "shared:test:fresh")
    assert await read(int) == 7
