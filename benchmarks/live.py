"""Live event benchmark: time from a like to its event on the author's stream, one like at a time, on both stacks.

The baselines are the response to the like itself, and a message that a bare aiohttp application receives from Redis
and writes to a stream.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from aiohttp import ClientSession, ClientTimeout, StreamReader
from redis.asyncio import Redis
from rich.console import Console
from rich.table import Table

from benchmarks.dataset import Dataset, embedded_stack, mariadb_stack, opened
from benchmarks.processes import server
from server.ids import UserId
from server.models.database import Database
from tools.harness.backends import Stack
from tools.harness.servers import free_port, make_scratch

LIKES = 300
WARM_UP = 20
INTERVAL_S = 0.04  # the queue creates at most 50 notifications per second

BASELINE = """
import sys, uvloop
from aiohttp import web
from redis.asyncio import Redis
async def stream(request):
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    async with Redis.from_url(sys.argv[2]) as redis, redis.pubsub(ignore_subscribe_messages=True) as messages:
        await messages.subscribe("baseline")
        await response.write(b": connected\\n\\n")
        async for message in messages.listen():
            await response.write(message["data"])
app = web.Application()
app.router.add_get("/notifications/stream", stream)
ready = lambda *_: print('"message":"ready"', flush=True)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=ready, shutdown_timeout=1,
            loop=uvloop.new_event_loop())
"""


async def measure(console: Console) -> None:
    """Print a table of milliseconds for the installed stacks."""
    scratch = make_scratch()
    table = Table(
        "milliseconds, one like at a time", "median", "p99", "baseline = 1",
        title=f"{LIKES} likes on an idle server",
    )  # fmt: skip
    with console.status(f"{LIKES} likes, one at a time"):
        with embedded_stack(scratch) as embedded:
            await _on("SQLite + Valkey", embedded, table)
        with mariadb_stack(scratch) as external:
            if external is not None:
                await _on("MariaDB + Redis", external, table)
    console.print(table)


async def _on(name: str, stack: Stack, table: Table) -> None:
    environ, port = {**os.environ, **stack.environ, "LOG_FORMAT": "json"}, free_port()
    baseline_command = [sys.executable, "-c", BASELINE, str(port), stack.redis.url]
    timeout = ClientTimeout(total=None)
    async with opened(stack) as (database, redis), ClientSession(timeout=timeout) as session:
        with server([sys.executable, "run.py", "--port=0"], environ) as (_, ready):
            seen, answered = await _likes(session, json.loads(ready)["listening"], database)
        with server(baseline_command, dict(os.environ)) as _:
            baseline = await _publications(session, f"http://127.0.0.1:{port}", redis)
    base = _median(baseline)
    for label, took_ms in (
        (f"{name}: from a like to its event", seen),
        ("from a like to its response", answered),
        ("baseline: from Redis to a bare stream", baseline),
    ):
        median, p99 = _median(took_ms), sorted(took_ms)[len(took_ms) * 99 // 100]
        table.add_row(label, f"{median:.1f}", f"{p99:.1f}", f"{median / base:.1f}")
    table.add_section()


async def _likes(session: ClientSession, url: str, database: Database) -> tuple[list[float], list[float]]:
    """Return the milliseconds to the event and to the response of each like."""
    author_id, author_token = await _register(session, url, "author")
    _, fan_token = await _register(session, url, "fan")
    post_ids = iter(await Dataset(database).posts([author_id], LIKES + WARM_UP))
    answered: list[float] = []

    async def like() -> None:
        started = time.perf_counter()
        headers = {"Authorization": f"Bearer {fan_token}"}
        async with session.post(f"{url}/posts/{next(post_ids)}/likes", headers=headers) as answer:
            assert (await answer.json())["liked"]
        answered.append((time.perf_counter() - started) * 1000)

    async with _stream(session, url, author_token) as content:
        return await _events(content, like), answered[WARM_UP:]


async def _publications(session: ClientSession, url: str, redis: Redis) -> list[float]:
    async with _stream(session, url, "") as content:
        return await _events(content, lambda: redis.publish("baseline", b"event: like\ndata: {}\n\n"))


async def _events(content: StreamReader, cause: Callable[[], Awaitable[object]]) -> list[float]:
    """Return the milliseconds from each call of `cause` to the arrival of its event."""
    took_ms: list[float] = []
    for _ in range(LIKES + WARM_UP):
        started = time.perf_counter()
        causing = asyncio.ensure_future(cause())
        while not (await content.readline()).startswith(b"event:"):
            pass
        took_ms.append((time.perf_counter() - started) * 1000)
        await causing
        await asyncio.sleep(started + INTERVAL_S - time.perf_counter())
    return took_ms[WARM_UP:]


@asynccontextmanager
async def _stream(session: ClientSession, url: str, token: str) -> AsyncIterator[StreamReader]:
    """Open a stream and skip its preamble."""
    headers = {"Authorization": f"Bearer {token}"}
    async with session.get(f"{url}/notifications/stream", headers=headers) as response:
        await response.content.readline()
        yield response.content


async def _register(session: ClientSession, url: str, name: str) -> tuple[UserId, str]:
    body = {"username": name, "email": f"{name}@example.com", "password": "a long password"}
    async with session.post(f"{url}/auth/register", json=body) as answer:
        signed_in = await answer.json()
    return UserId(int(signed_in["user"]["id"])), signed_in["accessToken"]


def _median(figures: Sequence[float]) -> float:
    return sorted(figures)[len(figures) // 2]
