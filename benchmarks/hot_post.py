"""Likes of one post by 64 users: on one MariaDB server, and on three Galera nodes that all accept writes.

Each node has its own API process. Every server flushes at each commit.
"""

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.dataset import Dataset, mariadb_stack, opened
from benchmarks.processes import cpu_s, server, unlimited_config
from server.models.jobs.installation import InstallationRepository
from tools.harness.access_tokens import access_tokens
from tools.harness.backends import ROOT, Stack
from tools.harness.galera import galera_cluster, galera_missing
from tools.harness.servers import MariaDB, make_scratch

LIKERS, SECONDS, WARM_UP_S = 64, 8.0, 2.0


@dataclass(frozen=True, slots=True)
class HotPost:
    """Figures of a run: answers per second, the share that was refused, and milliseconds per answer."""

    answers: int
    refused: int
    seconds: float
    p50_ms: float
    p99_ms: float
    server_ms: float
    database_ms: float
    conflicts: int


async def measure(console: Console) -> None:
    """Print a table. Raises AssertionError if a counter differs from its likes."""
    scratch = make_scratch()
    if galera_missing():
        console.print(f"The benchmark of a hot post needs Galera: {galera_missing()}.")
        return
    table = Table(
        "servers", "likes/s", "refused", "p50, p99", "server", "databases", "conflicts", title="A hot post"
    )
    with mariadb_stack(scratch) as stack:
        if stack is None or stack.mariadb is None:
            console.print("The benchmark of a hot post needs MariaDB and Redis, which are not installed.")
            return
        with console.status("one server"):
            table.add_row("one MariaDB", *_cells(await _measure(stack, [stack.mariadb], scratch)))
            table.add_row("one MariaDB, 3 API", *_cells(await _measure(stack, [stack.mariadb] * 3, scratch)))
        with console.status("three nodes"), galera_cluster(scratch, durable=True) as nodes:
            nodes[0].query("CREATE DATABASE bench")
            stack.redis.flush()
            galera = replace(
                stack, mariadb=nodes[0], database={**stack.database, "DB_PORT": str(nodes[0].port)}
            )
            table.add_row("Galera, one writer", *_cells(await _measure(galera, nodes[:1], scratch)))
            table.add_row("Galera, 3 writers", *_cells(await _measure(galera, nodes, scratch)))
    console.print(table)


def _cells(run: HotPost) -> Sequence[str]:
    return (
        f"{run.answers / run.seconds:.0f}",
        f"{run.refused} of {run.answers}",
        f"{run.p50_ms:.0f}, {run.p99_ms:.0f} ms",
        f"{run.server_ms:.2f} ms",
        f"{run.database_ms:.2f} ms",
        str(run.conflicts),
    )


async def _measure(stack: Stack, nodes: Sequence[MariaDB], scratch: Path) -> HotPost:
    """Measure one API process per entry of `nodes`, with the likers spread over them."""
    async with opened(stack) as (database, _):
        dataset = Dataset(database)
        await database.execute("DELETE FROM jobs")
        await database.execute("DELETE FROM users")
        users = await dataset.users(LIKERS)
        (post,) = await dataset.posts(users[:1], 1)
        await database.execute("UPDATE posts SET likes_count = 0")
        sessions = zip(users, await dataset.sessions(users), strict=True)
        epoch = await InstallationRepository(database).get_epoch()
        tokens = access_tokens(stack, sessions, epoch or "")
    config = unlimited_config(scratch)
    with ExitStack() as running:
        ports: list[int] = []
        pids: list[int] = []
        for node in nodes:
            environ = {**os.environ, **stack.environ, "DB_PORT": str(node.port), "LOG_FORMAT": "json"}
            command = [sys.executable, "run.py", "--role=api", f"--config={config}", "--port=0"]
            pid, ready = running.enter_context(server(command, environ))
            pids.append(pid)
            ports.append(int(json.loads(ready)["listening"].rpartition(":")[2]))
        await _load(scratch, ports, post, tokens, WARM_UP_S)
        databases = [node.pid for node in dict.fromkeys(nodes)]
        before = [sum(map(cpu_s, some)) for some in (pids, databases)]
        conflicts = _conflicts(nodes)
        results = await _load(scratch, ports, post, tokens, SECONDS)
        after = [sum(map(cpu_s, some)) for some in (pids, databases)]
        conflicts = _conflicts(nodes) - conflicts
    for node in nodes:
        counted = node.query(
            "SET wsrep_sync_wait = 1; SELECT likes_count, (SELECT COUNT(*) FROM likes) FROM posts", "bench"
        ).split()
        assert counted[0] == counted[1], counted
    answers = sum(int(each["responses"]) for each in results)
    return HotPost(
        answers,
        sum(int(each["refused"]) for each in results),
        max(each["seconds"] for each in results),
        max(each["p50_ms"] for each in results),
        max(each["p99_ms"] for each in results),
        (after[0] - before[0]) / answers * 1000,
        (after[1] - before[1]) / answers * 1000,
        conflicts,
    )


async def _load(
    scratch: Path, ports: Sequence[int], post: int, tokens: Sequence[str], seconds: float
) -> list[dict[str, float]]:
    """Let each liker like and unlike the post in turn; return the figures of each port."""
    clients: list[asyncio.subprocess.Process] = []
    for number, port in enumerate(ports):
        own = tokens[number :: len(ports)]
        wanted = scratch / f"requests{number}.json"
        path = f"/posts/{post}/likes"
        wanted.write_text(
            json.dumps([[path, token, method] for method in ("POST", "DELETE") for token in own])
        )
        clients.append(
            await asyncio.create_subprocess_exec(
                sys.executable, "-m", "benchmarks.load", str(port), f"--requests={wanted}", "--in-turn",
                f"--connections={len(own)}", f"--seconds={seconds}", cwd=ROOT, stdout=asyncio.subprocess.PIPE,
            )
        )  # fmt: skip
    outputs = await asyncio.gather(*(client.communicate() for client in clients))
    return [json.loads(out) for out, _ in outputs]


def _conflicts(nodes: Sequence[MariaDB]) -> int:
    """Return how many transactions the nodes gave up for those of other nodes."""
    names = "'wsrep_local_cert_failures', 'wsrep_local_bf_aborts'"
    return sum(
        int(line.split()[1])
        for node in dict.fromkeys(nodes)
        for line in node.query(f"SHOW STATUS WHERE Variable_name IN ({names})").splitlines()
    )
