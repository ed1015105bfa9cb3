"""Requests of many users in a network of 1,000: pages of the feed and likes, with rate limits that are never reached.

Each row has the CPU time of the server, of Redis and of MariaDB, which flushes at every commit. The floor is a bare
aiohttp handler that returns the bytes of a page.
"""

import asyncio
import json
import os
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from aiohttp import ClientSession
from rich.console import Console

from benchmarks.dataset import Dataset, mariadb_stack, opened
from benchmarks.feed import BASELINE
from benchmarks.processes import cpu_s, server, unlimited_config
from benchmarks.results import Row, read_last, save, table_of
from server.models.database import Database
from server.models.jobs.installation import InstallationRepository
from tools.harness.access_tokens import access_tokens
from tools.harness.backends import ROOT, Stack
from tools.harness.servers import free_port, make_scratch

USERS, FOLLOWEES, POSTS, LIKES = 1000, 60, 20_000, 100_000
SECONDS, WARM_UP_S, ROUNDS = 4.0, 20.0, 3


async def measure(console: Console) -> None:
    """Print a table for MariaDB and Redis, and store it for the next run."""
    scratch = make_scratch()
    with mariadb_stack(scratch) as stack:
        if stack is None:
            console.print("The network benchmark needs MariaDB and Redis, which are not installed.")
            return
        with console.status(f"{USERS} users and {POSTS} posts"):
            async with opened(stack) as (database, redis):
                posts, tokens = await _create(database, stack)
                redis_pid = (await redis.info("server"))["process_id"]
        with console.status("requests"):
            rows = await _measure(stack, scratch, posts, tokens, redis_pid)
    console.print(table_of("MariaDB + Redis, one process", rows, read_last()))
    save(rows)


async def _create(database: Database, stack: Stack) -> tuple[list[int], list[str]]:
    """Insert the network; return its posts and an access token for each user."""
    dataset = Dataset(database)
    users = await dataset.users(USERS)
    choose = dataset.random
    for user in users:
        await dataset.follow([user], choose.sample([each for each in users if each != user], FOLLOWEES))
    posts = await dataset.posts(users, POSTS, pictures=1)
    await dataset.likes({(choose.choice(users), choose.choice(posts)) for _ in range(LIKES)})
    sessions = zip(users, await dataset.sessions(users), strict=True)
    epoch = await InstallationRepository(database).get_epoch()
    return posts, access_tokens(stack, sessions, epoch or "")


async def _measure(
    stack: Stack, scratch: Path, posts: Sequence[int], tokens: list[str], redis_pid: int
) -> list[Row]:
    config = unlimited_config(scratch)
    environ = {**os.environ, **stack.environ, "LOG_FORMAT": "json", "THROTTLE_ENABLED": "true"}
    command = [sys.executable, "run.py", "--role=api", f"--config={config}", "--port=0"]
    assert stack.mariadb is not None
    feeds = [f"GET /feed {token}" for token in tokens]
    of_all = [f"/posts/{post}/likes {tokens[n % len(tokens)]}" for n, post in enumerate(posts)]
    of_one = [f"/posts/{posts[0]}/likes {token}" for token in tokens]
    cases = (
        Case("feed page, 1,000 readers in turn", feeds, 32),
        Case("feed page, one reader", feeds[:1], 32),
        Case("like and unlike, distinct posts", _like_and_unlike(of_all), 16),
        Case("like and unlike, one post", _like_and_unlike(of_one), 64),
    )
    with server(command, environ) as (pid, ready):
        port = int(json.loads(ready)["listening"].rpartition(":")[2])
        load = Load(scratch, (pid, redis_pid, stack.mariadb.pid))
        await load.send(port, cases[0], WARM_UP_S)
        page = scratch / "page.json"
        page.write_bytes(await _page(port, tokens[0]))
        floor_port = free_port()
        bare = [sys.executable, "-c", BASELINE, str(floor_port), str(page)]
        with server(bare, dict(os.environ)) as (bare_pid, _):
            alone = Load(scratch, (bare_pid, *load.pids[1:]))
            floor = await alone.row(floor_port, Case(f"bare aiohttp, {page.stat().st_size} bytes", feeds, 32))
        rows = [await load.row(port, case) for case in cases]
    return [floor, *(replace(row, floor=floor.rate) if row.name.startswith("feed") else row for row in rows)]


def _like_and_unlike(likes: list[str]) -> list[str]:
    """Return requests that make all likes and then remove them, so that each changes something."""
    return [*(f"POST {each}" for each in likes), *(f"DELETE {each}" for each in likes)]


@dataclass(frozen=True, slots=True)
class Case:
    """Requests, as lines `METHOD PATH TOKEN`, that are sent in turn on a number of connections."""

    name: str
    requests: list[str]
    connections: int


@dataclass(frozen=True, slots=True)
class Load:
    """Load on a server. `pids` are those of the server, Redis and MariaDB."""

    folder: Path
    pids: tuple[int, ...]

    async def row(self, port: int, case: Case) -> Row:
        """Return the medians of several rounds."""
        rounds: list[tuple[float, ...]] = []
        for _ in range(ROUNDS):
            before = [cpu_s(pid) for pid in self.pids]
            result = await self.send(port, case, SECONDS)
            used = [cpu_s(pid) - began for pid, began in zip(self.pids, before, strict=True)]
            assert result["refused"] == 0, result
            count = result["responses"]
            rounds.append((count / result["seconds"], *(seconds / count * 1000 for seconds in used)))
        return Row(case.name, *(statistics.median(values) for values in zip(*rounds, strict=True)))

    async def send(self, port: int, case: Case, seconds: float) -> dict[str, float]:
        """Send the requests for some time and return the results of the load generator."""
        wanted = self.folder / "requests.json"
        wanted.write_text(
            json.dumps([[path, token, method] for method, path, token in map(str.split, case.requests)])
        )
        client = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "benchmarks.load", str(port), f"--requests={wanted}", "--in-turn",
            f"--connections={case.connections}", f"--seconds={seconds}", cwd=ROOT, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, _ = await client.communicate()
        return json.loads(out)


async def _page(port: int, token: str) -> bytes:
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/feed", headers=headers) as answer,
    ):
        return await answer.read()
