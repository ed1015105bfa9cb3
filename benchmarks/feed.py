"""Feed benchmark: cost of a page, latency of fan-out, time to build a feed, and size of a feed.

The baselines run on the same servers: a bare aiohttp handler that returns the same bytes, and plain pipelined ZADDs of
redis-py. BENCH_POSTS is the number of posts when a feed is built (default: 100,000).
"""

import asyncio
import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from aiohttp import ClientSession
from redis.asyncio import Redis
from rich.console import Console
from rich.table import Table

from benchmarks.dataset import Dataset, mariadb_stack, opened
from benchmarks.processes import cpu_s, server, unlimited_config
from server import logs
from server.gateways.feed_store.followed_authors import FollowedAuthors
from server.gateways.feed_store.reader_marks import ReaderMarks
from server.ids import UserId
from server.models.database import Database
from server.paging import PageRequest
from server.services.feed.builder import FeedBuilder
from server.services.jobs.event_jobs import JobKind
from tools.harness import services
from tools.harness.backends import ROOT, Stack
from tools.harness.servers import free_port, make_scratch

CONNECTIONS = 32
SECONDS = 5.0
ROUNDS = 3
FOLLOWERS = 10_000
WINDOW = 800
CACHED_POSTS = 200
FAN_OUTS = 9
AUTHORS = 1000
POSTS = int(os.environ.get("BENCH_POSTS", "100000"))
REBUILDS = 9

BASELINE = """
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
    """Print tables for MariaDB and Redis, or a notice if they are not installed."""
    logs.configure("error", "console")
    scratch = make_scratch()
    with mariadb_stack(scratch) as stack:
        if stack is None:
            console.print("The feed benchmark needs MariaDB and Redis, which are not installed.")
            return
        async with opened(stack) as (database, redis):
            dataset = Dataset(database)
            with console.status("pages of a feed"):
                await _pages(console, stack, dataset, scratch)
            with console.status(f"fan-out to {FOLLOWERS} followers"):
                await _fan_out(console, stack, database, redis, dataset)
            with console.status(f"building a feed from {POSTS} posts"):
                await _rebuild(console, stack, database, redis, dataset)


async def _pages(console: Console, stack: Stack, dataset: Dataset, scratch: Path) -> None:
    """Measure a page of 20 posts for a signed-in user, with rate limits enabled but never reached."""
    config = unlimited_config(scratch, "reads")
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
            authors = await dataset.users(50)
            await dataset.follow([reader], authors)
            await dataset.posts(authors, 500, pictures=1)
            headers = {"Authorization": f"Bearer {token}"}
            for _ in range(3):
                async with session.get(f"{url}/feed", headers=headers) as answer:
                    page = await answer.read()
        assert len(json.loads(page)["items"]) == 20, page[:300]
        (scratch / "page.json").write_bytes(page)
        baseline_port = free_port()
        baseline_command = [sys.executable, "-c", BASELINE, str(baseline_port), str(scratch / "page.json")]
        ours: list[tuple[float, float]] = []
        bare: list[tuple[float, float]] = []
        with server(baseline_command, dict(os.environ)) as (baseline_pid, _):
            for _ in range(ROUNDS):
                ours.append(await _load(pid, port, token))
                bare.append(await _load(baseline_pid, baseline_port, token))
    table = Table(
        "MariaDB + Redis, one process, 32 connections", "pages/s", "server CPU per page", "rate, bare = 1",
        title=f"a cached page of 20 posts, {len(page)} bytes",
    )  # fmt: skip
    rate = statistics.median(each[0] for each in bare)
    for label, found in (("GET /feed, signed in, limited", ours), ("bare aiohttp, the same bytes", bare)):
        pages, cpu = (statistics.median(each[n] for each in found) for n in (0, 1))
        table.add_row(label, f"{pages:.0f}", f"{cpu:.3f} ms", f"{pages / rate:.2f}")
    console.print(table)


async def _load(pid: int, port: int, token: str) -> tuple[float, float]:
    """Return responses per second and the server's CPU milliseconds per response."""
    before = cpu_s(pid)
    client = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.load", str(port), "/feed", f"--token={token}",
        f"--connections={CONNECTIONS}", f"--seconds={SECONDS}", cwd=ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await client.communicate()
    result = json.loads(out)
    assert result["refused"] == 0, result
    return result["responses"] / result["seconds"], (cpu_s(pid) - before) / result["responses"] * 1000


