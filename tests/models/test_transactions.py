"""Transactions on both databases: isolation, rollback, and cancellation at any point."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest
from tortoise import connections

from server.errors import Unavailable
from server.models.database import Database, DuplicateKey, SerializationFailure
from tools.harness.backends import Stack
from tools.harness.services import ServiceHarness

POINTS = 500
AT_ONCE = 5
TOTAL = 1_000_000


@asynccontextmanager
async def opened(stack: Stack, **parameters: Any) -> AsyncIterator[Database]:
    database = Database(replace(stack.database_parameters(), **parameters))
    await database.open()
    try:
        yield database
    finally:
        await database.close()


async def insert(database: Database, node: int, last_ms: int) -> None:
    """Insert a row; the nodes table needs no others."""
    await database.execute(
        "INSERT INTO nodes (node, owner, lease_until_ms, last_ms) VALUES (?, '', 0, ?)", [node, last_ms]
    )


async def add(database: Database, node: int, amount: int) -> None:
    await database.execute("UPDATE nodes SET last_ms = last_ms + ? WHERE node = ?", [amount, node])


async def amounts(database: Database) -> dict[int, int]:
    rows = await database.rows("SELECT node, last_ms FROM nodes ORDER BY node")
    return {row["node"]: row["last_ms"] for row in rows}


async def move(database: Database, source: int, target: int) -> None:
    """Write two rows that belong together, and count them in a third."""
    async with database.transaction():
        await add(database, source, -1)
        await add(database, target, +1)
        await add(database, 3, +1)


async def cancel_after(task: "asyncio.Task[Any]", steps: int) -> bool:
    """Cancel a task after some iterations of the loop; return whether it was cancelled."""
    for _ in range(steps):
        if task.done():
            break
        await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return task.cancelled()


async def assert_nothing_is_held(database: Database) -> None:
    client: Any = connections.get("default")
    if database.dialect == "sqlite":
        assert not client._lock.locked()
        assert not client._connection.in_transaction
        await move(database, 1, 2)
        await move(database, 2, 1)
        return
    pool = client._pool
    assert not pool._used
    assert pool._acquiring == 0
    size = database.parameters.pool_size
    together = asyncio.Barrier(size)

    async def hold() -> None:
        async with database.transaction():
            await together.wait()

    async with asyncio.timeout(10):
        await asyncio.gather(*(hold() for _ in range(size)))
    assert not pool._used


async def test_cancelled_transaction_holds_nothing(database: Database) -> None:
    await insert(database, 1, TOTAL)
    await insert(database, 2, 0)
    await insert(database, 3, 0)
    cancelled, reach = 0, 50.0
    for _ in range(POINTS // AT_ONCE):
        tasks = [asyncio.create_task(move(database, 1, 2)) for _ in range(AT_ONCE)]
        cuts = await asyncio.gather(*(cancel_after(task, random.randint(0, int(reach))) for task in tasks))
        cancelled += sum(cuts)
        # How many iterations a transaction takes depends on the machine: aim at cancelling every other one.
        reach *= 0.8 if sum(cuts) < AT_ONCE / 2 else 1.25
    assert POINTS // 4 < cancelled < POINTS, "the cancellations did not hit the transactions"
    left, moved, counted = (await amounts(database)).values()
    assert (left, moved) == (TOTAL - counted, counted)
    assert POINTS - cancelled <= counted < POINTS
    await assert_nothing_is_held(database)


async def test_exception_rolls_back(database: Database) -> None:
    await insert(database, 1, 10)
    with pytest.raises(ZeroDivisionError):
        async with database.transaction():
            await add(database, 1, 5)
            _ = 1 / 0
    assert await amounts(database) == {1: 10}


async def test_failed_statement_rolls_back_the_transaction(database: Database) -> None:
    await insert(database, 1, 10)
    with pytest.raises(DuplicateKey):
        async with database.transaction():
            await add(database, 1, 5)
            await insert(database, 1, 0)
    assert await amounts(database) == {1: 10}


async def test_commit_survives_the_connection(migrated_stack: Stack) -> None:
    async with opened(migrated_stack) as database, database.transaction():
        await insert(database, 1, 10)
    async with opened(migrated_stack) as database:
        assert await amounts(database) == {1: 10}


async def test_uncommitted_writes_are_invisible(database: Database) -> None:
    await insert(database, 1, 10)
    written, seen = asyncio.Event(), asyncio.Event()

    async def write() -> None:
        async with database.transaction():
            await add(database, 1, 5)
            written.set()
            if database.dialect == "mysql":
                await seen.wait()

    task = asyncio.create_task(write())
    await written.wait()
    before = await amounts(database)
    seen.set()
    await task
    # SQLite's only connection serves readers after the commit.
    assert before == ({1: 10} if database.dialect == "mysql" else {1: 15})
    assert await amounts(database) == {1: 15}


async def test_concurrent_increments_are_exact(database: Database) -> None:
    await insert(database, 1, 0)

    async def increment() -> None:
        async with database.transaction():
            ((row),) = await database.rows(f"SELECT last_ms FROM nodes WHERE node = 1{database.for_update}")
            await database.execute("UPDATE nodes SET last_ms = ? WHERE node = 1", [row["last_ms"] + 1])

    await asyncio.gather(*(increment() for _ in range(50)))
    assert await amounts(database) == {1: 50}


async def test_update_counts_matched_rows(database: Database) -> None:
    await insert(database, 1, 7)
    assert await database.execute("UPDATE nodes SET last_ms = 8 WHERE node = 1") == 1
    assert await database.execute("UPDATE nodes SET last_ms = 8 WHERE node = 1") == 1
    assert await database.execute("UPDATE nodes SET last_ms = 8 WHERE node = 2") == 0
    assert await database.execute("DELETE FROM nodes") == 1


async def test_connection_checkout_times_out(migrated_stack: Stack) -> None:
    async with opened(migrated_stack, pool_size=2, timeout_s=0.2) as database:
        release = asyncio.Event()
        holders = 2 if database.dialect == "mysql" else 1
        held = asyncio.Barrier(holders + 1)

        async def hold() -> None:
            async with database.transaction():
                await held.wait()
                await release.wait()

        tasks = [asyncio.create_task(hold()) for _ in range(holders)]
        await held.wait()
        try:
            async with asyncio.timeout(10):
                with pytest.raises(Unavailable):
                    await database.rows("SELECT 1")
                with pytest.raises(Unavailable):
                    await database.execute("DELETE FROM nodes")
                with pytest.raises(Unavailable):
                    async with database.transaction():
                        pass
        finally:
            release.set()
            await asyncio.gather(*tasks)
        assert await database.rows("SELECT 1 AS one") == [{"one": 1}]


@pytest.fixture
async def impatient(migrated_stack: Stack) -> AsyncIterator[Database]:
    """A database whose statements may take 0.2 s."""
    if migrated_stack.mariadb is None:
        pytest.skip("SQLite statements run in this process and wait only for writers")
    async with opened(migrated_stack, pool_size=2, timeout_s=0.2) as database:
        yield database


async def test_timed_out_statement_leaves_no_answer_behind(impatient: Database) -> None:
    for _ in range(3):
        with pytest.raises(Unavailable):
            await impatient.rows("SELECT SLEEP(0.7) AS slept")
    for number in range(10):
        assert await impatient.rows("SELECT ? AS mine", [number]) == [{"mine": number}]


async def test_timed_out_statement_ends_its_transaction(impatient: Database) -> None:
    await insert(impatient, 1, 10)
    for _ in range(3):
        with pytest.raises(Unavailable):
            async with impatient.transaction():
                await add(impatient, 1, 5)
                await impatient.rows("SELECT SLEEP(0.7) AS slept")
    for number in range(10):
        async with impatient.transaction():
            assert await impatient.rows("SELECT ? AS mine", [number]) == [{"mine": number}]
    assert await amounts(impatient) == {1: 10}


async def test_transaction_ends_with_a_cancelled_statement(impatient: Database) -> None:
    await insert(impatient, 1, 10)
    with pytest.raises(Unavailable):
        async with impatient.transaction():
            await add(impatient, 1, 5)
            with suppress(TimeoutError):
                async with asyncio.timeout(0.05):
                    await impatient.rows("SELECT SLEEP(0.15) AS slept")
            await impatient.rows("SELECT 1 AS mine")
    assert await impatient.rows("SELECT 2 AS mine") == [{"mine": 2}]
    assert await amounts(impatient) == {1: 10}


async def test_concurrent_queries_get_their_own_answers(database: Database) -> None:
    """Three in ten queries are cancelled, inside and outside transactions."""
    wrong: list[Any] = []
    answered = 0
    nap = "SLEEP(0.001)" if database.dialect == "mysql" else "0"

    async def ask(number: int) -> None:
        nonlocal answered
        rows = await database.rows(f"SELECT ? AS mine, {nap} AS nap", [number])
        if [row["mine"] for row in rows] != [number]:
            wrong.append((number, rows))
        answered += 1

    async def ask_twice(number: int) -> None:
        async with database.transaction():
            await ask(number)
            await ask(-number)

    async def client(first: int) -> None:
        for number in range(first, first + 30):
            task = asyncio.create_task(ask(number) if random.random() < 0.7 else ask_twice(number))
            if random.random() < 0.3:
                await cancel_after(task, random.randint(1, 30))
            else:
                await task

    await asyncio.gather(*(client(1 + 1000 * number) for number in range(20)))
    assert not wrong
    assert answered > 300


async def test_deadlock_is_a_serialization_failure(database: Database) -> None:
    if database.dialect == "sqlite":
        pytest.skip("SQLite runs one writer at a time")
    await insert(database, 1, 0)
    await insert(database, 2, 0)
    both = asyncio.Barrier(2)

    async def cross(first: int, second: int) -> None:
        async with database.transaction():
            await add(database, first, 1)
            await both.wait()
            await add(database, second, 1)

    outcomes = await asyncio.gather(cross(1, 2), cross(2, 1), return_exceptions=True)
    assert sorted(type(outcome) for outcome in outcomes if outcome) == [SerializationFailure]
    assert await amounts(database) == {1: 1, 2: 1}


async def test_unit_of_work_is_retried_after_a_deadlock(harness: ServiceHarness) -> None:
    if harness.database.dialect == "sqlite":
        pytest.skip("SQLite runs one writer at a time")
    await insert(harness.database, 1, 0)
    await insert(harness.database, 2, 0)
    both = asyncio.Barrier(2)
    runs = 0

    async def cross(first: int, second: int) -> None:
        async def body(_: Any) -> None:
            nonlocal runs
            runs += 1
            meet = runs <= 2
            await add(harness.database, first, 1)
            if meet:
                await both.wait()
            await add(harness.database, second, 1)

        await harness.unit_of_work.run(body)

    await asyncio.gather(cross(1, 2), cross(2, 1))
    assert runs == 3
    assert await amounts(harness.database) == {1: 2, 2: 2}


async def test_cancelled_batch_leaves_no_transaction_open(database: Database) -> None:
    client: Any = connections.get("default")
    values = [[node, "", 0, 0] for node in range(1, 100)]
    mark = "%s" if database.dialect == "mysql" else "?"
    sql = f"INSERT INTO nodes (node, owner, lease_until_ms, last_ms) VALUES ({', '.join([mark] * 4)})"
    for steps in range(1, 40, 2):
        await cancel_after(asyncio.create_task(client.execute_many(sql, values)), steps)
        assert len(await amounts(database)) in (0, 99)
        async with database.transaction():
            await database.execute("DELETE FROM nodes")
    await insert(database, 1, 0)
    await insert(database, 2, 0)
    await insert(database, 3, 0)
    await assert_nothing_is_held(database)
