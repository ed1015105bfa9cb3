"""Tests of the job start rate on a real Redis server."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from server.gateways.redis.client import redis_client
from server.gateways.redis.job_rate import JobRateLimiter
from server.gateways.redis.pipelined_client import PipelinedRedis
from tools.harness.servers import RedisServer


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[PipelinedRedis]:
    client = PipelinedRedis(redis_url, timeout_s=5.0)
    yield client
    await client.close()


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with redis_client(redis_url, 5.0) as client:
        yield client


async def reserve(limiter: JobRateLimiter, permits: int) -> list[float]:
    return [await limiter.reserve() for _ in range(permits)]


@pytest.mark.parametrize(("rate", "burst"), [(100.0, 5), (50.0, 2), (3.0, 1)])
async def test_processes_share_one_rate(redis_url: str, rate: float, burst: int) -> None:
    clients = [PipelinedRedis(redis_url, 5.0) for _ in range(4)]
    limiters = [JobRateLimiter(client, "queue:feed", rate) for client in clients]
    began = time.monotonic()
    waits = await asyncio.gather(*(reserve(limiter, 100) for limiter in limiters))
    took_s = time.monotonic() - began
    for client in clients:
        await client.close()
    # The 400th permit is due when the rate says so, however fast it was asked for.
    furthest = max(wait for each in waits for wait in each)
    assert (400 - burst) / rate - took_s - 0.01 <= furthest <= (400 - burst) / rate + 0.01


async def test_second_permit_has_to_wait(client: PipelinedRedis) -> None:
    limiter = JobRateLimiter(client, "queue:feed", 1.0)
    assert await limiter.reserve() == 0.0
    assert 0.0 < await limiter.reserve() <= 1.0


async def test_queues_have_separate_rates(client: PipelinedRedis) -> None:
    feed, notifications = (
        JobRateLimiter(client, "queue:feed", 1),
        JobRateLimiter(client, "queue:notifications", 1),
    )
    assert await feed.reserve() == 0.0
    assert await notifications.reserve() == 0.0


async def test_returned_permit_can_be_reserved_again(client: PipelinedRedis) -> None:
    limiter = JobRateLimiter(client, "queue:feed", 0.1)
    await reserve(limiter, 2)
    await limiter.refund()
    assert 0.0 < await limiter.reserve() <= 10.0


async def test_returning_to_an_unused_limit_does_nothing(redis: Redis, client: PipelinedRedis) -> None:
    await JobRateLimiter(client, "queue:feed", 1).refund()
    assert await redis.keys() == []


async def test_key_expires(redis: Redis, client: PipelinedRedis) -> None:
    limiter = JobRateLimiter(client, "queue:feed", 10)
    await reserve(limiter, 50)
    await limiter.refund()
    assert await redis.pttl("rate:queue:feed") > 0


async def test_limiter_survives_a_flush(redis: Redis, client: PipelinedRedis) -> None:
    limiter = JobRateLimiter(client, "queue:feed", 0.1)
    await reserve(limiter, 3)
    await redis.flushall()
    await redis.script_flush()
    assert await limiter.reserve() == 0.0


async def test_rate_is_limited_per_process_without_redis(redis_server: RedisServer) -> None:
    client = PipelinedRedis(f"unix://{redis_server.folder}/nobody.sock", 1.0)
    limiter = JobRateLimiter(client, "queue:feed", 1)
    waits = [await limiter.reserve() for _ in range(3)]
    assert waits == pytest.approx([0.0, 1.0, 2.0], abs=0.1)
    await limiter.refund()
    assert await limiter.reserve() == pytest.approx(2.0, abs=0.1)
    await client.close()
