"""Tests of turns on a real Redis server."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from server.gateways.redis import turns as turns_module
from server.gateways.redis.pipelined_client import PipelinedRedis
from server.gateways.redis.turns import Turns

PROCESSES, CHANGES = 3, 20


@pytest.fixture
async def clients(redis_url: str) -> AsyncIterator[list[PipelinedRedis]]:
    """A client per process."""
    clients = [PipelinedRedis(redis_url, timeout_s=5.0) for _ in range(PROCESSES)]
    yield clients
    for client in clients:
        await client.close()


async def test_contended_objects_are_changed_one_after_the_other(clients: list[PipelinedRedis]) -> None:
    inside = {"a": 0, "b": 0}
    overlaps = 0

    async def change(turns: Turns, *names: str) -> None:
        nonlocal overlaps
        async with turns.hold(names):
            for name in names:
                inside[name] += 1
                overlaps += inside[name] > 1
            await asyncio.sleep(0.001)
            for name in names:
                inside[name] -= 1

    processes = [Turns(client) for client in clients]
    for turns in processes:
        turns.conflicted(["a", "b"])
    changes = [("a",), ("b",), ("b", "a")]
    await asyncio.gather(
        *(change(turns, *changes[number % 3]) for turns in processes for number in range(CHANGES))
    )
    assert overlaps == 0
    assert inside == {"a": 0, "b": 0}


async def test_objects_without_conflicts_have_no_turns(clients: list[PipelinedRedis]) -> None:
    first, second = Turns(clients[0]), Turns(clients[1])
    first.conflicted(["a"])
    second.conflicted(["a"])
    async with first.hold(["b"]), second.hold(["b"]):
        pass
    assert await clients[0].command("DBSIZE") == 0


async def test_turn_of_a_killed_process_ends_by_itself(
    clients: list[PipelinedRedis], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns_module, "TURN_MS", 50)
    killed, other = Turns(clients[0]), Turns(clients[1])
    killed.conflicted(["a"])
    other.conflicted(["a"])
    async with killed.hold(["a"]), other.hold(["a"]):
        # The turn that ended is not the other's to end.
        owner = await clients[2].command("GET", "turn:{a}")
    assert owner is not None


async def test_change_is_made_without_a_turn_if_redis_is_unavailable(redis_url: str) -> None:
    client = PipelinedRedis("redis://127.0.0.1:1/0", timeout_s=1.0)
    turns = Turns(client)
    turns.conflicted(["a"])
    async with turns.hold(["a"]):
        pass
    await client.close()


async def test_change_does_not_wait_forever_for_a_turn(
    clients: list[PipelinedRedis], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns_module, "MAX_WAIT_S", 0.05)
    slow, other = Turns(clients[0]), Turns(clients[1])
    slow.conflicted(["a"])
    other.conflicted(["a"])
    async with slow.hold(["a"]):
        owner = await clients[2].command("GET", "turn:{a}")
        async with other.hold(["a"]):
            assert await clients[2].command("GET", "turn:{a}") == owner
    assert await clients[2].command("GET", "turn:{a}") is None
