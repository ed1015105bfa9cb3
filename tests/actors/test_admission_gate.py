"""The admission gate, with a real rate limiter."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from server.actors.admission_gate import AdmissionGate
from server.gateways.redis.client import redis_client
from server.gateways.redis.job_rate import JobRateLimiter
from server.gateways.redis.pipelined_client import PipelinedRedis
from server.outages import CircuitBreaker
from tests.support.sse_reader import open_circuit
from tools.harness.waiting import wait_until

DEADLINE_S = 10.0


class FakeStates:
    """States that a test sets, with the checks that the gate made."""

    def __init__(self) -> None:
        self.paused = False
        self.pause_checks = 0
        self.readiness_checks: list[int] = []
        self.finished: set[int] = set()

    async def is_paused(self, _: str) -> bool:
        self.pause_checks += 1
        return self.paused

    async def is_ready(self, job_id: int) -> bool:
        self.readiness_checks.append(job_id)
        return job_id not in self.finished


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with redis_client(redis_url, 5.0) as client:
        yield client


@pytest.fixture
async def wire(redis_url: str) -> AsyncIterator[PipelinedRedis]:
    wire = PipelinedRedis(redis_url, timeout_s=5.0)
    yield wire
    await wire.close()


@pytest.fixture
def states() -> FakeStates:
    return FakeStates()


async def test_gate_without_limit_admits_every_job(states: FakeStates) -> None:
    gate = AdmissionGate("feed", states, None)
    assert await gate.acquire(1)
    await gate.refund()


async def test_paused_queue_admits_no_job_and_uses_no_permit(
    redis: Redis, wire: PipelinedRedis, states: FakeStates
) -> None:
    states.paused = True
    assert not await AdmissionGate("feed", states, JobRateLimiter(wire, "queue:feed", 1)).acquire(1)
    assert await redis.keys() == []


async def test_open_circuit_admits_no_job_and_uses_no_permit(
    redis: Redis, wire: PipelinedRedis, states: FakeStates
) -> None:
    circuit = open_circuit("smtp")
    gate = AdmissionGate("email", states, JobRateLimiter(wire, "queue:email", 100), circuit=circuit)
    assert await gate.acquire(1)  # in its turn, half a second later
    spent = await redis.get("rate:queue:email")
    assert not await gate.acquire(2)
    assert await redis.get("rate:queue:email") in (spent, None)  # it is forgotten after a second
    waiting = asyncio.create_task(gate.acquire(2))
    gate.release(1)
    assert await waiting
    waiting = asyncio.create_task(gate.acquire(3))
    circuit.succeeded()
    assert await waiting


async def test_circuit_that_opens_during_the_wait_refunds_the_permit(
    wire: PipelinedRedis, states: FakeStates
) -> None:
    circuit = CircuitBreaker("smtp")
    limiter = JobRateLimiter(wire, "queue:email", 0.5)  # two seconds; job 9 gets the probe earlier
    gate = AdmissionGate("email", states, limiter, circuit=circuit)
    assert await gate.acquire(1)
    entering = asyncio.create_task(gate.acquire(2))
    await wait_until(lambda: states.readiness_checks == [2])
    for message in ("one", "two", "three"):
        circuit.failed("no answer", message)
    await wait_until(lambda: circuit.acquire(9))
    assert not await entering
    assert await limiter.reserve() <= 2


async def test_closing_ends_the_wait_for_a_probe(states: FakeStates) -> None:
    circuit = open_circuit("smtp")
    gate = AdmissionGate("email", states, None, circuit=circuit)
    entering = asyncio.create_task(gate.acquire(1))
    await asyncio.sleep(0)
    gate.close()
    assert not await entering


async def test_pause_during_the_wait_refunds_the_permit(wire: PipelinedRedis, states: FakeStates) -> None:
    limiter = JobRateLimiter(wire, "queue:feed", 20)
    gate = AdmissionGate("feed", states, limiter)
    assert await gate.acquire(1)
    entering = asyncio.create_task(gate.acquire(1))
    await wait_until(lambda: states.readiness_checks == [1])
    states.paused = True
    assert not await entering
    assert await limiter.reserve() <= 0.05


async def test_finished_job_refunds_its_permit(wire: PipelinedRedis, states: FakeStates) -> None:
    limiter = JobRateLimiter(wire, "queue:feed", 0.001)
    gate = AdmissionGate("feed", states, limiter)
    assert await gate.acquire(7)
    states.finished.add(8)
    async with asyncio.timeout(DEADLINE_S):
        assert not await gate.acquire(8)
    assert states.readiness_checks == [8]  # no check without a need to wait
    assert await limiter.reserve() <= 1000.0


async def test_closed_gate_ends_every_wait(wire: PipelinedRedis, states: FakeStates) -> None:
    gate = AdmissionGate("feed", states, JobRateLimiter(wire, "queue:feed", 0.001))
    assert await gate.acquire(1)
    entering = [asyncio.create_task(gate.acquire(1)) for _ in range(3)]
    await wait_until(lambda: len(states.readiness_checks) == 3)
    gate.close()
    async with asyncio.timeout(DEADLINE_S):
        assert not any(await asyncio.gather(*entering))
    assert not await gate.acquire(1)


async def test_gate_admits_at_the_process_rate_without_redis(scratch: Path, states: FakeStates) -> None:
    wire = PipelinedRedis(f"unix://{scratch}/nobody.sock", timeout_s=1.0)
    gate = AdmissionGate("feed", states, JobRateLimiter(wire, "queue:feed", 5))
    began = time.monotonic()
    assert [await gate.acquire(job_id) for job_id in range(4)] == [True] * 4
    assert time.monotonic() - began > 0.55
    await wire.close()
