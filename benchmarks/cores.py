"""Pages of the feed and likes per second with one process and with two under a supervisor, on the same port.

The load generator, MariaDB, which flushes at every commit, and Redis share the cores with the server.
"""

import asyncio
import json
import os
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.dataset import Dataset, mariadb_stack, opened
from benchmarks.processes import server, unlimited_config
from server.models.jobs.installation import InstallationRepository
from tools.harness.access_tokens import access_tokens
from tools.harness.backends import ROOT, Stack
from tools.harness.servers import make_scratch

USERS, FOLLOWEES, POSTS = 400, 40, 4000
SECONDS, WARM_UP_S = 6.0, 4.0
PROCESSES = (1, 2, 1, 2)

Request = tuple[str, str, str]


async def measure(console: Console) -> None:
    """Print a table with two rounds of each number of processes."""
    scratch = make_scratch()
    table = Table("processes", "pages/s", "p50, p99", "likes/s", "p50, p99", title=f"{os.cpu_count()} cores")
    with mariadb_stack(scratch) as stack:
        if stack is None:
            console.print("The benchmark of cores needs MariaDB and Redis, which are not installed.")
            return
        posts, tokens = await _create(stack)
        pages = [("/feed", token, "GET") for token in tokens]
        paths = [(f"/posts/{post}/likes", tokens[number % USERS]) for number, post in enumerate(posts)]
        likes = [(path, token, method) for method in ("POST", "DELETE") for path, token in paths]
        config = unlimited_config(scratch)
        environ = {**os.environ, **stack.environ, "LOG_FORMAT": "json"}
        for processes in PROCESSES:
            command = [sys.executable, "run.py", "--role=api", f"--config={config}", "--port=0"]
            command += [f"--processes={processes}"] if processes > 1 else []
            with server(command, environ) as (_, ready), console.status(f"{processes} processes"):
                port = json.loads(ready)["listening"].rpartition(":")[2]
                await _load(scratch, port, pages, WARM_UP_S)
                cells = [_cells(await _load(scratch, port, some, SECONDS)) for some in (pages, likes)]
            table.add_row(str(processes), *(cell for pair in cells for cell in pair))
    console.print(table)


async def _create(stack: Stack) -> tuple[list[int], list[str]]:
    """Insert users who follow each other, and posts; return these, and an access token for each user."""
    async with opened(stack) as (database, _):
        dataset = Dataset(database)
        users = await dataset.users(USERS)
        for user in users:
            others = [each for each in users if each != user]
            await dataset.follow([user], dataset.random.sample(others, FOLLOWEES))
        posts = await dataset.posts(users, POSTS, pictures=1)
        sessions = zip(users, await dataset.sessions(users), strict=True)
        epoch = await InstallationRepository(database).get_epoch()
        return list(posts), access_tokens(stack, sessions, epoch or "")


async def _load(scratch: Path, port: str, requests: list[Request], seconds: float) -> dict[str, float]:
    wanted = scratch / "requests.json"
    wanted.write_text(json.dumps(requests))
    client = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.load", port, f"--requests={wanted}", "--in-turn",
        "--connections=32", f"--seconds={seconds}", cwd=ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await client.communicate()
    result = json.loads(out)
    assert not result["refused"], result
    return result


def _cells(result: dict[str, float]) -> tuple[str, str]:
    rate = result["responses"] / result["seconds"]
    return f"{rate:.0f}", f"{result['p50_ms']:.0f}, {result['p99_ms']:.0f} ms"
