"""Tests of the request rate limits, in Redis and in the process."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from server.gateways.redis.pipelined_client import PipelinedRedis
from server.gateways.redis.rate_limits import Limit, LocalRateLimits, RateLimits, RateLimitStatus, statuses
from tools.harness.servers import RedisServer
from tools.harness.waiting import wait_until

SECOND_US = 1_000_000
LOGIN = Limit("login", 5, 60)
READS = Limit("reads", 300, 60)
QUICK = Limit("quick", 2, 0.3)


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[PipelinedRedis]:
    client = PipelinedRedis(redis_url, timeout_s=1.0)
    yield client
    await client.close()


async def count_accepted(rate_limits: RateLimits, limits: list[Limit], subject: str, times: int) -> int:
    """Return how many of several concurrent requests are accepted."""
    answers = await asyncio.gather(*(rate_limits.hit(limits, subject) for _ in range(times)))
    return sum(all(status.wait_s == 0 for status in answer) for answer in answers)


async def test_full_window_is_accepted_at_once(client: PipelinedRedis) -> None:
    rate_limits = RateLimits(client)
    assert await count_accepted(rate_limits, [LOGIN], "ana", 20) == 5
    (refused,) = await rate_limits.hit([LOGIN], "ana")
    assert 10 < refused.wait_s <= 12
    assert refused.remaining == 0
    assert 58 <= refused.reset_s <= 60
    assert await count_accepted(rate_limits, [LOGIN], "ben", 20) == 5


async def test_remaining_requests_are_counted_down(client: PipelinedRedis) -> None:
    rate_limits = RateLimits(client)
    answers = [(await rate_limits.hit([LOGIN], "ana"))[0] for _ in range(5)]
    assert [answer.remaining for answer in answers] == [4, 3, 2, 1, 0]
    assert [answer.reset_s for answer in answers] == [12, 24, 36, 48, 60]


async def test_next_request_is_accepted_after_the_wait(client: PipelinedRedis) -> None:
    rate_limits = RateLimits(client)
    assert await count_accepted(rate_limits, [QUICK], "ana", 5) == 2
    (refused,) = await rate_limits.hit([QUICK], "ana")
    began = time.monotonic()

    async def passes() -> bool:
        return (await rate_limits.hit([QUICK], "ana"))[0].wait_s == 0

    await wait_until(passes)
    assert time.monotonic() - began >= refused.wait_s - 0.02


async def test_refused_request_counts_against_no_limit(client: PipelinedRedis) -> None:
    rate_limits = RateLimits(client)
    assert await count_accepted(rate_limits, [LOGIN], "ana", 5) == 5
    for limits in ([LOGIN, READS], [READS, LOGIN]):
        assert await count_accepted(rate_limits, limits, "ana", 50) == 0
    (reads,) = await rate_limits.hit([READS], "ana")
    assert reads.remaining == 299


async def test_processes_share_a_limit(client: PipelinedRedis, redis_url: str) -> None:
    other = PipelinedRedis(redis_url, timeout_s=1.0)
    counts = await asyncio.gather(
        count_accepted(RateLimits(client), [LOGIN], "ana", 20),
        count_accepted(RateLimits(other), [LOGIN], "ana", 20),
    )
    assert sum(counts) == 5
    await other.close()


async def test_limit_is_local_during_a_redis_outage(
    own_server: RedisServer,
) -> None:
    client = PipelinedRedis(own_server.url, timeout_s=1.0)
    rate_limits = RateLimits(client)
    assert await count_accepted(rate_limits, [LOGIN], "ana", 3) == 3
    own_server.kill()
    assert await count_accepted(rate_limits, [LOGIN], "ana", 20) == 5
    assert await count_accepted(rate_limits, [LOGIN], "ana", 20) == 0

    own_server.start()
    plain = own_server.client()

    async def counts_in_redis() -> bool:
        await rate_limits.hit([READS], "ben")
        return bool(plain.keys("throttle:*"))

    await wait_until(counts_in_redis)
    plain.close()
    await client.close()


async def test_read_only_redis_counts_as_unavailable(own_server: RedisServer) -> None:
    client = PipelinedRedis(own_server.url, timeout_s=1.0)
    with own_server.client() as plain:
        plain.config_set("maxmemory", 1)
    assert await count_accepted(RateLimits(client), [LOGIN], "ana", 20) == 5
    await client.close()


async def test_hanging_redis_delays_one_request_per_second(own_server: RedisServer) -> None:
    client = PipelinedRedis(own_server.url, timeout_s=0.3)
    rate_limits = RateLimits(client)
    await rate_limits.hit([READS], "ana")
    own_server.pause()
    await rate_limits.hit([READS], "ana")
    began, slow = time.monotonic(), 0
    while time.monotonic() - began < 1.5:
        asked = time.monotonic()
        await asyncio.gather(*(rate_limits.hit([READS], "ana") for _ in range(5)))
        slow += time.monotonic() - asked > 0.1
        await asyncio.sleep(0.005)
    assert slow <= 2
    own_server.resume()
    await client.close()


def hits(memory: LocalRateLimits, limit: Limit, times_s: list[float]) -> list[RateLimitStatus]:
    return [statuses([limit], memory.hit([limit], "ana", round(at_s * SECOND_US)))[0] for at_s in times_s]


def test_local_limit_has_no_window_boundary() -> None:
    memory = LocalRateLimits(100)
    late = hits(memory, LOGIN, [1000 + 59.0 + n / 100 for n in range(5)])
    assert all(status.wait_s == 0 for status in late)
    early = hits(memory, LOGIN, [1000 + 60.1 + n / 100 for n in range(5)])
    assert all(status.wait_s > 0 for status in early)
    evenly = hits(memory, LOGIN, [1000 + 72 + 12 * n for n in range(20)])
    assert all(status.wait_s == 0 for status in evenly)


def test_local_limits_drop_the_least_recently_used() -> None:
    memory = LocalRateLimits(100)
    for number in range(1000):
        memory.hit([LOGIN], f"address {number}", number)
        memory.hit([LOGIN], "steady", number)
    assert len(memory) == 100
    assert memory.hit([LOGIN], "steady", 1000)[0] > 5 * 12 * SECOND_US
