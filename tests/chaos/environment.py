"""Shared by the fault-injection tests: repetitions, configuration, and views of database and Redis from outside.

`make test` injects each fault once or twice, with short leases. `make chaos` (CHAOS=full) repeats it as often as the
reliability table states, with the leases of config.toml.
"""

import asyncio
import os
import random
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from redis import Redis

from server.gateways.embedded_redis.processes import socket_path
from server.models.database import NOW_MS
from tests.e2e.conftest import Register
from tests.support.program import Program, config_file
from tests.support.traffic import Traffic
from tools.harness.backends import Stack, start_mariadb
from tools.harness.servers import DB_PASSWORD, DB_USERNAME, RedisServer
from tools.harness.waiting import wait_until

FULL = os.environ.get("CHAOS") == "full"
LEASE_S = 15.0 if FULL else 1.5
FAULT_INJECTION = Path(__file__).with_name("fault_injection.py")
ROWS_PER_STATEMENT = 1000
# One line per request, and per e-mail or push that goes to the outbox folder.
EXPECTED_EVENTS = ("request", "email_written_to_outbox", "push_written_to_outbox")
A_DAY_MS = 86_400_000  # so old, a job of an unknown kind does not wait for a newer worker
FIRST_JOB = 1_000  # below all generated ids

QUICK = {"lease_ms = 15000": "lease_ms = 1500", "heartbeat_ms = 5000": "heartbeat_ms = 400"}
# Keep completed jobs, which are counted, and lift the rate limits, which only slow the tests down. AVIFs wait for CPU
# time that nothing else needs, so that no test can say when they are made.
COUNTABLE = {
    "modern_format = true": "modern_format = false",
    "keep_completed = 100": "keep_completed = 100000",
    "rate_per_s = 100.0": "rate_per_s = 0.0",
    "rate_per_s = 50.0": "rate_per_s = 0.0",
    "rate_per_s = 20.0": "rate_per_s = 0.0",
}


@contextmanager
def own_mariadb(folder: Path, redis: RedisServer) -> Iterator[Stack]:
    """Run a private MariaDB, which syncs its commits and may be killed, beside `redis`."""
    folder.mkdir()
    mariadb = start_mariadb(folder / "server", durable=True)
    mariadb.query("CREATE DATABASE killed")
    credentials = {
        "DB_HOST": "127.0.0.1",
        "DB_PORT": str(mariadb.port),
        "DB_USERNAME": DB_USERNAME,
        "DB_PASSWORD": DB_PASSWORD,
        "DB_NAME": "killed",
    }
    try:
        yield Stack("mariadb", folder, redis, credentials, mariadb)
    finally:
        mariadb.stop()
        shutil.rmtree(folder)


def rounds(short: int, full: int) -> int:
    """Return `full` with CHAOS=full, else `short`."""
    return full if FULL else short


def configuration(stack: Stack, changes: Mapping[str, str] | None = None) -> Path:
    """Write a config.toml for these tests; `changes` maps lines to their replacements."""
    return config_file(stack.var_dir, {**COUNTABLE, **({} if FULL else QUICK), **(changes or {})})


def with_faults(**orders: Any) -> dict[str, Any]:
    """Return the arguments with which `new_program` injects these faults."""
    return {"script": FAULT_INJECTION, "FAULTS": orjson.dumps(orders, default=str).decode()}


def ask(stack: Stack, sql: str) -> list[list[str]]:
    """Return the rows of a SELECT, values as text; NULL is 'NULL'."""
    if stack.mariadb is not None:
        out = stack.mariadb.query(sql, stack.database["DB_NAME"])
        return [line.split("\t") for line in out.splitlines()]
    with closing(sqlite3.connect(stack.sqlite_file, timeout=10)) as database:
        return [["NULL" if value is None else str(value) for value in row] for row in database.execute(sql)]


def number(stack: Stack, sql: str) -> int:
    """Return the single number that a SELECT finds."""
    ((value,),) = ask(stack, sql)
    return int(value)


def insert(stack: Stack, table: str, columns: str, rows: Iterable[str]) -> None:
    """Insert rows, each given as the text between the parentheses of VALUES, in one transaction."""
    rows = list(rows)
    batches = [rows[start : start + ROWS_PER_STATEMENT] for start in range(0, len(rows), ROWS_PER_STATEMENT)]
    statements = [
        f"INSERT INTO {table} ({columns}) VALUES {', '.join(f'({row})' for row in batch)}"
        for batch in batches
    ]
    execute(stack, statements)


