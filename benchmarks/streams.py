"""What thousands of open streams cost, and how fast all of them are told something; and how fast a like is seen.

The floor is a bare aiohttp application on uvloop that holds as many streams and writes the same bytes to each, out of
memory. BENCH_STREAMS sets how many there are (10,000).
"""

import asyncio
import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Self

from aiohttp import ClientSession
from redis.asyncio import Redis
from rich.console import Console
from rich.table import Table

from benchmarks import live
from benchmarks.place import Place, mariadb_stack, opened
from benchmarks.processes import cpu_s, resident_mb, server
from server import logs
from server.handlers import sse
from server.ids import UserId
from server.models.database import Database
from server.pubsub import channels
from tests.servers import free_port, make_scratch
from tests.stacks import ROOT, Stack
from tests.tokens import access_tokens

STREAMS = int(os.environ.get("BENCH_STREAMS", "10000"))
IDLE_S = 60.0
ROUNDS = 5
SIGNALS_A_CALL = 1000
ARRIVED_WITHIN_S = 60.0

FLOOR = """
import asyncio, sys, uvloop
from aiohttp import web
told, body = asyncio.Event(), b""
async def stream(request):
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    await response.write(b": connected\\n\\n")
    while True:
        try:
            async with asyncio.timeout(15):
                await told.wait()
            await response.write(body)
        except TimeoutError:
            await response.write(b": heartbeat\\n\\n")
async def tell(request):
    global told, body
    body = await request.read()
    telling, told = told, asyncio.Event()
    telling.set()
    return web.Response()
app = web.Application()
app.add_routes([web.get("/stream", stream), web.post("/tell", tell)])
ready = lambda *_: print('"message":"ready"', flush=True)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=ready, backlog=1024,
            shutdown_timeout=1, loop=uvloop.new_event_loop())
"""


async def measure(console: Console) -> None:
    """Prints two tables of ratios; the first on MariaDB and Redis alone, if they are installed."""
    logs.configure("error", "console")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # the servers inherit it
    scratch = make_scratch()
    with mariadb_stack(scratch) as stack:
        if stack is None:
            console.print("Streams are measured on MariaDB and Redis, which are not installed here.")
        else:
            async with opened(stack) as (database, redis):
                with console.status(f"{STREAMS} streams"):
                    await _many(console, stack, database, redis, scratch)
    await live.measure(console)


