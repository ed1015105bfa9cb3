"""The rate limit that processes share, on a real server."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from server.errors import Unavailable
from server.gateways.redis.client import redis_client
from server.gateways.redis.job_rate import JobRateLimiter
from tests.support.servers import RedisServer


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with redis_client(redis_url, 5.0) as client:
        yield client


async def reserve(limiter: JobRateLimiter, permits: int) -> list[float]:
    return [await limiter.reserve() for _ in range(permits)]


@pytest.mark.parametrize(("rate", "burst"), [(100.0, 5), (50.0, 2), (3.0, 1)])
async def test_processes_share_one_rate(redis: Redis, redis_url: str, rate: float, burst: int) -> None:
    clients = [redis_client(redis_url, 5.0) for _ in range(4)]
    limiters = [JobRateLimiter(client, "queue:feed", rate) for client in clients]
    began = time.monotonic()
    waits = await asyncio.gather(*(reserve(limiter, 100) for limiter in limiters))
    took_s = time.monotonic() - began
    for client in clients:
        await client.aclose()
    # The 400th permit is due when the rate says so, however fast it was asked for.
    furthest = max(wait for each in waits for wait in each)
    assert (400 - burst) / rate - took_s - 0.01 <= furthest <= (400 - burst) / rate + 0.01


async def test_the_first_permit_is_for_now_and_the_second_is_not(redis: Redis) -> None:
    limiter = JobRateLimiter(redis, "queue:feed", 1.0)
    assert await limiter.reserve() == 0.0
    assert 0.0 < await limiter.reserve() <= 1.0


async def test_queues_have_rates_of_their_own(redis: Redis) -> None:
    feed, notifications = (
        JobRateLimiter(redis, "queue:feed", 1),
        JobRateLimiter(redis, "queue:notifications", 1),
    )
    assert await feed.reserve() == 0.0
    assert await notifications.reserve() == 0.0


async def test_a_permit_that_was_not_needed_is_somebody_elses(redis: Redis) -> None:
    limiter = JobRateLimiter(redis, "queue:feed", 0.1)
    await reserve(limiter, 2)
    await limiter.give_back()
    assert 0.0 < await limiter.reserve() <= 10.0


async def test_nothing_is_given_back_to_a_limit_that_nobody_uses(redis: Redis) -> None:
    await JobRateLimiter(redis, "queue:feed", 1).give_back()
    assert await redis.keys() == []


async def test_it_leaves_no_key_for_ever(redis: Redis) -> None:
    limiter = JobRateLimiter(redis, "queue:feed", 10)
    await reserve(limiter, 50)
    await limiter.give_back()
    assert await redis.pttl("rate:queue:feed") > 0


async def test_it_works_on_after_the_server_has_forgotten_everything(redis: Redis) -> None:
    limiter = JobRateLimiter(redis, "queue:feed", 0.1)
    await reserve(limiter, 3)
    await redis.flushall()
    await redis.script_flush()
    assert await limiter.reserve() == 0.0


async def test_it_says_that_the_server_is_away(redis_server: RedisServer) -> None:
    async with redis_client(f"unix://{redis_server.folder}/nobody.sock", 1.0) as nobody:
        with pytest.raises(Unavailable) as raised:
            await JobRateLimiter(nobody, "queue:feed", 1).reserve()
    assert raised.value.code == "unavailable"
