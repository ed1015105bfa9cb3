"""R3: Redis is restarted, killed and flushed under load; reads and writes succeed, nothing is lost."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.chaos.conftest import Report
from tests.chaos.environment import busy, configuration, loudest_second, more, people, redis_of, rounds
from tests.e2e.conftest import NewProgram, Register
from tests.support.program import Answer, Person
from tests.support.traffic import Traffic, assert_complete
from tests.support.valkey_processes import servers
from tools.harness.backends import Stack, start_redis
from tools.harness.servers import RedisServer
from tools.harness.waiting import wait_until

pytestmark = [pytest.mark.chaos, pytest.mark.usefixtures("migrated_stack")]

Fault = Callable[[], Coroutine[Any, Any, None]]

DOWN_S = 1.0
CAUGHT_UP_WITHIN_S = 30.0
MAX_LINES_PER_SECOND = 10


class ExternalRedis:
    """An external Redis that is started again shortly after it stops, without its data."""

    def __init__(self, server: RedisServer) -> None:
        self.server = server

    @property
    def faults(self) -> list[Fault]:
        return [self.restarted, self.killed, self.flushed, self.restored_snapshot]

    async def restarted(self) -> None:
        self.server.stop()
        await asyncio.sleep(DOWN_S)
        self.server.start()

    async def killed(self) -> None:
        self.server.kill()
        await asyncio.sleep(DOWN_S)
        self.server.start()

    async def flushed(self) -> None:
        self.server.flush()

    async def restored_snapshot(self) -> None:
        """Kill it and restore an older snapshot, like a Redis that saves periodically."""
        with self.server.client() as client:
            client.save()
        await asyncio.sleep(DOWN_S)
        await self.killed()
        (self.server.folder / "dump.rdb").unlink()


class EmbeddedRedis:
    """The embedded Redis, which the program restarts."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    @property
    def faults(self) -> list[Fault]:
        """Return the faults; it has no older snapshot because it keeps every write on disk."""
        return [self.restarted, self.killed, self.flushed]

    async def restarted(self) -> None:
        await self._end(signal.SIGTERM)

    async def killed(self) -> None:
        await self._end(signal.SIGKILL)

    async def flushed(self) -> None:
        with redis_of(self._stack) as redis:
            redis.flushall()

    async def _end(self, number: signal.Signals) -> None:
        folder = self._stack.var_dir / "redis"
        (pid,) = servers(folder)
        os.kill(pid, number)

        async def another() -> bool:
            return bool(set(servers(folder)) - {pid})

        await wait_until(another)


@pytest.fixture
def redis(stack: Stack) -> Iterator[EmbeddedRedis | ExternalRedis]:
    """The Redis to break; an external one is private to the test."""
    if stack.name == "embedded":
        yield EmbeddedRedis(stack)
        return
    server = start_redis(stack.var_dir / "own-redis")
    yield ExternalRedis(server)
    server.stop()


async def test_posts_continue_without_redis_and_feeds_catch_up(
    stack: Stack,
    new_program: NewProgram,
    register: Register,
    redis: EmbeddedRedis | ExternalRedis,
    report: Report,
) -> None:
    elsewhere = {"REDIS_PORT": str(redis.server.port)} if isinstance(redis, ExternalRedis) else {}
    program = await new_program("--port=0", config=configuration(stack), **elsewhere).start()
    for fault in redis.faults:
        slowest_s, acknowledged, reads = 0.0, 0, 0
        for turn in range(rounds(1, 10)):
            traffic = await people(program, register, prefix=f"{fault.__name__}{turn}_")
            async with reading(traffic) as answers, busy(traffic):
                await fault()
                await more(traffic, 50)
            healed = time.monotonic()
            assert [answer for answer in answers if not answer.ok] == []
            assert traffic.refused == []
            assert traffic.unanswered == []
            await assert_complete(traffic, stack)
            slowest_s = max(slowest_s, time.monotonic() - healed)
            acknowledged, reads = acknowledged + traffic.acknowledged, reads + len(answers)
        assert slowest_s < CAUGHT_UP_WITHIN_S
        report(
            f"R3 {stack.name}, Redis {fault.__name__} {rounds(1, 10)} times: {acknowledged} writes and {reads} reads,"
            f" all 2xx, 0 lost, complete within {slowest_s:.1f} s"
        )
    lines, which = loudest_second([program])
    report(f"R3 {stack.name}: at most {lines} log lines a second: {dict(which)}")
    assert lines <= MAX_LINES_PER_SECOND
    assert program.err == ""


@asynccontextmanager
async def reading(traffic: Traffic) -> AsyncIterator[list[Answer]]:
    """Read feeds, posts and comments during the block, and yield the answers."""
    answers: list[Answer] = []

    async def read(reader: Person) -> None:
        while True:
            answers.append(await reader.call("GET", "/feed"))
            answers.append(await reader.call("GET", f"/users/{traffic.author.id}"))
            for post in traffic.posts[-1:]:
                answers.append(await reader.call("GET", f"/posts/{post}"))
                answers.append(await reader.call("GET", f"/posts/{post}/comments"))
            await asyncio.sleep(0.05)

    readers = [asyncio.create_task(read(fan)) for fan in traffic.fans[:2]]
    try:
        yield answers
    finally:
        for reader in readers:
            reader.cancel()
        done = await asyncio.gather(*readers, return_exceptions=True)
    assert [each for each in done if not isinstance(each, asyncio.CancelledError)] == []