class Listeners:
    """As many clients as there are tokens in a file, in a process of their own."""

    def __init__(self, process: asyncio.subprocess.Process, opened_s: float) -> None:
        self._process = process
        self.opened_s = opened_s

    @classmethod
    async def open(cls, port: int, path: str, tokens: Path) -> Self:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "benchmarks.listeners", str(port), str(tokens), f"--path={path}", cwd=ROOT,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 24,
        )  # fmt: skip
        assert process.stdout is not None
        said = await process.stdout.readline()
        return cls(process, json.loads(said)["open"])

    async def latencies(self, tell: Callable[[], Awaitable[object]]) -> list[float]:
        """Seconds from when `tell` begins until the event is at each of them, the shortest first."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"\n")
        await self._process.stdout.readline()  # they are on the watch
        began = time.monotonic()
        await tell()
        async with asyncio.timeout(ARRIVED_WITHIN_S):
            arrived = json.loads(await self._process.stdout.readline())
        return sorted(at - began for at in arrived)

    async def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()


@dataclass(slots=True)
class Host:
    """A server process with all streams open, and what it took; memory in MB, CPU as a share of a core."""

    pid: int
    listeners: Listeners
    empty_mb: float
    opened_mb: float
    most_mb: float = 0.0
    idle_cpu: float = 0.0
    p50_s: list[float] = field(default_factory=list[float])
    p99_s: list[float] = field(default_factory=list[float])
    cpu_s: list[float] = field(default_factory=list[float])

    @classmethod
    async def open(cls, pid: int, port: int, path: str, tokens: Path) -> Self:
        empty_mb = resident_mb(pid)
        listeners = await Listeners.open(port, path, tokens)
        return cls(pid, listeners, empty_mb, resident_mb(pid))

    async def deliver(self, tell: Callable[[], Awaitable[object]]) -> None:
        """Have one event sent to every stream."""
        before = cpu_s(self.pid)
        latencies = await self.listeners.latencies(tell)
        self.cpu_s.append(cpu_s(self.pid) - before)
        self.p50_s.append(latencies[len(latencies) // 2])
        self.p99_s.append(latencies[len(latencies) * 99 // 100])
        self.most_mb = max(self.most_mb, resident_mb(self.pid))


async def _many(console: Console, stack: Stack, database: Database, redis: Redis, scratch: Path) -> None:
    place, tokens = Place(database), scratch / "tokens"
    people = await place.people(STREAMS)
    posts = await place.posts(people, 1000)
    sessions = await place.sessions(people)
    tokens.write_text("\n".join(access_tokens(stack, zip(people, sessions, strict=True))))
    environ = {**os.environ, **stack.environ, "LOG_FORMAT": "json", "THROTTLE_ENABLED": "true"}
    command, floor_port = [sys.executable, "run.py", "--role=api", "--port=0"], free_port()
    floor_command = [sys.executable, "-c", FLOOR, str(floor_port)]
    with server(command, environ) as (pid, ready), server(floor_command, dict(os.environ)) as (floor_pid, _):
        url = json.loads(ready)["listening"]
        ours = await Host.open(pid, int(url.rpartition(":")[2]), "/notifications/stream", tokens)
        bare = await Host.open(floor_pid, floor_port, "/stream", tokens)
        await _idle([ours, bare])
        async with ClientSession() as session:
            for sequence in range(1, ROUNDS + 1):
                await place.notifications(people, posts, sequence)
                await ours.deliver(partial(_signal, redis, people, sequence))
                body = await _newest_event(session, url, tokens.read_text().partition("\n")[0])
                await bare.deliver(partial(_post, session, f"http://127.0.0.1:{floor_port}/tell", body))
        for host in (ours, bare):
            await host.listeners.close()
    _print(console, ours, bare)


async def _idle(hosts: Sequence[Host]) -> None:
    """Measure what the heartbeats of all streams cost."""
    before, began = [cpu_s(host.pid) for host in hosts], time.monotonic()
    await asyncio.sleep(IDLE_S)
    for host, used_s in zip(hosts, before, strict=True):
        host.idle_cpu = (cpu_s(host.pid) - used_s) / (time.monotonic() - began)


async def _signal(redis: Redis, people: Sequence[UserId], sequence: int) -> None:
    """What the jobs of so many notifications publish after their commits, all at once."""
    for start in range(0, len(people), SIGNALS_A_CALL):
        async with redis.pipeline(transaction=False) as pipeline:
            for one in people[start : start + SIGNALS_A_CALL]:
                pipeline.publish(channels.inbox(one), str(sequence))
            await pipeline.execute()


async def _newest_event(session: ClientSession, url: str, token: str) -> bytes:
    """The event that somebody got last, as it was on the wire."""
    headers = {"Authorization": f"Bearer {token}"}
    async with session.get(f"{url}/notifications?limit=1", headers=headers) as answer:
        (newest,) = (await answer.json())["items"]
    return sse.event(1, newest["type"], json.dumps(newest, separators=(",", ":")).encode())


async def _post(session: ClientSession, url: str, body: bytes) -> None:
    async with session.post(url, data=body) as answer:
        await answer.read()


def _print(console: Console, ours: Host, bare: Host) -> None:
    table = Table(
        "MariaDB + Redis, one process of role api", "ours", "bare aiohttp", "bare = 1",
        title=f"{STREAMS} streams; {ROUNDS} events to every one of them",
    )  # fmt: skip
    figures: list[tuple[str, Callable[[Host], float], str]] = [
        ("opened within", lambda host: host.listeners.opened_s, "{:.1f} s"),
        ("resident, all open", lambda host: host.opened_mb, "{:.0f} MB"),
        ("resident, at most, between events", lambda host: host.most_mb, "{:.0f} MB"),
        ("of that for a stream", lambda host: (host.most_mb - host.empty_mb) * 1024 / STREAMS, "{:.1f} KiB"),
        (f"CPU, idle for {IDLE_S:g} s, of a core", lambda host: host.idle_cpu * 100, "{:.1f} %"),
        ("an event to all: median client", lambda host: statistics.median(host.p50_s), "{:.2f} s"),
        ("an event to all: 99 of 100 clients", lambda host: statistics.median(host.p99_s), "{:.2f} s"),
        ("the same, worst of the events", lambda host: max(host.p99_s), "{:.2f} s"),
        ("CPU for an event to all", lambda host: statistics.median(host.cpu_s), "{:.2f} s"),
    ]
    for label, figure, form in figures:
        one, other = figure(ours), figure(bare)
        table.add_row(label, form.format(one), form.format(other), f"{one / other:.1f}")
    console.print(table)
