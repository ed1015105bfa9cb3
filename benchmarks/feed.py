"""What a page of the feed costs, how fast a post reaches its followers, how fast a feed is built, how large it is.

Beside a floor or a rival on the same servers in the same minute: a bare aiohttp handler that returns the same bytes;
plain pipelined ZADDs of redis-py. BENCH_POSTS sets how many posts there are where a feed is built (100,000).
"""

import asyncio
import json
import os
import re
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from aiohttp import ClientSession
from redis.asyncio import Redis
from rich.console import Console
from rich.table import Table

from benchmarks.place import Place, mariadb_stack, opened
from benchmarks.processes import cpu_s, server
from server import logs
from server.ids import UserId
from server.models.database import Database
from server.paging import PageRequest
from server.services.jobs.event_jobs import JobKind
from tests.support import harness
from tests.support.backends import ROOT, Stack
from tests.support.servers import free_port, make_scratch

CONNECTIONS = 32
SECONDS = 5.0
ROUNDS = 3
FOLLOWERS = 10_000
WINDOW = 800
KEPT_POSTS = 200
FAN_OUTS = 9
AUTHORS = 1000
POSTS = int(os.environ.get("BENCH_POSTS", "100000"))
REBUILDS = 9

FLOOR = """
import sys, uvloop
from pathlib import Path
from aiohttp import web
body = Path(sys.argv[2]).read_bytes()
async def page(request): return web.Response(body=body, content_type="application/json")
app = web.Application(); app.router.add_get("/feed", page)
ready = lambda *_: print('"message":"ready"', flush=True)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=ready, loop=uvloop.new_event_loop())
"""


async def measure(console: Console) -> None:
    """Prints a table of ratios, on MariaDB and Redis; nothing where they are not installed."""
    logs.configure("error", "console")
    scratch = make_scratch()
    with mariadb_stack(scratch) as stack:
        if stack is None:
            console.print("The feed is measured on MariaDB and Redis, which are not installed here.")
            return
        async with opened(stack) as (database, redis):
            place = Place(database)
            with console.status("pages of a feed"):
                await _pages(console, stack, place, scratch)
            with console.status(f"fan-out to {FOLLOWERS} followers"):
                await _fan_out(console, stack, database, redis, place)
            with console.status(f"building a feed out of {POSTS} posts"):
                await _rebuild(console, stack, database, redis, place)


async def _pages(console: Console, stack: Stack, place: Place, scratch: Path) -> None:
    """The page of 20 posts of a signed-in reader, with the limits of rates switched on and out of reach."""
    config = scratch / "config.toml"
    text = (ROOT / "config.toml").read_text()
    config.write_text(re.sub(r"^(reads = \{ limit = )\d+", r"\g<1>100000000", text, flags=re.MULTILINE))
    environ = {**os.environ, **stack.environ, "LOG_FORMAT": "json", "THROTTLE_ENABLED": "true"}
    command = [sys.executable, "run.py", "--role=api", f"--config={config}", "--port=0"]
    with server(command, environ) as (pid, ready):
        url = json.loads(ready)["listening"]
        port, body = int(url.rpartition(":")[2]), {"username": "reader", "password": "a long password"}
        async with ClientSession() as session:
            async with session.post(
                f"{url}/auth/register", json={**body, "email": "r@example.com"}
            ) as answer:
                signed_in = await answer.json()
            reader, token = int(signed_in["user"]["id"]), signed_in["accessToken"]
            authors = await place.people(50)
            await place.follow([reader], authors)
            await place.posts(authors, 500, pictures=1)
            headers = {"Authorization": f"Bearer {token}"}
            for _ in range(3):
                async with session.get(f"{url}/feed", headers=headers) as answer:
                    page = await answer.read()
        assert len(json.loads(page)["items"]) == 20, page[:300]
        (scratch / "page.json").write_bytes(page)
        floor_port = free_port()
        floor_command = [sys.executable, "-c", FLOOR, str(floor_port), str(scratch / "page.json")]
        ours: list[tuple[float, float]] = []
        bare: list[tuple[float, float]] = []
        with server(floor_command, dict(os.environ)) as (floor_pid, _):
            for _ in range(ROUNDS):
                ours.append(await _load(pid, port, token))
                bare.append(await _load(floor_pid, floor_port, token))
    table = Table(
        "MariaDB + Redis, one process, 32 connections", "pages/s", "server CPU a page", "rate, bare = 1",
        title=f"a warm page of 20 posts, {len(page)} bytes",
    )  # fmt: skip
    rate = statistics.median(each[0] for each in bare)
    for label, found in (("GET /feed, signed in, limited", ours), ("bare aiohttp, the same bytes", bare)):
        pages, cpu = (statistics.median(each[n] for each in found) for n in (0, 1))
        table.add_row(label, f"{pages:.0f}", f"{cpu:.3f} ms", f"{pages / rate:.2f}")
    console.print(table)


