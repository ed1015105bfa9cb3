"""A refusal is readable by a client that writes its whole body first, and the time for that is limited."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import pytest
from aiohttp import web

from server.errors import Throttled, Unavailable
from server.handlers.http.bodies.lingering import LingerLimits
from server.handlers.http.bodies.time_limits import TimeLimits
from server.handlers.http.connections.runner import Runner
from server.handlers.http.middleware import InFlight
from server.metrics import Metrics

BODY_BYTES = 2_000_000
TIMEOUT_S = 10.0
IDLE_S = 0.3
LIMITS = LingerLimits(TimeLimits(IDLE_S, min_bytes_per_s=100_000, total_s=60.0), max_bytes=2 * BODY_BYTES)

Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Connect to a server that refuses each request at once: with 401, 429 or 503, by path."""

    async def refuse(_: web.Request) -> web.Response:
        return web.Response(status=401, text="no")

    async def throttle(_: web.Request) -> web.Response:
        raise Throttled("Too many requests.", retry_after_s=7)

    async def fail(_: web.Request) -> web.Response:
        raise Unavailable(retry_after_s=7)

    app = web.Application(middlewares=[InFlight(Metrics()).middleware()])  # pyright: ignore[reportArgumentType]
    for path, handler in (("/", refuse), ("/429", throttle), ("/503", fail)):
        app.router.add_post(path, handler)
    runner = Runner(app, access_log=None, handle_signals=False, linger=LIMITS)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    writers: list[asyncio.StreamWriter] = []

    async def connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(*runner.addresses[0][:2])
        writers.append(writer)
        return reader, writer

    async with asyncio.timeout(TIMEOUT_S):
        yield connect
    for writer in writers:
        writer.close()
    await runner.cleanup()


def head(length: int, *more: str, path: str = "/") -> bytes:
    return "\r\n".join(
        [f"POST {path} HTTP/1.1", "Host: a", f"Content-Length: {length}", *more, "", ""]
    ).encode()


async def test_refusal_is_readable_after_the_whole_body(connect: Connect) -> None:
    reader, writer = await connect()
    pieces = 20
    writer.write(head(BODY_BYTES))
    for _ in range(pieces):  # slower than the idle timeout in total
        writer.write(b"x" * (BODY_BYTES // pieces))
        await writer.drain()
        await asyncio.sleep(2 * IDLE_S / pieces)
    answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"Connection: close\r\n" in answer


@pytest.mark.parametrize("status", ["429", "503"])
async def test_time_to_retry_is_readable_after_the_whole_body(connect: Connect, status: str) -> None:
    reader, writer = await connect()
    writer.write(head(BODY_BYTES, path=f"/{status}") + b"x" * BODY_BYTES)
    await writer.drain()
    answer = await reader.read()
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"Retry-After: 7\r\n" in answer
    assert b"Connection: close\r\n" in answer


async def test_short_rest_of_a_body_keeps_the_connection(connect: Connect) -> None:
    reader, writer = await connect()
    for _ in range(2):
        writer.write(head(1000))
        assert b"Connection: close" not in await reader.readuntil(b"\r\n\r\nno")
        writer.write(b"x" * 1000)


async def test_client_that_stops_sending_is_closed(connect: Connect) -> None:
    reader, writer = await connect()
    writer.write(head(BODY_BYTES) + b"x")
    began = time.monotonic()
    assert (await reader.read()).startswith(b"HTTP/1.1 401 ")
    assert time.monotonic() - began >= IDLE_S - 0.05


async def test_client_that_sends_too_slowly_is_closed(connect: Connect) -> None:
    reader, writer = await connect()
    writer.write(head(BODY_BYTES))

    async def send_slowly() -> None:
        while True:
            writer.write(b"x")
            await asyncio.sleep(IDLE_S / 10)

    sending = asyncio.create_task(send_slowly())
    began = time.monotonic()
    with suppress(ConnectionError):
        await reader.read()
    assert IDLE_S - 0.05 <= time.monotonic() - began < TIMEOUT_S
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)


async def test_endless_body_is_cut_off(connect: Connect) -> None:
    reader, writer = await connect()
    writer.write(head(20 * BODY_BYTES) + bytes(20 * BODY_BYTES))
    with pytest.raises(ConnectionError):  # reset, because the rest is not read
        await reader.read()


async def test_lost_connection_ends_the_reading(connect: Connect) -> None:
    reader, writer = await connect()
    writer.write(head(BODY_BYTES))
    await reader.readuntil(b"\r\n\r\n")
    writer.transport.abort()
