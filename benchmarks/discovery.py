"""Discovery benchmark: pages of explore and of a hashtag, suggestions, and the jobs behind them.

BENCH_POSTS is the number of posts (default: 100,000), all with one hashtag. The viewer follows 5,000 of the users, who
follow 20 others each, five of them 5,000.
"""

import asyncio
import json
import os
import re
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import ClientSession
from rich.console import Console
from rich.table import Table

from benchmarks.dataset import Dataset, embedded_stack, mariadb_stack, opened
from benchmarks.processes import cpu_s, server
from server import logs
from server.ids import UserId
from server.models.database import Database
from server.paging import PageRequest
from tools.harness.backends import ROOT, Stack
from tools.harness.servers import make_scratch
from tools.harness.services import ServiceHarness

POSTS = int(os.environ.get("BENCH_POSTS", "100000"))
FOLLOWED = 5000
CELEBRITIES = 5
FOLLOWEES_OF_EACH = 20
CALLS = 200
CONNECTIONS = 32
SECONDS = 5.0
ROWS_PER_STATEMENT = 2000


async def measure(console: Console) -> None:
    """Print a table per database; MariaDB only if it is installed."""
    logs.configure("error", "console")
    scratch = make_scratch()
    with embedded_stack(scratch) as stack:
        await _measure(console, stack, scratch)
    with mariadb_stack(scratch) as stack:
        if stack is not None:
            await _measure(console, stack, scratch)


async def _measure(console: Console, stack: Stack, scratch: Path) -> None:
    async with opened(stack) as (database, redis):
        with console.status(f"{POSTS} posts on {stack.name}"):
            viewer = await _fill(database)
        services = ServiceHarness(database, redis, stack.redis.url, stack.var_dir)
        table = Table(stack.name, "p50", "p99", title=f"{POSTS} posts; the viewer follows {FOLLOWED} users")
        with console.status("jobs and services"):
            await _jobs(table, database, services)
            await _services(table, services, viewer)
        with console.status("pages of explore"):
            await _explore(table, stack, scratch)
        await services.close()
        console.print(table)


async def _fill(database: Database) -> UserId:
    data = Dataset(database)
    users = await data.users(FOLLOWED + 1000)
    viewer, followed, others = users[0], users[1 : FOLLOWED + 1], users[FOLLOWED + 1 :]
    await data.follow([viewer], followed)
    await data.follow(followed[:CELEBRITIES], others)
    for number in range(0, len(followed), 100):
        start = number % (len(others) - FOLLOWEES_OF_EACH)
        await data.follow(
            followed[number + CELEBRITIES : number + 100], others[start : start + FOLLOWEES_OF_EACH]
        )
    posts = await data.posts(users, POSTS, pictures=1)
    with database.statement_timeout(600):
        await database.execute("INSERT INTO hashtags (id, tag, posts_count) VALUES (1, 'sunset', ?)", [POSTS])
        await database.execute(
            "INSERT INTO hashtag_posts (id, hashtag_id, post_id, author_id, counted)"
            " SELECT id, 1, id, author_id, 1 FROM posts"
        )
        if database.dialect == "mysql":
            await database.rows("ANALYZE TABLE posts, follows, hashtag_posts, users")
    assert len(posts) == POSTS
    return viewer


async def _jobs(table: Table, database: Database, services: ServiceHarness) -> None:
    with database.statement_timeout(60):
        for label, job in (
            ("ranking of explore, the first run", lambda: services.explore_ranking.rank(anew=True)),
            ("ranking of explore, a later run", services.explore_ranking.rank),
            ("trends", services.discovery.trend_jobs.find),
        ):
            began = time.perf_counter()
            await job()
            table.add_row(label, f"{(time.perf_counter() - began) * 1000:.0f} ms", "")


async def _services(table: Table, services: ServiceHarness, viewer: UserId) -> None:
    hashtags, suggestions = services.discovery.hashtags, services.discovery.suggestions
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "page of a hashtag": lambda: hashtags.list_posts(viewer, "sunset", PageRequest()),
        "suggestions": lambda: suggestions.list_suggestions(viewer, 20),
    }
    for label, call in calls.items():
        took: list[float] = []
        for _ in range(CALLS):
            began = time.perf_counter()
            await call()
            took.append((time.perf_counter() - began) * 1000)
        _row(table, label, took)


async def _explore(table: Table, stack: Stack, scratch: Path) -> None:
    """Measure a warm page of 20 posts over HTTP, signed in and limited, on 32 connections."""
    config = scratch / "config.toml"
    text = (ROOT / "config.toml").read_text()
    config.write_text(re.sub(r"^(reads = \{ limit = )\d+", r"\g<1>100000000", text, flags=re.MULTILINE))
    environ = {**os.environ, **stack.environ, "LOG_FORMAT": "json", "THROTTLE_ENABLED": "true"}
    command = [sys.executable, "run.py", "--role=api", f"--config={config}", "--port=0"]
    with server(command, environ) as (pid, ready):
        url = json.loads(ready)["listening"]
        body = {"username": "explorer", "password": "a long password", "email": "e@example.com"}
        async with ClientSession() as session:
            async with session.post(f"{url}/auth/register", json=body) as answer:
                token = (await answer.json())["accessToken"]
            for _ in range(3):
                headers = {"Authorization": f"Bearer {token}"}
                async with session.get(f"{url}/explore", headers=headers) as answer:
                    page = await answer.json()
        assert len(page["items"]) == 20, page
        before = cpu_s(pid)
        client = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "benchmarks.load", url.rpartition(":")[2], "/explore", f"--token={token}",
            f"--connections={CONNECTIONS}", f"--seconds={SECONDS}", cwd=ROOT, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, _ = await client.communicate()
        used_s = cpu_s(pid) - before
    result = json.loads(out)
    assert result["refused"] == 0, result
    rate = result["responses"] / result["seconds"]
    cpu_ms = used_s / result["responses"] * 1000
    label = f"GET /explore, {CONNECTIONS} connections, {rate:.0f}/s, {cpu_ms:.3f} ms CPU each"
    table.add_row(label, f"{result['p50_ms']:.1f} ms", f"{result['p99_ms']:.1f} ms")


def _row(table: Table, label: str, took: list[float]) -> None:
    p99 = sorted(took)[int(len(took) * 0.99)]
    table.add_row(label, f"{statistics.median(took):.1f} ms", f"{p99:.1f} ms")
