"""Tests of the pipelined Redis client."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from server.errors import Unavailable
from server.gateways.redis.error_replies import RedisUnavailable, ReplyError
from server.gateways.redis.lua import Call, Script
from server.gateways.redis.pipelined_client import PipelinedRedis
from tools.harness.servers import RedisServer

ECHO = Script("return {KEYS[1], ARGV[1], tonumber(ARGV[2]), false}")


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[PipelinedRedis]:
    client = PipelinedRedis(redis_url, timeout_s=1.0)
    yield client
    await client.close()


async def test_answers_reach_their_callers(client: PipelinedRedis) -> None:
    async def ask(number: int) -> bytes:
        answer: bytes = await client.command("ECHO", f"number {number}")
        return answer

    answers = await asyncio.gather(*(ask(number) for number in range(500)))
    assert answers == [f"number {number}".encode() for number in range(500)]


async def test_commands_of_one_call_are_answered_in_order(client: PipelinedRedis) -> None:
    assert await client.commands(("SET", "a", "1", "PX", 1000), ("GET", "a"), ("GET", "b")) == [
        b"OK",
        b"1",
        None,
    ]


async def test_missing_script_is_loaded(client: PipelinedRedis) -> None:
    await client.command("SCRIPT", "FLUSH")
    for _ in range(2):
        assert await client.run(ECHO, ["key"], ["ü", 7]) == [b"key", "ü".encode(), 7, None]


async def test_rejected_command_fails_its_caller_only(client: PipelinedRedis) -> None:
    await client.command("SET", "text", "a", "PX", 1000)
    good, bad = await asyncio.gather(
        client.command("ECHO", "good"), client.command("LPUSH", "text", "x"), return_exceptions=True
    )
    assert good == b"good"
    assert isinstance(bad, ReplyError)


async def test_cancelled_caller_does_not_affect_others(client: PipelinedRedis) -> None:
    await client.command("PING")
    tasks = [asyncio.create_task(client.command("ECHO", str(number))) for number in range(100)]
    await asyncio.sleep(0)
    for task in tasks[::3]:
        task.cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    for number, answer in enumerate(answers):
        if number % 3:
            assert answer == str(number).encode()
        else:
            assert isinstance(answer, asyncio.CancelledError)


async def test_restarted_redis_has_another_run_id(own_server: RedisServer) -> None:
    client = PipelinedRedis(own_server.url, timeout_s=1.0)
    await client.command("PING")
    first = client.run_id
    assert len(first) == 12
    own_server.kill()
    for _ in range(3):
        with pytest.raises(RedisUnavailable) as caught:
            await client.command("PING")
        assert caught.value.code == "unavailable"
        assert client.run_id == ""
    own_server.start()
    deadline = time.monotonic() + 5
    while True:
        try:
            assert await client.command("PING") == b"PONG"
            break
        except Unavailable:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
    assert client.run_id not in {first, ""}
    await client.close()


async def test_hanging_redis_times_out(own_server: RedisServer) -> None:
    client = PipelinedRedis(own_server.url, timeout_s=0.3)
    await client.command("PING")
    own_server.pause()
    began = time.monotonic()
    answers = await asyncio.gather(*(client.command("PING") for _ in range(50)), return_exceptions=True)
    assert all(isinstance(answer, Unavailable) for answer in answers)
    assert time.monotonic() - began < 2
    own_server.resume()
    await client.close()


async def test_error_does_not_contain_the_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    client = PipelinedRedis(f"redis://127.0.0.1:{port}", timeout_s=1.0)
    with pytest.raises(Unavailable) as caught_error:
        await client.command("PING")
    assert str(port) not in caught_error.value.reason
    assert caught_error.value.detail == "Service temporarily unavailable."
    assert "ConnectionRefusedError" in caught_error.value.reason
    await client.close()


async def test_closed_client_is_unavailable(client: PipelinedRedis, redis_url: str) -> None:
    await client.close()
    with pytest.raises(Unavailable):
        await client.command("PING")
    async with Redis.from_url(redis_url) as redis:
        assert len(await redis.client_list()) == 1


async def test_missing_scripts_of_a_batch_are_answered_in_order(
    client: PipelinedRedis,
) -> None:
    await client.command("SCRIPT", "FLUSH")
    run_id_and_argument = Script("return {ARGV[1], ARGV[2]}")
    calls = [
        Call(ECHO, ["a"], ["b", 1]),
        Call(run_id_and_argument, [], ["c"], with_run_id=True),
        Call(ECHO, ["d"], ["e", 2]),
    ]
    for _ in range(2):
        assert await client.batch(calls) == [
            [b"a", b"b", 1, None], [client.run_id.encode(), b"c"], [b"d", b"e", 2, None]
        ]  # fmt: skip


async def test_batch_raises_the_first_error(client: PipelinedRedis) -> None:
    bad = Script("return redis.call('LPUSH', KEYS[1])")
    with pytest.raises(ReplyError):
        await client.batch([Call(ECHO, ["a"], ["b", 1]), Call(bad, ["key"]), Call(bad, ["key"])])
    assert await client.command("PING") == b"PONG"


async def test_redis_out_of_memory_is_unavailable(own_server: RedisServer) -> None:
    client = PipelinedRedis(own_server.url, timeout_s=1.0)
    await client.command("CONFIG", "SET", "maxmemory", "1")
    with pytest.raises(RedisUnavailable) as refused:
        await client.command("SET", "key", "value")
    assert refused.value.code == "unavailable"
    assert await client.command("GET", "key") is None
    await client.close()
