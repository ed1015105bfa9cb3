"""Stream benchmark: cost of thousands of open streams, latency of an event to all of them, and of a like.

The baseline is a bare aiohttp application on uvloop that holds as many streams and writes the same bytes to each from
memory. BENCH_STREAMS is the number of streams (default: 10,000).
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
from benchmarks.dataset import Dataset, mariadb_stack, opened
from benchmarks.hosts import Host
from benchmarks.processes import cpu_s, server
from server import logs
from server.handlers.http import sse
from server.ids import UserId
from server.models.database import Database
from server.pubsub import channels
from tools.harness.access_tokens import access_tokens
from tools.harness.backends import Stack
from tools.harness.servers import free_port, make_scratch

STREAMS = int(os.environ.get("BENCH_STREAMS", "10000"))
IDLE_S = 60.0
ROUNDS = 5
SIGNALS_PER_CALL = 1000

BASELINE = """
import asyncio, sys, uvloop
from aiohttp import web
event, body = asyncio.Event(), b""
async def stream(request):
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    await response.write(b": connected\\n\\n")
    while True:
        current = event
        try:
            async with asyncio.timeout(15):
                await current.wait()
        except TimeoutError:
            pass  # the event may have been set in the same moment
        await response.write(body if current.is_set() else b": heartbeat\\n\\n")
async def send(request):
    global event, body
    body = await request.read()
    previous, event = event, asyncio.Event()
    previous.set()
    return web.Response()
app = web.Application()
app.add_routes([web.get("/stream", stream), web.post("/send", send)])
ready = lambda *_: print('"message":"ready"', flush=True)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=ready, backlog=1024,
            shutdown_timeout=1, loop=uvloop.new_event_loop())
"""


async def measure(console: Console) -> None:
    """Print the tables of this module and of `live`; the first needs MariaDB and Redis."""
    logs.configure("error", "console")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # the servers inherit it
    scratch = make_scratch()
    with mariadb_stack(scratch) as stack:
        if stack is None:
            console.print("The stream benchmark needs MariaDB and Redis, which are not installed.")
        else:
            async with opened(stack) as (database, redis):
                with console.status(f"{STREAMS} streams"):
                    await _many(console, stack, database, redis, scratch)
    await live.measure(console)


async def _many(console: Console, stack: Stack, database: Database, redis: Redis, scratch: Path) -> None:
    dataset, tokens = Dataset(database), scratch / "tokens"
    users = await dataset.users(STREAMS)
    posts = await dataset.posts(users, 1000)
    sessions = await dataset.sessions(users)
    tokens.write_text("\n".join(access_tokens(stack, zip(users, sessions, strict=True))))
    environ = {**os.environ, **stack.environ, "LOG_FORMAT": "json", "THROTTLE_ENABLED": "true"}
    command, baseline_port = [sys.executable, "run.py", "--role=api", "--port=0"], free_port()
    baseline_command = [sys.executable, "-c", BASELINE, str(baseline_port)]
    with (
        server(command, environ) as (pid, ready),
        server(baseline_command, dict(os.environ)) as (baseline_pid, _),
    ):
        url = json.loads(ready)["listening"]
        ours = await Host.open(pid, int(url.rpartition(":")[2]), "/notifications/stream", tokens)
        bare = await Host.open(baseline_pid, baseline_port, "/stream", tokens)
        await _idle([ours, bare])
        async with ClientSession() as session:
            for sequence in range(1, ROUNDS + 1):
                commit = partial(dataset.notifications, users, posts, sequence)
                await ours.deliver(commit, partial(_signal, redis, users, sequence))
                body = await _newest_event(session, url, tokens.read_text().partition("\n")[0])
                send = partial(_post, session, f"http://127.0.0.1:{baseline_port}/send", body)
                await bare.deliver(_nothing, send)
        for host in (ours, bare):
            await host.listeners.close()
    _print(console, ours, bare)


async def _idle(hosts: Sequence[Host]) -> None:
    """Measure the CPU that heartbeats of idle streams use."""
    before, started = [cpu_s(host.pid) for host in hosts], time.monotonic()
    await asyncio.sleep(IDLE_S)
    for host, used_s in zip(hosts, before, strict=True):
        host.idle_cpu = (cpu_s(host.pid) - used_s) / (time.monotonic() - started)


async def _signal(redis: Redis, users: Sequence[UserId], sequence: int) -> None:
    """Publish the signals that the jobs of these notifications publish after their commits."""
    for start in range(0, len(users), SIGNALS_PER_CALL):
        async with redis.pipeline(transaction=False) as pipeline:
            for user in users[start : start + SIGNALS_PER_CALL]:
                pipeline.publish(channels.user_channel(user), str(sequence))
            await pipeline.execute()


async def _nothing() -> None:
    """Commit nothing: the baseline has no database."""


async def _newest_event(session: ClientSession, url: str, token: str) -> bytes:
    """Return the newest event of a user as its bytes on the stream."""
    headers = {"Authorization": f"Bearer {token}"}
    async with session.get(f"{url}/notifications?limit=1", headers=headers) as answer:
        (newest,) = (await answer.json())["items"]
    return sse.event(1, newest["type"], json.dumps(newest, separators=(",", ":")).encode())


async def _post(session: ClientSession, url: str, body: bytes) -> None:
    async with session.post(url, data=body) as answer:
        await answer.read()


def _print(console: Console, ours: Host, bare: Host) -> None:
    table = Table(
        "MariaDB + Redis, one process with --role=api", "photofeed", "bare aiohttp", "bare = 1",
        title=f"{STREAMS} streams, {ROUNDS} events to each",
    )  # fmt: skip
    figures: list[tuple[str, Callable[[Host], float], str]] = [
        ("time to open", lambda host: host.listeners.opened_s, "{:.1f} s"),
        ("resident memory, all open", lambda host: host.opened_mb, "{:.0f} MB"),
        ("resident memory, peak between events", lambda host: host.peak_mb, "{:.0f} MB"),
        (
            "resident memory per stream",
            lambda host: (host.peak_mb - host.empty_mb) * 1024 / STREAMS,
            "{:.1f} KiB",
        ),
        (f"CPU when idle for {IDLE_S:g} s, share of a core", lambda host: host.idle_cpu * 100, "{:.1f} %"),
        ("an event to all: p50", lambda host: statistics.median(host.p50_s), "{:.2f} s"),
        ("an event to all: p99", lambda host: statistics.median(host.p99_s), "{:.2f} s"),
        ("an event to all: p99 of the slowest event", lambda host: max(host.p99_s), "{:.2f} s"),
        ("CPU for an event to all", lambda host: statistics.median(host.cpu_s), "{:.2f} s"),
    ]
    for label, figure, form in figures:
        one, other = figure(ours), figure(bare)
        table.add_row(label, form.format(one), form.format(other), f"{one / other:.1f}" if other else "")
    console.print(table)
