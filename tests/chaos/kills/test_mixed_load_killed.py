"""R29: half an hour of reads, writes, uploads and streams while every part is killed again and again.

Each round has other people and is compared in full at its end. In the second half the API and the worker live
on, and only Redis and the database are killed: what these two hold when a round has ended must not grow.
"""

import asyncio
import itertools
import random
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import ClientError, ClientSession
from prometheus_client.parser import text_string_to_metric_families

from tests.chaos.conftest import Report
from tests.chaos.environment import configuration, more, own_mariadb, people, rounds
from tests.chaos.streams.sse_clients import Listener, Member
from tests.e2e.conftest import NewProgram, Register
from tests.support.program import Person, Program
from tests.support.traffic import Traffic, assert_complete
from tools.harness.backends import Stack, start_redis
from tools.harness.servers import free_port
from tools.harness.waiting import wait_until

Kill = Callable[[], Awaitable[None]]

DURATION_S = rounds(0, 1800)
# Full after a few rounds, so that they do not look like a leak.
SMALL_CACHES = {
    "cached_posts = 20000": "cached_posts = 500",
    "posts_in_memory = 5000": "posts_in_memory = 100",
}
DOWN_S = 0.5
READ_EVERY_S = 0.05
STREAM_LASTS_S = 5.0
AROUND_A_KILL = 15  # writes before and after each
IDLE_WITHIN_S = 30.0
# What a process may hold at the end more than at the begin of the second half.
MORE_FILES, MORE_TASKS = 10, 5
MORE_MEMORY = 1.1

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.timeout(DURATION_S + 300),
    pytest.mark.usefixtures("migrated_stack"),
]


@pytest.fixture
def stack(scratch: Path) -> Iterator[Stack]:
    redis = start_redis(scratch / "killed-redis")
    with own_mariadb(scratch / "long-run", redis) as stack:
        yield stack
    redis.stop()


@dataclass(frozen=True, slots=True)
class Held:
    """The memory, files and tasks of an idle process."""

    memory_mb: float
    files: int
    tasks: int


class Parts:
    """The four parts, which can be killed; each is started again at once."""

    def __init__(self, stack: Stack, api: Program, worker: Program, worker_port: int) -> None:
        self.api, self.worker = api, worker
        self.kills = Counter[str]()
        self._stack = stack
        self._worker_url = f"http://127.0.0.1:{worker_port}"

    @property
    def all(self) -> list[Kill]:
        return [self._kill_api, self._kill_worker, *self.servers]

    @property
    def servers(self) -> list[Kill]:
        return [self._kill_redis, self._kill_database]

    async def held(self, session: ClientSession) -> dict[str, Held]:
        """Return what the API and the worker hold."""
        found: dict[str, Held] = {}
        for name, url in (("API", self.api.url), ("worker", self._worker_url)):
            async with session.get(f"{url}/metrics") as response:
                assert response.status == 200
                text = await response.text()
            figures = {
                sample.name: sample.value
                for family in text_string_to_metric_families(text)
                for sample in family.samples
            }
            found[name] = Held(
                round(figures["process_resident_memory_bytes"] / 1e6, 1),
                int(figures["process_open_fds"]),
                int(figures["photofeed_loop_tasks"]),
            )
        return found

    async def _kill_api(self) -> None:
        self.kills["API"] += 1
        await self.api.kill()
        await self.api.start()

    async def _kill_worker(self) -> None:
        self.kills["worker"] += 1
        await self.worker.kill()
        await self.worker.start()

    async def _kill_redis(self) -> None:
        self.kills["Redis"] += 1
        self._stack.redis.kill()
        await asyncio.sleep(DOWN_S)
        await asyncio.to_thread(self._stack.redis.start)

    async def _kill_database(self) -> None:
        self.kills["database"] += 1
        mariadb = self._stack.mariadb
        assert mariadb is not None
        mariadb.kill()
        await asyncio.sleep(DOWN_S)
        await asyncio.to_thread(mariadb.start)