async def _load(pid: int, port: int, token: str) -> tuple[float, float]:
    """Answers a second, and milliseconds of the server's CPU for each."""
    before = cpu_s(pid)
    client = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.load", str(port), "/feed", f"--token={token}",
        f"--connections={CONNECTIONS}", f"--seconds={SECONDS}", cwd=ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await client.communicate()
    found = json.loads(out)
    assert found["refused"] == 0, found
    return found["answers"] / found["seconds"], (cpu_s(pid) - before) / found["answers"] * 1000


async def _fan_out(console: Console, stack: Stack, database: Database, redis: Redis, place: Place) -> None:
    """From the commit of a post to the last of its followers' feeds; beside ZADDs alone to as many."""
    author, *readers = await place.people(1 + FOLLOWERS)
    await place.follow(readers, [author])
    await redis.flushall()
    services = await _services(database, redis, stack)
    await _keep_feeds(redis, services, readers)
    before = (await redis.info("memory"))["used_memory"]
    took: list[float] = []
    plain: list[float] = []
    for _ in range(FAN_OUTS):
        post_id = await services.post(author)
        committed = time.perf_counter()
        claim = await services.claim(JobKind.FAN_OUT)
        await services.fan_out.publish(claim)
        took.append(time.perf_counter() - committed)
        assert await redis.zscore(f"feed:{readers[-1]}", post_id) is not None
        plain.append(await _plain_zadds(redis, readers, post_id))
    await services.close()
    table = Table(
        "MariaDB + Redis", "median", "worst", "ZADDs = 1", title=f"one post to {FOLLOWERS} kept feeds"
    )
    base = statistics.median(plain)
    for label, found in (("from commit to the last feed", took), ("plain pipelined ZADDs alone", plain)):
        middle = statistics.median(found)
        table.add_row(label, f"{middle * 1000:.0f} ms", f"{max(found) * 1000:.0f} ms", f"{middle / base:.2f}")
    bytes_a_feed = (before - 1_000_000) / FOLLOWERS
    table.add_row(f"memory of a feed of {KEPT_POSTS} posts", f"{bytes_a_feed / 1000:.1f} KB", "", "")
    console.print(table)


async def _keep_feeds(redis: Redis, services: harness.ServiceHarness, readers: list[UserId]) -> None:
    """Feeds of 200 posts each, as if everybody had read theirs lately."""
    await services.timelines.fill_pulled([])
    post_ids: list[Any] = [services.ids.next() for _ in range(KEPT_POSTS)]
    for start in range(0, len(readers), 200):
        await asyncio.gather(*(_keep(services, reader, post_ids) for reader in readers[start : start + 200]))


async def _keep(services: harness.ServiceHarness, reader: UserId, post_ids: list[Any]) -> None:
    token = await services.timelines.open_feed(reader)
    assert token is not None
    await services.timelines.fill_feed(reader, token, post_ids, [], (0, []))


async def _plain_zadds(redis: Redis, readers: list[UserId], post_id: int) -> float:
    began = time.perf_counter()
    for start in range(0, len(readers), 1000):
        async with redis.pipeline(transaction=False) as pipeline:
            for reader in readers[start : start + 1000]:
                pipeline.zadd(f"plain:{reader}", {str(post_id): post_id})
            await pipeline.execute()
    return time.perf_counter() - began


async def _rebuild(console: Console, stack: Stack, database: Database, redis: Redis, place: Place) -> None:
    """The first page of a reader whose feed is not kept, who follows a thousand authors."""
    everybody = await place.people(max(AUTHORS * 2, POSTS // 10))
    (reader,) = await place.people(1)
    await place.follow([reader], everybody[:AUTHORS])
    await place.posts(everybody, POSTS)
    await database.rows("ANALYZE TABLE posts, follows")
    services = await _services(database, redis, stack)
    build: list[float] = []
    page: list[float] = []
    for _ in range(REBUILDS):
        await redis.flushall()
        await services.timelines.fill_pulled([])
        began = time.perf_counter()
        await services.feed._building.feed(reader)
        build.append(time.perf_counter() - began)
        shown = await services.feed_on(services.wire).page(reader, PageRequest())
        assert len(shown.items) == 20
        page.append(time.perf_counter() - began)
    await services.close()
    table = Table(
        "MariaDB + Redis", "median", "worst", title=f"a reader of {AUTHORS} authors among {POSTS} posts"
    )
    for label, found in (("building the feed", build), ("building it and answering the first page", page)):
        table.add_row(label, f"{statistics.median(found) * 1000:.0f} ms", f"{max(found) * 1000:.0f} ms")
    console.print(table)


async def _services(database: Database, redis: Redis, stack: Stack) -> harness.ServiceHarness:
    harness.WINDOW, harness.FAN_OUT_BATCH, harness.CELEBRITY_THRESHOLD, harness.MAX_NOTES = (
        WINDOW,
        1000,
        10**9,
        20_000,
    )
    return harness.ServiceHarness(database, redis, stack.redis.url, stack.var_dir)
