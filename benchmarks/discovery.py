"""Discovery benchmark: the screens on which people find posts and each other, on 32 connections, and the jobs.

BENCH_POSTS is the number of posts (default: 100,000), BENCH_USERS that of users (default: 100,000). 32 viewers who
follow 1,000 users each request a screen at the same time, from one API process.
"""

import asyncio
import json
import os
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import crowd
from benchmarks.crowd import Crowd
from benchmarks.dataset import Dataset, embedded_stack, mariadb_stack, opened
from benchmarks.people import FIRST, LAST
from benchmarks.processes import cpu_s, server, unlimited_config
from server import logs
from server.models.database import Database
from tools.harness.access_tokens import access_tokens
from tools.harness.backends import ROOT, Stack
from tools.harness.servers import make_scratch
from tools.harness.services import ServiceHarness

POSTS = int(os.environ.get("BENCH_POSTS", "100000"))
USERS = int(os.environ.get("BENCH_USERS", "100000"))
CONNECTIONS = 32
SECONDS = float(os.environ.get("BENCH_SECONDS", "5"))
WARM_S = 1.5
MAX_WARM_UPS = 10
PROFILES = 200

Requests = Sequence[tuple[str, str]]


async def measure(console: Console) -> None:
    """Print two tables per database; MariaDB only if it is installed."""
    logs.configure("error", "console")
    scratch = make_scratch()
    with embedded_stack(scratch) as stack:
        await _measure(console, stack, scratch)
    with mariadb_stack(scratch) as stack:
        if stack is not None:
            await _measure(console, stack, scratch)


async def _measure(console: Console, stack: Stack, scratch: Path) -> None:
    async with opened(stack) as (database, redis):
        with console.status(f"{POSTS} posts and {USERS} users on {stack.name}"):
            found = await crowd.fill(database, USERS, POSTS)
            tokens = access_tokens(
                stack, zip(found.viewers, await Dataset(database).sessions(found.viewers), strict=True)
            )
        services = ServiceHarness(database, redis, stack.redis.url, stack.var_dir)
        with console.status("jobs"):
            console.print(await jobs(stack, database, services))
        await services.close()
        with console.status("screens"):
            console.print(await load_screens(stack, database, scratch, screens(found, tokens)))


async def jobs(stack: Stack, database: Database, services: ServiceHarness) -> Table:
    """Return how long the jobs behind explore and trends take."""
    table = Table(stack.name, "took", title=f"{POSTS} posts, {USERS} users")
    with database.statement_timeout(60):
        for label, job in (
            ("ranking of explore, the first run", lambda: services.explore_ranking.rank(anew=True)),
            ("ranking of explore, a later run", services.explore_ranking.rank),
            ("trends", services.discovery.trend_jobs.find),
        ):
            began = time.perf_counter()
            await job()
            table.add_row(label, f"{(time.perf_counter() - began) * 1000:.0f} ms")
    return table


def screens(found: Crowd, tokens: Sequence[str]) -> dict[str, Requests]:
    """Return the requests of each screen, with the tokens of the viewers."""
    chosen = random.Random(6)
    names = [f"{chosen.choice(FIRST)} {chosen.choice(LAST)}" for _ in range(PROFILES)]
    prefixes = [name.replace(" ", ".")[: 1 + number % 8] for number, name in enumerate(names)]
    people = chosen.sample(found.people, PROFILES)
    tags = [tag[:length] for tag in crowd.TAGS for length in range(1, len(tag) + 1)] * 3

    def each(paths: Sequence[str]) -> Requests:
        return [(path, tokens[number % len(tokens)]) for number, path in enumerate(paths)]

    def all_viewers(path: str) -> Requests:
        return [(path, token) for token in tokens]

    return {
        "search for people": each([f"/search?q={name.replace(' ', '+')}" for name in names]),
        "search for hashtags": each([f"/search?type=hashtags&q={tag}" for tag in tags]),
        "complete a name": each([f"/users?prefix={prefix}" for prefix in prefixes]),
        "explore": all_viewers("/explore"),
        "hashtag": all_viewers("/hashtags/sunset/posts"),
        "trends": all_viewers("/hashtags/trending"),
        "suggestions": all_viewers("/users/suggestions"),
        "activity": all_viewers("/notifications"),
        "profile of others, with posts": each([f"/users/{user}?include=posts" for user in people]),
        "own profile, with posts": all_viewers("/users/profile?include=posts"),
    }  # fmt: skip


