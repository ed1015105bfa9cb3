"""Sizes of a crowd of users: rows and bytes of each table, and Redis memory per reader with a cached feed.

BENCH_USERS is the number of users (default: 5,000), with ten posts each.
"""

import asyncio
import json
import os
import sys
from contextlib import ExitStack

from rich.console import Console
from rich.table import Table

from benchmarks.dataset import Dataset, mariadb_stack, opened
from benchmarks.processes import server, unlimited_config
from server.ids import UserId
from server.models.jobs.installation import InstallationRepository
from tools.harness.access_tokens import access_tokens
from tools.harness.backends import ROOT
from tools.harness.servers import make_scratch

USERS = int(os.environ.get("BENCH_USERS", "5000"))
READERS = 1000
NOTIFICATIONS = 10  # per user


async def measure(console: Console) -> None:
    """Print the tables by size, per user, and the memory of Redis per reader."""
    scratch = make_scratch()
    with mariadb_stack(scratch) as stack:
        if stack is None or stack.mariadb is None:
            console.print("The benchmark of sizes needs MariaDB and Redis, which are not installed.")
            return
        async with opened(stack):
            pass
        environ = {**os.environ, **stack.environ}
        with console.status(f"{USERS} users"):
            for command in (["-m", "seeds", f"--scale={USERS}"], ["run.py", "search", "rebuild"]):
                running = await asyncio.create_subprocess_exec(
                    sys.executable, *command, cwd=ROOT, env=environ, stdout=asyncio.subprocess.DEVNULL
                )
                assert await running.wait() == 0
            async with opened(stack) as (database, _):
                dataset = Dataset(database)
                users = [UserId(row["id"]) for row in await database.rows("SELECT id FROM users")]
                posts = [row["id"] for row in await database.rows("SELECT id FROM posts LIMIT 1000")]
                await dataset.sessions(users)
                for sequence in range(1, NOTIFICATIONS + 1):
                    await dataset.notifications(users, posts, sequence)
        tables = stack.mariadb.query(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'bench'"
        ).split()
        stack.mariadb.query(f"ANALYZE TABLE {', '.join(tables)}", "bench")
        table = Table("table", "rows per user", "bytes per user", title=f"{USERS} users")
        total = 0
        for name, size in sorted(
            (
                (line.split("\t")[0], int(line.split("\t")[1]))
                for line in stack.mariadb.query(
                    "SELECT table_name, data_length + index_length FROM information_schema.tables"
                    " WHERE table_schema = 'bench'"
                ).splitlines()
            ),
            key=lambda each: -each[1],
        ):
            total += size
            rows = int(stack.mariadb.query(f"SELECT COUNT(*) FROM {name}", "bench"))
            if rows * 20 >= USERS:
                table.add_row(name, f"{rows / USERS:.2f}", f"{size / USERS:.0f}")
        table.add_row("all", "", f"{total / USERS:.0f}")
        console.print(table)
        stack.redis.flush()
        async with opened(stack) as (database, redis):
            rows = await database.rows("SELECT id FROM users ORDER BY id LIMIT ?", [READERS])
            readers = [UserId(row["id"]) for row in rows]
            sessions = list(zip(readers, await Dataset(database).sessions(readers), strict=True))
            epoch = await InstallationRepository(database).get_epoch()
            tokens = access_tokens(stack, sessions, epoch or "")
            config = unlimited_config(scratch)
            with ExitStack() as servers:
                command = [sys.executable, "run.py", "--role=api", f"--config={config}", "--port=0"]
                _, ready = servers.enter_context(server(command, {**environ, "LOG_FORMAT": "json"}))
                port = json.loads(ready)["listening"].rpartition(":")[2]
                before = int((await redis.info("memory"))["used_memory"])
                wanted = scratch / "requests.json"
                wanted.write_text(json.dumps([["/feed?limit=20", token, "GET"] for token in tokens]))
                load = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", "benchmarks.load", port, f"--requests={wanted}", "--in-turn",
                    "--connections=16", "--seconds=15", cwd=ROOT, stdout=asyncio.subprocess.PIPE,
                )  # fmt: skip
                out, _ = await load.communicate()
                figures = json.loads(out)
                assert figures["responses"] >= READERS, figures
                assert not figures["refused"], figures
                after = int((await redis.info("memory"))["used_memory"])
                with stack.redis.client() as client:
                    feeds: list[str] = list(client.scan_iter("feed:*", count=1000))
        console.print(
            f"Redis: {(after - before) / READERS / 1024:.1f} KB per reader, {len(feeds)} feeds,"
            f" {before / 1024 / 1024:.1f} MB before"
        )
