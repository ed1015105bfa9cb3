"""How long after somebody likes a post its author sees that, live: each like by itself, on both stacks.

The floor is what has to happen anyway: the request of the like until its own answer; and a publication on Redis that a
bare aiohttp application hears and writes to its one stream.
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

from benchmarks.place import Place, embedded_stack, mariadb_stack, opened
from benchmarks.processes import server
from server.ids import UserId
from server.models.database import Database
from tests.support.backends import Stack
from tests.support.servers import free_port, make_scratch

LIKES = 300
WARM_UP = 20
APART_S = 0.04  # notifications are made at 50 a second, at most

FLOOR = """
import sys, uvloop
from aiohttp import web
from redis.asyncio import Redis
async def stream(request):
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    async with Redis.from_url(sys.argv[2]) as redis, redis.pubsub(ignore_subscribe_messages=True) as heard:
        await heard.subscribe("floor")
        await response.write(b": connected\\n\\n")
        async for message in heard.listen():
            await response.write(message["data"])
app = web.Application()
app.router.add_get("/notifications/stream", stream)
ready = lambda *_: print('"message":"ready"', flush=True)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=ready, shutdown_timeout=1,
            loop=uvloop.new_event_loop())
"""


async def measure(console: Console) -> None:
    """Prints a table of milliseconds, on the stacks that are there."""
    scratch = make_scratch()
    table = Table(
        "milliseconds, one after the other", "median", "99 of 100", "floor = 1",
        title=f"{LIKES} likes, on an idle server",
    )  # fmt: skip
    with console.status(f"{LIKES} likes, one after the other"):
        with embedded_stack(scratch) as embedded:
            await _on("SQLite + Valkey", embedded, table)
        with mariadb_stack(scratch) as external:
            if external is not None:
                await _on("MariaDB + Redis", external, table)
    console.print(table)


async def _on(name: str, stack: Stack, table: Table) -> None:
    environ, port = {**os.environ, **stack.environ, "LOG_FORMAT": "json"}, free_port()
    floor_command = [sys.executable, "-c", FLOOR, str(port), stack.redis.url]
    timeout = ClientTimeout(total=None)
    async with opened(stack) as (database, redis), ClientSession(timeout=timeout) as session:
        with server([sys.executable, "run.py", "--port=0"], environ) as (_, ready):
            seen, answered = await _likes(session, json.loads(ready)["listening"], database)
        with server(floor_command, dict(os.environ)) as _:
            floor = await _publications(session, f"http://127.0.0.1:{port}", redis)
    base = _median(floor)
    for label, took_ms in (
        (f"{name}: a like, until its author sees it", seen),
        ("until its own answer", answered),
        ("floor: Redis, to a bare stream", floor),
    ):
        middle, worst = _median(took_ms), sorted(took_ms)[len(took_ms) * 99 // 100]
        table.add_row(label, f"{middle:.1f}", f"{worst:.1f}", f"{middle / base:.1f}")
    table.add_section()


async def _likes(session: ClientSession, url: str, database: Database) -> tuple[list[float], list[float]]:
    """Until the author sees each like, and until it was answered."""
    author_id, author_token = await _register(session, url, "author")
    _, fan_token = await _register(session, url, "fan")
    post_ids = iter(await Place(database).posts([author_id], LIKES + WARM_UP))
    answered: list[float] = []

    async def like() -> None:
        began = time.perf_counter()
        headers = {"Authorization": f"Bearer {fan_token}"}
        async with session.post(f"{url}/posts/{next(post_ids)}/likes", headers=headers) as answer:
            assert (await answer.json())["liked"]
        answered.append((time.perf_counter() - began) * 1000)

    async with _stream(session, url, author_token) as content:
        return await _events(content, like), answered[WARM_UP:]


async def _publications(session: ClientSession, url: str, redis: Redis) -> list[float]:
    async with _stream(session, url, "") as content:
        return await _events(content, lambda: redis.publish("floor", b"event: like\ndata: {}\n\n"))


async def _events(content: StreamReader, cause: Callable[[], Awaitable[object]]) -> list[float]:
    """Milliseconds from the beginning of what causes an event to its arrival."""
    took_ms: list[float] = []
    for _ in range(LIKES + WARM_UP):
        began = time.perf_counter()
        causing = asyncio.ensure_future(cause())
        while not (await content.readline()).startswith(b"event:"):
            pass
        took_ms.append((time.perf_counter() - began) * 1000)
        await causing
        await asyncio.sleep(began + APART_S - time.perf_counter())
    return took_ms[WARM_UP:]


@asynccontextmanager
async def _stream(session: ClientSession, url: str, token: str) -> AsyncIterator[StreamReader]:
    """An open stream, past its greeting."""
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