async def load_screens(stack: Stack, database: Database, scratch: Path, wanted: dict[str, Requests]) -> Table:
    """Return the table of screens, measured over HTTP with users that are signed in and limited."""
    config = unlimited_config(scratch, "(?:reads|search)")
    environ = {**os.environ, **stack.environ, "LOG_FORMAT": "json", "THROTTLE_ENABLED": "true"}
    command = [sys.executable, "run.py", "--role=api", f"--config={config}", "--port=0"]
    table = Table(
        stack.name, "requests/s", "p50", "p99", "CPU", "queries", "p50, p99 at half the rate",
        title=f"{POSTS} posts, {USERS} users; {CONNECTIONS} connections to one process",
    )  # fmt: skip
    with server(command, environ) as (pid, ready):
        port = int(json.loads(ready)["listening"].rpartition(":")[2])
        # Readers open their feed first, which caches the users that they follow.
        feeds = sorted({("/feed", token) for _, token in next(iter(wanted.values()))})
        (scratch / "requests.json").write_text(json.dumps(feeds))
        await _load(port, scratch / "requests.json", WARM_S)
        for label, requests in wanted.items():
            (scratch / "requests.json").write_text(json.dumps(requests))
            await _warm_up(port, scratch / "requests.json", 2 * len(requests))
            before, asked = cpu_s(pid), await _count_queries(database)
            result = await _load(port, scratch / "requests.json", SECONDS)
            count, used_s = result["responses"], cpu_s(pid) - before
            queries = (await _count_queries(database) - asked) / count if asked else 0
            rate = count / result["seconds"]
            calm = await _load(port, scratch / "requests.json", SECONDS, rate / 2)
            _require_answers(label, result, calm)
            table.add_row(
                label, f"{rate:.0f}", f"{result['p50_ms']:.1f} ms", f"{result['p99_ms']:.1f} ms",
                f"{used_s / count * 1000:.2f} ms", f"{queries:.2f}" if asked else "",
                f"{calm['p50_ms']:.1f} ms, {calm['p99_ms']:.1f} ms",
            )  # fmt: skip
    return table


async def _warm_up(port: int, requests: Path, count: int) -> None:
    done = 0
    for _ in range(MAX_WARM_UPS):
        done += (await _load(port, requests, WARM_S))["responses"]
        if done >= count:
            break


def _require_answers(label: str, *results: dict[str, float]) -> None:
    """Exit if a request failed, or if a list was empty, whose time says nothing."""
    for result in results:
        if result["refused"] or result["empty"]:
            sys.exit(
                f"error: {label}: of {result['responses']} requests {result['refused']} failed"
                f" and {result['empty']} lists were empty."
            )


async def _load(port: int, requests: Path, seconds: float, rate: float = 0.0) -> dict[str, float]:
    client = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.load", str(port), f"--requests={requests}", f"--rate={rate}",
        f"--connections={CONNECTIONS}", f"--seconds={seconds}", cwd=ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await client.communicate()
    return json.loads(out)


async def _count_queries(database: Database) -> int:
    """Return how many statements MariaDB has run so far; 0 on SQLite, which does not count them."""
    if database.dialect != "mysql":
        return 0
    (row,) = await database.rows("SHOW GLOBAL STATUS LIKE 'Questions'")
    return int(row["Value"])
