"""Redis is restarted, killed and emptied under load: posts go on, and nothing that depends on Redis is lost."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.chaos.conftest import Report
from tests.chaos.scene import busy, configuration, loudest_second, more, people, redis_of, rounds
from tests.e2e.conftest import NewProgram, Register
from tests.support.backends import Stack, start_redis
from tests.support.program import Answer, Person
from tests.support.servers import RedisServer
from tests.support.traffic import Traffic, assert_complete
from tests.support.valkey_processes import servers
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.chaos, pytest.mark.usefixtures("migrated_stack")]

Trouble = Callable[[], Coroutine[Any, Any, None]]

AWAY_S = 1.0
CAUGHT_UP_WITHIN_S = 30.0
MAX_LINES_A_SECOND = 10


class OutsideRedis:
    """A Redis that somebody starts again a moment after it went. It keeps nothing on disk unless told to."""

    def __init__(self, server: RedisServer) -> None:
        self.server = server

    @property
    def troubles(self) -> list[Trouble]:
        return [self.restarted, self.killed, self.flushed, self.set_back]

    async def restarted(self) -> None:
        self.server.stop()
        await asyncio.sleep(AWAY_S)
        self.server.start()

    async def killed(self) -> None:
        self.server.kill()
        await asyncio.sleep(AWAY_S)
        self.server.start()

    async def flushed(self) -> None:
        self.server.flush()

    async def set_back(self) -> None:
        """Killed, it comes back with what it held a while ago, as one that saves now and then does."""
        with self.server.client() as client:
            client.save()
        await asyncio.sleep(AWAY_S)
        await self.killed()
        (self.server.folder / "dump.rdb").unlink()


class EmbeddedRedis:
    """The program's own, which the program starts again."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    @property
    def troubles(self) -> list[Trouble]:
        """It cannot be set back: it keeps every write on disk."""
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
def redis(stack: Stack) -> Iterator[EmbeddedRedis | OutsideRedis]:
    """The Redis to break; outside it is one of the test's own."""
    if stack.name == "embedded":
        yield EmbeddedRedis(stack)
        return
    server = start_redis(stack.var_dir / "own-redis")
    yield OutsideRedis(server)
    server.stop()


async def test_posts_go_on_without_redis_and_everything_is_caught_up(
    stack: Stack,
    new_program: NewProgram,
    register: Register,
    redis: EmbeddedRedis | OutsideRedis,
    report: Report,
) -> None:
    elsewhere = {"REDIS_PORT": str(redis.server.port)} if isinstance(redis, OutsideRedis) else {}
    program = await new_program("--port=0", config=configuration(stack), **elsewhere).start()
    for trouble in redis.troubles:
        slowest_s, acknowledged, reads = 0.0, 0, 0
        for turn in range(rounds(1, 10)):
            traffic = await people(program, register, prefix=f"{trouble.__name__}{turn}_")
            async with reading(traffic) as answers, busy(traffic):
                await trouble()
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
            f"R3 {stack.name}, Redis {trouble.__name__} {rounds(1, 10)} times: {acknowledged} writes and {reads} reads,"
            f" all 2xx, 0 lost, complete within {slowest_s:.1f} s"
        )
    lines, which = loudest_second([program])
    report(f"R3 {stack.name}: at most {lines} log lines a second: {dict(which)}")
    assert lines <= MAX_LINES_A_SECOND
    assert program.err == ""


@asynccontextmanager
async def reading(traffic: Traffic) -> AsyncIterator[list[Answer]]:
    """Somebody reads a feed, posts and comments during the block; the answers."""
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