def execute(stack: Stack, statements: Iterable[str]) -> None:
    """Run writing statements in one transaction."""
    if stack.mariadb is not None:
        stack.mariadb.query(";".join(["START TRANSACTION", *statements, "COMMIT"]), stack.database["DB_NAME"])
        return
    with closing(sqlite3.connect(stack.sqlite_file, timeout=10)) as database, database:
        for statement in statements:
            database.execute(statement)


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job of the queue `feed` to insert directly into the table, `age_ms` old; due in `delay_ms`."""

    id: int
    kind: str
    delay_ms: int = 0
    payload: str = "{}"
    priority: int = 0
    age_ms: int = 0


def insert_jobs(stack: Stack, jobs: Iterable[NewJob]) -> None:
    now = NOW_MS["sqlite" if stack.mariadb is None else "mysql"]
    insert(
        stack,
        "jobs",
        "id, queue, kind, payload, priority, state, run_at_ms, created_at_ms, attempts,"
        " crash_count, lease, lease_until_ms",
        (
            f"{job.id}, 'feed', '{job.kind}', '{job.payload}', {job.priority}, 'ready',"
            f" {now} + {job.delay_ms}, {now} - {job.age_ms}, 0, 0, '', 0"
            for job in jobs
        ),
    )


def some_jobs(kind: str, count: int, first: int = FIRST_JOB, within_ms: int = 0) -> list[NewJob]:
    """Return jobs of one kind, due at random times within `within_ms`."""
    return [NewJob(first + n, kind, random.randint(0, within_ms)) for n in range(count)]


def states(stack: Stack, kind: str) -> Counter[str]:
    """Count the jobs of a kind by state."""
    found = ask(stack, f"SELECT state, COUNT(*) FROM jobs WHERE kind LIKE '{kind}' GROUP BY state")
    return Counter({state: int(count) for state, count in found})


def recorded(file: Path) -> list[dict[str, Any]]:
    """Return the recorded runs of the faulty jobs."""
    return [orjson.loads(line) for line in file.read_bytes().splitlines()] if file.exists() else []


def redis_of(stack: Stack) -> Redis:
    """Return a Redis client; on the embedded stack, of the Redis that the program started."""
    if stack.name == "mariadb":
        return stack.redis.client()
    return Redis(
        unix_socket_path=str(socket_path(stack.var_dir / "redis")), socket_timeout=5, decode_responses=True
    )


async def settled(stack: Stack, deadline_s: float, kind: str = "%") -> float:
    """Wait until no job of the kind is ready or running. Return the seconds waited."""
    began, unfinished = time.monotonic(), "state IN ('ready', 'running')"

    async def nothing_left() -> bool:
        return not number(stack, f"SELECT COUNT(*) FROM jobs WHERE kind LIKE '{kind}' AND {unfinished}")

    await wait_until(nothing_left, deadline_s)
    return time.monotonic() - began


async def people(program: Program, register: Register, prefix: str = "", fans: int = 4) -> Traffic:
    """Register an author, an observer and fans who follow the author."""
    names = [f"{prefix}{name}" for name in ("author", "observer", *(f"fan{n}" for n in range(fans)))]
    author, observer, *others = await register(program, *names)
    traffic = Traffic(author, others, observer)
    await traffic.follow_author()
    return traffic


@asynccontextmanager
async def busy(traffic: Traffic) -> AsyncIterator[None]:
    """Run the traffic during the block; pending requests finish after it."""
    running = asyncio.create_task(traffic.run())
    try:
        await more(traffic, 20)
        yield
    finally:
        traffic.stop()
        await running


async def more(traffic: Traffic, writes: int, deadline_s: float = 20.0) -> None:
    """Wait until `writes` more writes are acknowledged."""
    goal = traffic.acknowledged + writes
    await wait_until(lambda: _reached(traffic, goal), deadline_s)


def loudest_second(programs: Iterable[Program]) -> tuple[int, Mapping[str, int]]:
    """Return the highest number of log lines per second of one run, expected events excluded, and the events."""
    worst: tuple[int, Mapping[str, int]] = (0, {})
    for program in programs:
        by_second: dict[str, Counter[str]] = {}
        for line in program.log:
            if line["message"] not in EXPECTED_EVENTS:
                by_second.setdefault(line["timestamp"][:19], Counter())[line["message"]] += 1
        worst = max(
            [worst, *((lines.total(), lines) for lines in by_second.values())], key=lambda each: each[0]
        )
    return worst


async def _reached(traffic: Traffic, goal: int) -> bool:
    return traffic.acknowledged >= goal
