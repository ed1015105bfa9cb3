"""R23: two processes behind nginx, or Caddy, are restarted one after the other; no request fails.

nginx has the configuration of `deploy/nginx/`, whose servers have the default `max_fails=1 fail_timeout=10s`. The
second process is stopped as soon as the first one serves again, while nginx still avoids the first: only a lame duck
period longer than those ten seconds leaves nginx a server.
"""

import itertools
import signal
import time

import pytest
from aiohttp import ClientSession, TCPConnector

from tests.chaos.conftest import Report
from tests.chaos.environment import number, people, rounds
from tests.chaos.restarts.proxied_load import CLIENTS, STREAMS, program_on, under_load
from tests.e2e.conftest import NewProgram, Register
from tests.support.caddy import Caddy
from tests.support.nginx import Nginx
from tests.support.program import Program
from tests.support.proxy import Proxy
from tools.harness.backends import Stack
from tools.harness.waiting import wait_until

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.timeout(180),
    pytest.mark.usefixtures("migrated_stack"),
    pytest.mark.parametrize("stack", ["mariadb"], indirect=True),
]

LAME_DUCK_S = 11.0  # the default in production
PROBED_LAME_DUCK_S = 4.0  # Caddy probes /readyz of all processes every 2 s


async def test_rolling_restart_behind_nginx_fails_no_request(
    stack: Stack, new_program: NewProgram, register: Register, nginx: Nginx, report: Report
) -> None:
    one, two = nginx.ports
    # Nothing depends on the lame duck period of the process that is stopped first.
    plan = [(one, LAME_DUCK_S if rounds(0, 1) else 1.0), (two, LAME_DUCK_S)]
    programs = [program_on(stack, new_program, port, lame_duck_s) for port, lame_duck_s in plan]
    await restart_under_load(stack, programs, register, nginx, report)
    assert nginx.statuses() <= {200, 201, 499}, nginx.log  # 499: streams that the test closed


async def test_rolling_restart_behind_caddy_fails_no_request(
    stack: Stack, new_program: NewProgram, register: Register, caddy: Caddy, report: Report
) -> None:
    programs = [program_on(stack, new_program, port, PROBED_LAME_DUCK_S) for port in caddy.ports]
    await restart_under_load(stack, programs, register, caddy, report)
    async with (
        ClientSession(connector=TCPConnector(ssl=caddy.tls)) as session,
        session.get(f"{caddy.url}/metrics") as response,
    ):
        assert response.status == 404


async def restart_under_load(
    stack: Stack, programs: list[Program], register: Register, proxy: Proxy, report: Report
) -> None:
    for program in programs:
        await program.start()
    traffic = await people(programs[0], register, fans=CLIENTS)
    async with ClientSession(connector=TCPConnector(ssl=proxy.tls)) as session:
        await wait_until(lambda: _is_ready(proxy, session))  # Caddy's first probes met no process
    began = time.monotonic()
    async with under_load(proxy, traffic) as load:
        for program in itertools.chain.from_iterable([programs] * rounds(1, 5)):
            program.signal(signal.SIGTERM)
            assert (await program.end()).code == 0
            await program.start()
    requests, took_s = load.statuses.total(), time.monotonic() - began
    report(
        f"R23 {rounds(1, 5)} rolling restarts of two processes behind {type(proxy).__name__} at"
        f" {requests / took_s:.0f} requests per second: {requests} answered, {len(load.errors)} failed,"
        f" {load.streams_ended} streams ended and reconnected"
    )
    assert (load.errors, load.refusals) == ([], [])
    assert load.streams_ended >= STREAMS
    assert number(stack, "SELECT COUNT(*) FROM posts") == 1 + load.published


async def _is_ready(proxy: Proxy, session: ClientSession) -> bool:
    async with session.get(f"{proxy.url}/readyz") as response:
        return response.status == 200
