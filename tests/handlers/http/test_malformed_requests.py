"""A connection ends when a request's head comes a byte at a time, or when the rest of a body cannot be read."""

import asyncio
import contextlib
import time

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from server.handlers.http.malformed_requests import Runner

KEEP_ALIVE_S = 0.5


async def test_a_head_that_dribbles_is_given_up() -> None:
    runner = Runner(web.Application(), access_log=None, handle_signals=False, keepalive_timeout=KEEP_ALIVE_S)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0]
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(b"GET / HTTP/1.1\r\n")

    async def dribble() -> None:
        while True:
            writer.write(b"a")
            await asyncio.sleep(0.05)

    dribbling = asyncio.create_task(dribble())
    began = time.monotonic()
    async with asyncio.timeout(10):
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
    assert time.monotonic() - began < KEEP_ALIVE_S + 3
    dribbling.cancel()
    await asyncio.gather(dribbling, return_exceptions=True)
    writer.close()
    await runner.cleanup()


async def test_a_body_that_is_damaged_after_its_answer_is_no_fault_of_ours(
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
    assert [line["event"] for line in logs] == ["request_malformed"]
    assert caplog.records == []
    writer.close()
    await runner.cleanup()