async def _fan_out(
    console: Console, stack: Stack, database: Database, redis: Redis, dataset: Dataset
) -> None:
    """Measure the time from a commit to the last follower's feed, and the same number of plain ZADDs."""
    author, *readers = await dataset.users(1 + FOLLOWERS)
    await dataset.follow(readers, [author])
    await redis.flushall()
    services = await _services(database, redis, stack)
    await _cache_feeds(redis, services, readers)
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
        "MariaDB + Redis", "median", "worst", "ZADDs = 1", title=f"one post to {FOLLOWERS} cached feeds"
    )
    base = statistics.median(plain)
    for label, found in (("from commit to the last feed", took), ("plain pipelined ZADDs alone", plain)):
        middle = statistics.median(found)
        table.add_row(label, f"{middle * 1000:.0f} ms", f"{max(found) * 1000:.0f} ms", f"{middle / base:.2f}")
    bytes_per_feed = (before - 1_000_000) / FOLLOWERS
    table.add_row(f"memory of a feed of {CACHED_POSTS} posts", f"{bytes_per_feed / 1000:.1f} KB", "", "")
    console.print(table)


async def _cache_feeds(redis: Redis, services: services.ServiceHarness, readers: list[UserId]) -> None:
    """Cache a feed of 200 posts for each reader."""
    await services.timelines.complete_author_set([])
    post_ids: list[Any] = [services.ids.next() for _ in range(CACHED_POSTS)]
    for start in range(0, len(readers), 200):
        await asyncio.gather(
            *(_cache_feed(services, reader, post_ids) for reader in readers[start : start + 200])
        )


async def _cache_feed(services: services.ServiceHarness, reader: UserId, post_ids: list[Any]) -> None:
    token = await services.timelines.begin_feed(reader)
    assert token is not None
    followed = FollowedAuthors(frozenset([reader]), frozenset([reader]))
    await services.timelines.complete_feed(reader, token, post_ids, followed, ReaderMarks(0))


async def _plain_zadds(redis: Redis, readers: list[UserId], post_id: int) -> float:
    began = time.perf_counter()
    for start in range(0, len(readers), 1000):
        async with redis.pipeline(transaction=False) as pipeline:
            for reader in readers[start : start + 1000]:
                pipeline.zadd(f"plain:{reader}", {str(post_id): post_id})
            await pipeline.execute()
    return time.perf_counter() - began


async def _rebuild(
    console: Console, stack: Stack, database: Database, redis: Redis, dataset: Dataset
) -> None:
    """Measure the first page of a reader who follows a thousand authors and has no cached feed."""
    users = await dataset.users(max(AUTHORS * 2, POSTS // 10))
    (reader,) = await dataset.users(1)
    await dataset.follow([reader], users[:AUTHORS])
    await dataset.posts(users, POSTS)
    await database.rows("ANALYZE TABLE posts, follows")
    services = await _services(database, redis, stack)
    builder = FeedBuilder(services.feed_queries, services.timelines, services.metrics)
    build: list[float] = []
    page: list[float] = []
    for _ in range(REBUILDS):
        await redis.flushall()
        await services.timelines.complete_author_set([])
        began = time.perf_counter()
        await builder.build_feed(reader)
        build.append(time.perf_counter() - began)
        first = await services.feed_on(services.pipelined_redis).page(reader, PageRequest())
        assert len(first.items) == 20
        page.append(time.perf_counter() - began)
    await services.close()
    table = Table(
        "MariaDB + Redis", "median", "worst", title=f"a reader who follows {AUTHORS} authors, {POSTS} posts"
    )
    for label, found in (("building the feed", build), ("building it and returning the first page", page)):
        table.add_row(label, f"{statistics.median(found) * 1000:.0f} ms", f"{max(found) * 1000:.0f} ms")
    console.print(table)


async def _services(database: Database, redis: Redis, stack: Stack) -> services.ServiceHarness:
    services.WINDOW, services.FAN_OUT_BATCH, services.CELEBRITY_THRESHOLD, services.MAX_NOTES = (
        WINDOW,
        1000,
        10**9,
        20_000,
    )
    return services.ServiceHarness(database, redis, stack.redis.url, stack.var_dir)
