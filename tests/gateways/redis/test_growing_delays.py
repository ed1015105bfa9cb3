"""Growing delays: in Redis, in the process, and alike in both."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from server.gateways.redis.growing_delays import Attempt, DelayRule, GrowingDelays, LocalDelays
from server.gateways.redis.pipelined_client import PipelinedRedis
from tools.harness.servers import RedisServer
from tools.harness.waiting import wait_until

RULE = DelayRule(free=3, first_s=0.02, max_s=0.05, locked_after=6, lock_s=60.0, forget_s=120.0)


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[PipelinedRedis]:
    client = PipelinedRedis(redis_url, timeout_s=1.0)
    yield client
    await client.close()


def test_delays_double_up_to_the_longest() -> None:
    rule = DelayRule()
    assert [rule.delay_s(failures) for failures in (1, 9, 10, 11, 12, 16, 17, 99, 100, 5000)] == [
        0, 0, 15, 30, 60, 900, 900, 900, 86_400, 86_400,
    ]  # fmt: skip
    # A patient attacker: how many guesses fit into a day and a month.
    assert guesses_within(rule, 86_400) == 100
    assert guesses_within(rule, 30 * 86_400) < 130


def guesses_within(rule: DelayRule, seconds: float) -> int:
    """Return how often an attacker may guess who never waits longer than needed."""
    local, now_s, guesses = LocalDelays(rule, 10), 0.0, 0
    while now_s <= seconds:
        attempt = local.take("ana", now_s)
        guesses += attempt.wait_s == 0
        now_s += attempt.wait_s
    return guesses


async def test_each_delay_is_longer_until_the_lock(client: PipelinedRedis) -> None:
    delays = GrowingDelays(client, RULE)
    waits: list[float] = []

    async def is_taken() -> bool:
        attempt = await delays.take("ana")
        if attempt.wait_s > 0:
            waits.append(attempt.wait_s)
        return attempt.wait_s == 0

    for _ in range(6):
        await wait_until(is_taken)
    assert waits
    assert max(waits) <= RULE.max_s
    locked = await delays.take("ana")
    assert locked.failures == 6
    assert 59 < locked.wait_s <= 60
    assert (await delays.take("ben")) == Attempt(1)
    await delays.clear("ana")
    assert (await delays.take("ana")) == Attempt(1)


async def test_concurrent_attempts_do_not_exceed_the_bound(client: PipelinedRedis) -> None:
    delays = GrowingDelays(client, DelayRule(free=3, first_s=60.0))
    attempts = await asyncio.gather(*(delays.take("ana") for _ in range(50)))
    assert sum(attempt.wait_s == 0 for attempt in attempts) == 3


async def test_attempt_without_outcome_is_not_counted(client: PipelinedRedis) -> None:
    delays = GrowingDelays(client, DelayRule(free=3, first_s=60.0))
    for _ in range(10):
        assert (await delays.take("ana")).wait_s == 0
        await delays.cancel("ana")
    assert [await delays.take("ana") for _ in range(3)] == [Attempt(1), Attempt(2), Attempt(3)]


async def test_process_counts_while_redis_is_unavailable(own_server: RedisServer) -> None:
    client = PipelinedRedis(own_server.url, timeout_s=0.2)
    delays = GrowingDelays(client, DelayRule(free=3, first_s=60.0))
    assert await delays.take("ana") == Attempt(1)
    own_server.stop()
    attempts = [await delays.take("ana") for _ in range(10)]
    assert [attempt.wait_s == 0 for attempt in attempts] == [True] * 3 + [False] * 7
    await delays.clear("ana")
    assert await delays.take("ana") == Attempt(1)
    await client.close()


def test_memory_of_a_process_is_bounded() -> None:
    local = LocalDelays(DelayRule(), max_keys=10)
    for number in range(100):
        local.take(f"user {number}", 0.0)
    assert len(local._states) == 10
