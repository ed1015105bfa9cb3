"""Search benchmark: completing and finding names among many users, on both databases.

BENCH_USERS is the number of users (default: 100,000; at most 1,000,000). The viewer follows a thousand of them. The
baseline is the statement that a search without an index needs.
"""

import asyncio
import os
import random
import statistics
import time
from collections.abc import Awaitable, Callable

from redis.asyncio import Redis
from rich.console import Console
from rich.table import Table

from benchmarks.dataset import Dataset, embedded_stack, mariadb_stack, opened
from benchmarks.people import FIRST, LAST, insert_people
from server import logs
from server.ids import UserId
from server.models.database import Database
from tools.harness.backends import Stack
from tools.harness.servers import make_scratch
from tools.harness.services import ServiceHarness

USERS = int(os.environ.get("BENCH_USERS", "100000"))
FOLLOWED = 1000
SEARCHES = 1000
SCANS = 4
CONCURRENT = 4
LIMIT = 10

Search = Callable[[str], Awaitable[object]]


async def measure(console: Console) -> None:
    """Print a table per database; MariaDB only if it is installed."""
    logs.configure("error", "console")
    scratch = make_scratch()
    with embedded_stack(scratch) as stack:
        await _measure(console, stack)
    with mariadb_stack(scratch) as stack:
        if stack is not None:
            await _measure(console, stack)


async def _measure(console: Console, stack: Stack) -> None:
    async with opened(stack) as (database, redis):
        began = time.perf_counter()
        with console.status(f"{USERS} users on {stack.name}"):
            users = await insert_people(database, USERS)
            (viewer,) = await Dataset(database).users(1)
            await Dataset(database).follow([viewer], random.Random(2).sample(users, FOLLOWED))
            if stack.mariadb is not None:
                await database.rows("ANALYZE TABLE users, search_terms, search_entries, follows")
        inserted_s = time.perf_counter() - began
        with console.status("searches"):
            await _search(console, stack, database, redis, viewer)
        console.print(
            f"{USERS} users inserted and indexed in {inserted_s:.0f} s; {await _size(stack, database)}"
        )


async def _search(console: Console, stack: Stack, database: Database, redis: Redis, viewer: UserId) -> None:
    services = ServiceHarness(database, redis, stack.redis.url, stack.var_dir)
    discovery = services.discovery.users
    kinds: dict[str, tuple[Search, list[str]]] = {
        "complete a prefix": (lambda text: discovery.complete(viewer, text, LIMIT), _prefixes()),
        "search for a name": (lambda text: discovery.search(viewer, text, LIMIT), _names()),
        "search with a typing error": (lambda text: discovery.search(viewer, text, LIMIT), _typos()),
    }
    table = Table(
        f"{stack.name}, {CONCURRENT} at once",
        "p50",
        "p99",
        "worst",
        title=f"{USERS} users, {FOLLOWED} of them followed",
    )
    for label, (search, texts) in kinds.items():
        await _timed(search, texts[:100])
        took = sorted(await _timed(search, texts))
        shown = statistics.median(took), took[int(len(took) * 0.99)], took[-1]
        table.add_row(label, *(f"{each * 1000:.1f} ms" for each in shown))
    sql = "SELECT id FROM users WHERE username_key LIKE ? OR full_name LIKE ? ORDER BY followers_count DESC LIMIT 10"

    async def scan(text: str) -> object:
        return await database.rows(sql, [f"{text}%", f"%{text}%"])

    with database.statement_timeout(60):
        took = sorted(await _timed(scan, _prefixes()[:SCANS]))
    table.add_row("LIKE without an index", f"{statistics.median(took) * 1000:.0f} ms", "", "")
    console.print(table)
    await services.close()


async def _timed(search: Search, texts: list[str]) -> list[float]:
    """Return the seconds of each search, with CONCURRENT of them at once."""
    waiting, took = iter(texts), list[float]()

    async def client() -> None:
        for text in waiting:
            began = time.perf_counter()
            await search(text)
            took.append(time.perf_counter() - began)

    await asyncio.gather(*(client() for _ in range(CONCURRENT)))
    return took


def _prefixes() -> list[str]:
    """Return what is typed character by character: every beginning of names, from one character on."""
    chosen = random.Random(3)
    texts: list[str] = []
    while len(texts) < SEARCHES:
        name = chosen.choice(FIRST) + chosen.choice(("", ".", "_")) + chosen.choice(LAST)
        texts += [name[:length] for length in range(1, len(name) + 1)]
    return texts[:SEARCHES]


def _names() -> list[str]:
    chosen = random.Random(4)
    other = ("山", "王小", "ใจ", "иван", "علي", "ari", "ilv")
    return [
        chosen.choice(other) if n % 5 == 0 else f"{chosen.choice(FIRST)} {chosen.choice(LAST)}"
        for n in range(SEARCHES)
    ]


def _typos() -> list[str]:
    chosen = random.Random(5)
    texts: list[str] = []
    for _ in range(SEARCHES // 4):
        name = chosen.choice(FIRST) + chosen.choice(LAST)
        at = chosen.randrange(len(name))
        texts.append(f"{name[:at]}x{name[at + 1 :]}")
    return texts


async def _size(stack: Stack, database: Database) -> str:
    if stack.mariadb is None:
        (pages,) = await database.rows("PRAGMA page_count")
        return f"SQLite file of {pages['page_count'] * 4096 / 1e6:.0f} MB"
    rows = await database.rows(
        "SELECT table_name AS name, data_length + index_length AS bytes FROM information_schema.tables"
        " WHERE table_schema = DATABASE() AND table_name IN ('users', 'search_terms', 'search_entries')"
    )
    return ", ".join(f"{row['name']} {row['bytes'] / 1e6:.0f} MB" for row in rows)
