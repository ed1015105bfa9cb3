"""R23: two processes behind nginx are restarted one after the other; no request fails.

nginx has the configuration of `deploy/nginx/`, whose servers have the default `max_fails=1 fail_timeout=10s`. The
second process is stopped as soon as the first one serves again, while nginx still avoids the first: only a lame duck
period longer than those ten seconds leaves nginx a server.
"""

import itertools
import signal
import time

import pytest

from tests.chaos.conftest import Report
from tests.chaos.environment import number, people, rounds
from tests.chaos.restarts.proxied_load import CLIENTS, STREAMS, program_on, under_load
from tests.e2e.conftest import NewProgram, Register
from tests.support.nginx import Nginx
from tools.harness.backends import Stack

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.timeout(180),
    pytest.mark.usefixtures("migrated_stack"),
    pytest.mark.parametrize("stack", ["mariadb"], indirect=True),
]

LAME_DUCK_S = 11.0  # the default in production


async def test_rolling_restart_behind_nginx_fails_no_request(
    stack: Stack, new_program: NewProgram, register: Register, nginx: Nginx, report: Report
) -> None:
    programs = [program_on(stack, new_program, port, lame_duck_s) for port, lame_duck_s in _plan(nginx)]
    for program in programs:
        await program.start()
    traffic = await people(programs[0], register, fans=CLIENTS)
    began = time.monotonic()
    async with under_load(nginx, traffic) as load:
        for program in itertools.chain.from_iterable([programs] * rounds(1, 5)):
            program.signal(signal.SIGTERM)
            assert (await program.end()).code == 0
            await program.start()
    requests, took_s = load.statuses.total(), time.monotonic() - began
    report(
        f"R23 {rounds(1, 5)} rolling restarts of two processes behind nginx at {requests / took_s:.0f} requests per"
        f" second: {requests} answered, {len(load.errors)} failed, {load.streams_ended} streams ended and reconnected"
    )
    assert (load.errors, load.refusals) == ([], [])
    assert load.streams_ended >= STREAMS
    assert nginx.statuses() <= {200, 201, 499}, nginx.log  # 499: streams that the test closed
    assert number(stack, "SELECT COUNT(*) FROM posts") == 1 + load.published


def _plan(nginx: Nginx) -> list[tuple[int, float]]:
    """Return port and lame duck period of each process. Nothing depends on that of the one that is stopped first."""
    one, two = nginx.ports
    return [(one, LAME_DUCK_S if rounds(0, 1) else 1.0), (two, LAME_DUCK_S)]
