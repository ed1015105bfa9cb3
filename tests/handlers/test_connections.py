"""A connection on which a request's head comes a byte at a time ends, whatever keeps coming."""

import asyncio
import contextlib
import time

from aiohttp import web

from server.handlers.connections import Runner

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
