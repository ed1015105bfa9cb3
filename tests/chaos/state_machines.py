"""Shared by the state machines: services that run on a synchronous machine's loop, and the length of a run."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import aiosqlite
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test
from redis.asyncio import Redis

from server.errors import AppError, Unavailable
from server.models.database import Database
from server.paging import Page, PageRequest, decode_cursor
from tests.chaos.environment import FULL
from tests.support.jobs import build_counter_audit
from tools.harness.backends import Stack
from tools.harness.services import ServiceHarness

MAX_ITEMS = 1000


async def outcome(awaitable: Awaitable[Any]) -> Any:
    """Return the result, or the code of the refusal."""
    try:
        return await awaitable
    except Unavailable:  # a busy machine; not an answer of the program
        raise
    except AppError as error:
        return error.code


class ServiceRunner:
    """Runs services on one event loop for a synchronous state machine, and counts the steps."""

    def __init__(self, runner: asyncio.Runner, harness: ServiceHarness) -> None:
        self._runner = runner
        self.harness = harness
        self.counter_audit = build_counter_audit(harness)
        self.runs = self.steps = 0

    def do(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self._runner.run(coroutine)

    def outcome(self, awaitable: Awaitable[Any]) -> Any:
        """Return the result, or the code of the refusal."""
        return self.do(outcome(awaitable))

    def pages(
        self, read: Callable[[PageRequest], Awaitable[Page[Any]]], limit: int, order: bytes = b""
    ) -> Any:
        """Return all items of a list, read in full pages of `limit`, or the code of the refusal."""

        async def walk() -> Any:
            items: list[Any] = []
            request = PageRequest(limit)
            try:
                while True:
                    page = await read(request)
                    items += page.items
                    if page.next_cursor is None:
                        assert len(page.items) <= limit
                        return items
                    assert len(page.items) == limit
                    assert len(items) < MAX_ITEMS, "the list has no end"
                    request = PageRequest(limit, decode_cursor(page.next_cursor, order))
            except Unavailable:
                raise
            except AppError as error:
                return error.code

        return self.do(walk())


async def _execute_at_once(_: aiosqlite.Connection, call: Callable[..., Any], *arguments: Any) -> Any:
    return call(*arguments)


@pytest.fixture
def runner(migrated_stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServiceRunner]:
    """The services of the stack under test, on a loop that pauses between steps."""
    # Statements of SQLite run in the thread of the loop: the connection's own thread doubles the time of a step.
    monkeypatch.setattr(aiosqlite.Connection, "_execute", _execute_at_once)
    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, check_same_thread=False))
    # Not about time: a busy machine gets longer timeouts.
    database = Database(replace(migrated_stack.database_parameters(), timeout_s=30.0))
    redis = Redis.from_url(migrated_stack.redis.url)
    with asyncio.Runner() as runner:
        runner.run(database.open())
        harness = ServiceHarness(database, redis, migrated_stack.redis.url, migrated_stack.var_dir)
        yield ServiceRunner(runner, harness)
        runner.run(harness.close())
        runner.run(database.close())
        runner.run(redis.aclose())


def run_machine(machine: Callable[[], RuleBasedStateMachine], runs: int, steps_per_run: int) -> None:
    """Run a state machine; the short form makes the same runs each time."""
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=runs,
            stateful_step_count=steps_per_run,
            deadline=None,
            derandomize=not FULL,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