class Round:
    """People who write, read and listen while parts are killed."""

    def __init__(self, traffic: Traffic, session: ClientSession, api: Program) -> None:
        self.traffic = traffic
        self.reads = Counter[int]()
        observer = traffic.observer
        member = Member(observer.id, observer.username, observer.token, "")
        self.listener = Listener(member, api, session, STREAM_LASTS_S)

    @asynccontextmanager
    async def going_on(self) -> AsyncIterator[None]:
        """Run all of them during the block; pending writes end after it."""
        others = [asyncio.create_task(self.listener.run())]
        others += [asyncio.create_task(self._read(fan)) for fan in self.traffic.fans[:2]]
        writing = asyncio.create_task(self.traffic.run(persistently=True))
        try:
            yield
            self.traffic.stop()
            await writing
            self.listener.keep()
            await self._hears_everything()
        finally:
            for each in (writing, *others):
                each.cancel()
            ended = await asyncio.gather(*others, return_exceptions=True)
        assert [each for each in ended if not isinstance(each, asyncio.CancelledError)] == []

    async def _hears_everything(self) -> None:
        """Wait until the observer's stream has sent each mention; assert that it repeated none."""
        observer = self.traffic.observer

        async def complete() -> bool:
            heard = {block.id for block in self.listener.events if block.event == "mention"}
            return len(heard) >= len(self.traffic.comments) and len(heard) == len(
                await observer.notifications()
            )

        await wait_until(complete, IDLE_WITHIN_S)
        ids = [int(block.id) for block in self.listener.events if block.id]
        assert ids == sorted(set(ids))

    async def _read(self, reader: Person) -> None:
        while True:
            for path in (
                "/feed",
                f"/users/{self.traffic.author.id}",
                f"/posts/{self.traffic.posts[-1]}/comments",
            ):
                try:
                    self.reads[(await reader.call("GET", path)).status] += 1
                except (ClientError, OSError):
                    self.reads[0] += 1
            await asyncio.sleep(READ_EVERY_S)


@pytest.mark.parametrize("stack", ["mariadb"], indirect=True)
async def test_random_kills_lose_double_and_leak_nothing(
    stack: Stack, new_program: NewProgram, register: Register, session: ClientSession, report: Report
) -> None:
    config, worker_port = configuration(stack, SMALL_CACHES), free_port()
    api = await new_program("--port=0", "--role=api", config=config).start()
    worker = await new_program("--role=worker", config=config, WORKER_PORT=str(worker_port)).start()
    parts = Parts(stack, api, worker, worker_port)
    totals, reads, held = Counter[str](), Counter[int](), list[dict[str, Held]]()
    began = time.monotonic()
    for turn in itertools.count():
        passed_s = time.monotonic() - began
        if turn and passed_s >= DURATION_S:
            break
        lives_on = bool(turn) and passed_s >= DURATION_S / 2
        kills = parts.servers if lives_on else parts.all
        this = Round(await people(api, register, prefix=f"r{turn}_", fans=3), session, api)
        async with this.going_on():
            for kill in random.sample(kills, len(kills)):
                await more(this.traffic, AROUND_A_KILL, 60.0)
                await kill()
            await more(this.traffic, AROUND_A_KILL, 60.0)
        traffic = this.traffic
        assert {answer.status for answer in traffic.refused} <= {503}, traffic.refused
        assert set(this.reads) <= {200, 503, 0}, this.reads
        await assert_complete(traffic, stack)
        totals.update(acknowledged=traffic.acknowledged, refused=len(traffic.refused), rounds=1)
        totals.update(unanswered=len(traffic.unanswered), streams=this.listener.streams)
        reads += this.reads
        if lives_on:
            held.append(await parts.held(session))
    report(
        f"R29 {time.monotonic() - began:.0f} s, {dict(parts.kills)} kills, {totals['rounds']} rounds:"
        f" {totals['acknowledged']} writes acknowledged, 0 lost, 0 doubled, {totals['refused']} refused with 503,"
        f" {totals['unanswered']} without an answer; reads {dict(reads)}; {totals['streams']} streams, no event lost"
    )
    for name in ("API", "worker") if len(held) >= 8 else ():
        assert_flat(name, [each[name] for each in held], report)


def assert_flat(name: str, held: list[Held], report: Report) -> None:
    """Compare the last quarter with the second one; caches fill in the first."""
    quarter = len(held) // 4
    early, late = held[quarter : 2 * quarter], held[-quarter:]
    report(f"R29 {name}, of {len(held)} rounds without its kill: {held[0]}, {early[0]}, {held[-1]}")
    memory = [statistics.median(each.memory_mb for each in part) for part in (early, late)]
    assert memory[1] <= memory[0] * MORE_MEMORY
    assert min(each.files for each in late) <= min(each.files for each in early) + MORE_FILES
    assert min(each.tasks for each in late) <= min(each.tasks for each in early) + MORE_TASKS
