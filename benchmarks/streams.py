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
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from aiohttp import ClientSession
from redis.asyncio import Redis
from rich.console import Console
from rich.table import Table

from benchmarks import live
from benchmarks.hosts import Host
from benchmarks.place import Place, mariadb_stack, opened
from benchmarks.processes import cpu_s, server
from server import logs
from server.handlers.http import sse
from server.ids import UserId
from server.models.database import Database
from server.pubsub import channels
from tests.support.access_tokens import access_tokens
from tests.support.backends import Stack
from tests.support.servers import free_port, make_scratch

STREAMS = int(os.environ.get("BENCH_STREAMS", "10000"))
IDLE_S = 60.0
ROUNDS = 5
SIGNALS_PER_CALL = 1000

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
                commit = partial(place.notifications, people, posts, sequence)
                await ours.deliver(commit, partial(_signal, redis, people, sequence))
                body = await _newest_event(session, url, tokens.read_text().partition("\n")[0])
                tell = partial(_post, session, f"http://127.0.0.1:{floor_port}/tell", body)
                await bare.deliver(_nothing, tell)
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
    for start in range(0, len(people), SIGNALS_PER_CALL):
        async with redis.pipeline(transaction=False) as pipeline:
            for one in people[start : start + SIGNALS_PER_CALL]:
                pipeline.publish(channels.inbox(one), str(sequence))
            await pipeline.execute()


async def _nothing() -> None:
    """The floor keeps nothing."""


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
        table.add_row(label, form.format(one), form.format(other), f"{one / other:.1f}" if other else "")
    console.print(table)
