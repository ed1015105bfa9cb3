"""The shared connection to Redis: answers find whoever asked, and a Redis that is away is said to be."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from server.errors import Unavailable
from server.gateways.redis.pipelined_client import Call, PipelinedRedis, RedisUnavailable, ReplyError, Script
from tests.support.servers import RedisServer

ECHO = Script("return {KEYS[1], ARGV[1], tonumber(ARGV[2]), false}")


@pytest.fixture
async def wire(redis_url: str) -> AsyncIterator[PipelinedRedis]:
    wire = PipelinedRedis(redis_url, timeout_s=1.0)
    yield wire
    await wire.close()


async def test_answers_find_whoever_asked(wire: PipelinedRedis) -> None:
    async def ask(number: int) -> bytes:
        answer: bytes = await wire.command("ECHO", f"number {number}")
        return answer

    answers = await asyncio.gather(*(ask(number) for number in range(500)))
    assert answers == [f"number {number}".encode() for number in range(500)]


async def test_commands_of_one_call_are_answered_in_their_order(wire: PipelinedRedis) -> None:
    assert await wire.commands(("SET", "a", "1", "PX", 1000), ("GET", "a"), ("GET", "b")) == [
        b"OK",
        b"1",
        None,
    ]


async def test_a_script_is_loaded_when_it_is_missing(wire: PipelinedRedis) -> None:
    await wire.command("SCRIPT", "FLUSH")
    for _ in range(2):
        assert await wire.run(ECHO, ["key"], ["ü", 7]) == [b"key", "ü".encode(), 7, None]


async def test_a_refused_command_is_the_askers_own_affair(wire: PipelinedRedis) -> None:
    await wire.command("SET", "text", "a", "PX", 1000)
    good, bad = await asyncio.gather(
        wire.command("ECHO", "good"), wire.command("LPUSH", "text", "x"), return_exceptions=True
    )
    assert good == b"good"
    assert isinstance(bad, ReplyError)


async def test_a_cancelled_asker_leaves_the_others_their_answers(wire: PipelinedRedis) -> None:
    await wire.command("PING")
    tasks = [asyncio.create_task(wire.command("ECHO", str(number))) for number in range(100)]
    await asyncio.sleep(0)
    for task in tasks[::3]:
        task.cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    for number, answer in enumerate(answers):
        if number % 3:
            assert answer == str(number).encode()
        else:
            assert isinstance(answer, asyncio.CancelledError)


async def test_a_redis_that_is_gone_is_away_and_comes_back_with_another_life(own_server: RedisServer) -> None:
    wire = PipelinedRedis(own_server.url, timeout_s=1.0)
    await wire.command("PING")
    first = wire.life
    assert len(first) == 12
    own_server.kill()
    for _ in range(3):
        with pytest.raises(RedisUnavailable) as caught:
            await wire.command("PING")
        assert caught.value.code == "unavailable"
        assert wire.life == ""
    own_server.start()
    deadline = time.monotonic() + 5
    while True:
        try:
            assert await wire.command("PING") == b"PONG"
            break
        except Unavailable:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
    assert wire.life not in {first, ""}
    await wire.close()


async def test_a_redis_that_hangs_is_given_up_in_time(own_server: RedisServer) -> None:
    wire = PipelinedRedis(own_server.url, timeout_s=0.3)
    await wire.command("PING")
    own_server.pause()
    began = time.monotonic()
    answers = await asyncio.gather(*(wire.command("PING") for _ in range(50)), return_exceptions=True)
    assert all(isinstance(answer, Unavailable) for answer in answers)
    assert time.monotonic() - began < 2
    own_server.resume()
    await wire.close()


async def test_clients_are_not_told_where_redis_should_be() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    wire = PipelinedRedis(f"redis://127.0.0.1:{port}", timeout_s=1.0)
    with pytest.raises(Unavailable) as away:
        await wire.command("PING")
    assert str(port) not in away.value.reason
    assert away.value.detail == "Service temporarily unavailable."
    assert "ConnectionRefusedError" in away.value.reason
    await wire.close()


async def test_nobody_is_answered_after_the_end(wire: PipelinedRedis, redis_url: str) -> None:
    await wire.close()
    with pytest.raises(Unavailable):
        await wire.command("PING")
    async with Redis.from_url(redis_url) as redis:
        assert len(await redis.client_list()) == 1


async def test_scripts_of_one_batch_are_answered_in_their_order_also_when_they_are_missing(
    wire: PipelinedRedis,
) -> None:
    await wire.command("SCRIPT", "FLUSH")
    life = Script("return {ARGV[1], ARGV[2]}")
    calls = [Call(ECHO, ["a"], ["b", 1]), Call(life, [], ["c"], with_life=True), Call(ECHO, ["d"], ["e", 2])]
    for _ in range(2):
        assert await wire.batch(calls) == [
            [b"a", b"b", 1, None], [wire.life.encode(), b"c"], [b"d", b"e", 2, None]
        ]  # fmt: skip


async def test_a_batch_fails_with_the_first_of_its_scripts(wire: PipelinedRedis) -> None:
    bad = Script("return redis.call('LPUSH', KEYS[1])")
    with pytest.raises(ReplyError):
        await wire.batch([Call(ECHO, ["a"], ["b", 1]), Call(bad, ["key"]), Call(bad, ["key"])])
    assert await wire.command("PING") == b"PONG"


async def test_a_redis_without_room_is_away_and_no_fault_of_ours(own_server: RedisServer) -> None:
    wire = PipelinedRedis(own_server.url, timeout_s=1.0)
    await wire.command("CONFIG", "SET", "maxmemory", "1")
    with pytest.raises(RedisUnavailable) as refused:
        await wire.command("SET", "key", "value")
    assert refused.value.code == "unavailable"
    assert await wire.command("GET", "key") is None
    await wire.close()
