"""One address cannot open more connections than the limit."""

import asyncio
from contextlib import suppress
from ipaddress import ip_network

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from server.handlers.http.client_ip import ClientIps
from server.handlers.http.connections.connection_limits import ConnectionLimits
from server.handlers.http.connections.runner import Runner
from tools.harness.waiting import wait_until


@pytest.mark.parametrize(("one", "same", "other"), [
    ("192.0.2.1", "192.0.2.1", "192.0.2.2"), ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"),
])  # fmt: skip
def test_address_is_limited_and_logged_once(one: str, same: str, other: str) -> None:
    limits = ConnectionLimits(2, ClientIps())
    with capture_logs() as logs:
        key = limits.admit(one)
        assert key == limits.admit(same)
        assert [limits.admit(one), limits.admit(same)] == [None, None]
        assert limits.admit(other)
        assert key
        limits.release(key)
        assert limits.admit(one)
    assert [line["event"] for line in logs] == ["connections_refused"]


@pytest.mark.parametrize("address", ["10.1.2.3", "127.0.0.1", "::1", ""])
def test_proxies_and_this_machine_are_not_limited(address: str) -> None:
    limits = ConnectionLimits(1, ClientIps([ip_network("10.0.0.0/8")]))
    assert all(limits.admit(address) is not None for _ in range(5))


async def test_connection_over_the_limit_is_closed() -> None:
    limits = ConnectionLimits(2, ClientIps(), limit_loopback=True)
    runner = Runner(web.Application(), access_log=None, handle_signals=False, connection_limits=limits)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    writers: list[asyncio.StreamWriter] = []
    answered: list[bool] = []
    async with asyncio.timeout(10):
        for number in range(4):
            reader, writer = await asyncio.open_connection(*runner.addresses[0][:2])
            writers.append(writer)
            writer.write(request)
            answer = b""
            with suppress(ConnectionError):
                answer = await reader.read(100)
            answered.append(bool(answer))
            if number == 2:  # closing one makes room
                writers[0].close()
                await writers[0].wait_closed()
                await wait_until(lambda: runner.server is not None and len(runner.server.connections) == 1)
    assert answered == [True, True, False, True]
    for writer in writers:
        writer.close()
    await runner.cleanup()
