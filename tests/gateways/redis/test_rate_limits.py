"""Rate limits: as many at once as a window holds, then evenly; shared by all processes; kept without Redis, too."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from server.gateways.redis.pipelined_client import PipelinedRedis
from server.gateways.redis.rate_limits import Limit, LocalRateLimits, RateLimits, RateLimitStatus, statuses
from tests.support.servers import RedisServer
from tests.support.waiting import wait_until

SECOND_US = 1_000_000
LOGIN = Limit("login", 5, 60)
READS = Limit("reads", 300, 60)
QUICK = Limit("quick", 2, 0.3)


@pytest.fixture
async def wire(redis_url: str) -> AsyncIterator[PipelinedRedis]:
    wire = PipelinedRedis(redis_url, timeout_s=1.0)
    yield wire
    await wire.close()


async def passed(throttle: RateLimits, limits: list[Limit], who: str, times: int) -> int:
    """How many of so many requests, all at once, are let through."""
    answers = await asyncio.gather(*(throttle.hit(limits, who) for _ in range(times)))
    return sum(all(standing.wait_s == 0 for standing in answer) for answer in answers)


async def test_a_window_passes_at_once_and_no_more(wire: PipelinedRedis) -> None:
    throttle = RateLimits(wire)
    assert await passed(throttle, [LOGIN], "ana", 20) == 5
    (refused,) = await throttle.hit([LOGIN], "ana")
    assert 10 < refused.wait_s <= 12
    assert refused.remaining == 0
    assert 58 <= refused.reset_s <= 60
    assert await passed(throttle, [LOGIN], "ben", 20) == 5


async def test_what_is_left_is_counted_down(wire: PipelinedRedis) -> None:
    throttle = RateLimits(wire)
    answers = [(await throttle.hit([LOGIN], "ana"))[0] for _ in range(5)]
    assert [answer.remaining for answer in answers] == [4, 3, 2, 1, 0]
    assert [answer.reset_s for answer in answers] == [12, 24, 36, 48, 60]


async def test_one_more_passes_when_its_time_has_come(wire: PipelinedRedis) -> None:
    throttle = RateLimits(wire)
    assert await passed(throttle, [QUICK], "ana", 5) == 2
    (refused,) = await throttle.hit([QUICK], "ana")
    began = time.monotonic()

    async def passes() -> bool:
        return (await throttle.hit([QUICK], "ana"))[0].wait_s == 0

    await wait_until(passes)
    assert time.monotonic() - began >= refused.wait_s - 0.02


async def test_nothing_is_counted_anywhere_when_one_limit_refuses(wire: PipelinedRedis) -> None:
    throttle = RateLimits(wire)
    assert await passed(throttle, [LOGIN], "ana", 5) == 5
    for limits in ([LOGIN, READS], [READS, LOGIN]):
        assert await passed(throttle, limits, "ana", 50) == 0
    (reads,) = await throttle.hit([READS], "ana")
    assert reads.remaining == 299


async def test_processes_share_a_limit(wire: PipelinedRedis, redis_url: str) -> None:
    other = PipelinedRedis(redis_url, timeout_s=1.0)
    counts = await asyncio.gather(
        passed(RateLimits(wire), [LOGIN], "ana", 20), passed(RateLimits(other), [LOGIN], "ana", 20)
    )
    assert sum(counts) == 5
    await other.close()


async def test_without_redis_the_limit_holds_in_the_process_and_goes_back_after(
    own_server: RedisServer,
) -> None:
    wire = PipelinedRedis(own_server.url, timeout_s=1.0)
    throttle = RateLimits(wire)
    assert await passed(throttle, [LOGIN], "ana", 3) == 3
    own_server.kill()
    assert await passed(throttle, [LOGIN], "ana", 20) == 5
    assert await passed(throttle, [LOGIN], "ana", 20) == 0

    own_server.start()
    client = own_server.client()

    async def counts_in_redis() -> bool:
        await throttle.hit([READS], "ben")
        return bool(client.keys("throttle:*"))

    await wait_until(counts_in_redis)
    client.close()
    await wire.close()


async def test_a_redis_that_refuses_to_write_counts_as_away(own_server: RedisServer) -> None:
    wire = PipelinedRedis(own_server.url, timeout_s=1.0)
    with own_server.client() as client:
        client.config_set("maxmemory", 1)
    assert await passed(RateLimits(wire), [LOGIN], "ana", 20) == 5
    await wire.close()


async def test_hanging_redis_delays_one_request_per_second(own_server: RedisServer) -> None:
    wire = PipelinedRedis(own_server.url, timeout_s=0.3)
    throttle = RateLimits(wire)
    await throttle.hit([READS], "ana")
    own_server.pause()
    await throttle.hit([READS], "ana")
    began, slow = time.monotonic(), 0
    while time.monotonic() - began < 1.5:
        asked = time.monotonic()
        await asyncio.gather(*(throttle.hit([READS], "ana") for _ in range(5)))
        slow += time.monotonic() - asked > 0.1
        await asyncio.sleep(0.005)
    assert slow <= 2
    own_server.resume()
    await wire.close()


def hits(memory: LocalRateLimits, limit: Limit, times_s: list[float]) -> list[RateLimitStatus]:
    return [statuses([limit], memory.hit([limit], "ana", round(at_s * SECOND_US)))[0] for at_s in times_s]


def test_in_the_process_there_is_no_seam_between_windows() -> None:
    memory = LocalRateLimits(100)
    late = hits(memory, LOGIN, [1000 + 59.0 + n / 100 for n in range(5)])
    assert all(standing.wait_s == 0 for standing in late)
    early = hits(memory, LOGIN, [1000 + 60.1 + n / 100 for n in range(5)])
    assert all(standing.wait_s > 0 for standing in early)
    evenly = hits(memory, LOGIN, [1000 + 72 + 12 * n for n in range(20)])
    assert all(standing.wait_s == 0 for standing in evenly)


def test_memory_is_bounded_and_forgets_who_was_silent_for_longest() -> None:
    memory = LocalRateLimits(100)
    for number in range(1000):
        memory.hit([LOGIN], f"address {number}", number)
        memory.hit([LOGIN], "steady", number)
    assert len(memory) == 100
    assert memory.hit([LOGIN], "steady", 1000)[0] > 5 * 12 * SECOND_US
