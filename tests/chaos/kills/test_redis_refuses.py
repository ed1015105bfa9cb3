"""R18: Redis refuses writes under load; every request is answered, nothing is lost, and signed-out devices stay out."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from tests.chaos.conftest import Report
from tests.chaos.environment import FULL, busy, configuration, loudest_second, more, people, rounds
from tests.e2e.conftest import NewProgram, Register
from tests.support.failover import PATIENT, REFUSALS, redis_outages, refusing
from tests.support.program import Person
from tests.support.traffic import assert_complete
from tools.harness.backends import Stack, start_redis
from tools.harness.servers import RedisServer

pytestmark = [pytest.mark.chaos, pytest.mark.usefixtures("migrated_stack")]

KINDS = tuple(REFUSALS) if FULL else ("READONLY",)
MAX_LINES_PER_SECOND = 10


@pytest.fixture
def redis(stack: Stack) -> Iterator[RedisServer]:
    server = start_redis(stack.var_dir / "own-redis", enable_protected_configs="yes")
    yield server
    server.stop()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stack", ["mariadb"], indirect=True)
async def test_redis_that_refuses_writes_loses_nothing(
    stack: Stack, new_program: NewProgram, register: Register, redis: RedisServer, report: Report, kind: str
) -> None:
    config = configuration(stack, PATIENT)
    program = await new_program("--port=0", config=config, REDIS_PORT=str(redis.port)).start()
    traffic = await people(program, register)
    statuses: list[int] = []
    async with busy(traffic):
        with refusing(redis, kind):
            until = time.monotonic() + rounds(3, 60)
            while time.monotonic() < until:
                statuses.append(await signed_out_status(traffic.fans[0]))
                await asyncio.sleep(0.2)
            await more(traffic, 20)
        await more(traffic, 20)
    assert set(statuses) == {401}
    assert traffic.refused == []
    assert traffic.unanswered == []
    await assert_complete(traffic, stack)
    lines, which = loudest_second([program])
    report(
        f"R18 {kind}: {traffic.acknowledged} writes, {len(statuses)} sign-outs, all in effect at once;"
        f" at most {lines} log lines a second: {dict(which)}"
    )
    assert lines <= MAX_LINES_PER_SECOND
    # With allkeys-lru, Redis accepts writes from time to time, until it has evicted everything.
    assert len(redis_outages(program)) <= (2 if "lru" in kind else 1)


async def signed_out_status(person: Person) -> int:
    """Sign in on another device and out again; return how its access token is answered then."""
    device = await person.on_another_device()
    await device.call("GET", "/users/profile")
    assert (await device.call("POST", "/auth/logout", json={"refreshToken": device.refresh_token})).ok
    return (await device.call("GET", "/users/profile")).status
