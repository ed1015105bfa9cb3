"""Slow request headers and unreadable bodies close the connection."""

import asyncio
import contextlib
import time

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from server.handlers.http.connections.runner import Runner

KEEP_ALIVE_S = 0.5


async def test_slow_request_headers_time_out() -> None:
    runner = Runner(web.Application(), access_log=None, handle_signals=False, keepalive_timeout=KEEP_ALIVE_S)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0]
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(b"GET / HTTP/1.1\r\n")

    async def send_slowly() -> None:
        while True:
            writer.write(b"a")
            await asyncio.sleep(0.05)

    sender = asyncio.create_task(send_slowly())
    started = time.monotonic()
    async with asyncio.timeout(10):
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
    assert time.monotonic() - started < KEEP_ALIVE_S + 3
    sender.cancel()
    await asyncio.gather(sender, return_exceptions=True)
    writer.close()
    await runner.cleanup()


async def test_unreadable_rest_of_a_body_is_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    runner = Runner(web.Application(), access_log=None, handle_signals=False)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0]
    reader, writer = await asyncio.open_connection(host, port)
    with capture_logs() as logs:
        async with asyncio.timeout(10):
            writer.write(
                b"POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: 4000\r\n\r\n"
            )
            assert b" 404 " in await reader.readuntil(b"\r\n\r\n")
            writer.write(b"no gzip " * 500)
            with contextlib.suppress(ConnectionError):
                await reader.read()
    assert logs == []
    assert caplog.records == []
    writer.close()
    await runner.cleanup()


@pytest.mark.parametrize(
    "head",
    [
        b"POST / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 1\r\n\r\na",
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    ],
)
async def test_request_with_an_unclear_end_ends_the_connection(head: bytes) -> None:
    runner = Runner(web.Application(), access_log=None, handle_signals=False)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0]
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(head + b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    async with asyncio.timeout(10):
        answers = await reader.read()
    assert answers.count(b"HTTP/1.") == 1
    writer.close()
    await runner.cleanup()
