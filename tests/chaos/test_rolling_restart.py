"""R23: two processes behind nginx are restarted one after the other; no request fails.

nginx has the configuration of `deploy/nginx/`, whose servers have the default `max_fails=1 fail_timeout=10s`. The
second process is stopped as soon as the first one serves again, while nginx still avoids the first: only a lame duck
period longer than those ten seconds leaves nginx a server.
"""

import asyncio
import itertools
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator

import pytest
from aiohttp import ClientConnectionError, ClientPayloadError, ClientSession, ClientTimeout, TCPConnector

from tests.chaos.conftest import Report
from tests.chaos.environment import configuration, number, people, rounds
from tests.e2e.conftest import NewProgram, Register
from tests.support.inputs import photos
from tests.support.nginx import Nginx
from tests.support.program import Person, Program, photo_form
from tests.support.sse_reader import Reader
from tests.support.traffic import Traffic
from tools.harness.backends import Stack
from tools.harness.servers import find_program, free_port
from tools.harness.waiting import wait_until

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.timeout(180),
    pytest.mark.usefixtures("migrated_stack"),
    pytest.mark.parametrize("stack", ["mariadb"], indirect=True),
]

CLIENTS, STREAMS = 10, 4
REQUESTS_PER_SECOND = 50
UPLOADS = 0.1
LAME_DUCK_S = 11.0  # the default in production


@pytest.fixture
def nginx(stack: Stack) -> Iterator[Nginx]:
    if find_program("nginx") is None:
        message = "install nginx for the test of rolling restarts"
        pytest.fail(message, pytrace=False) if os.environ.get("CI") == "true" else pytest.skip(message)
    server = Nginx(stack.var_dir / "nginx", [free_port(), free_port()])
    yield server.start()
    server.stop()


class Load:
    """Clients at a steady rate and live streams, through nginx."""

    def __init__(self, nginx: Nginx, session: ClientSession, traffic: Traffic) -> None:
        self._nginx, self._session, self._traffic = nginx, session, traffic
        self._stopped = asyncio.Event()
        self.statuses = Counter[int]()
        self.errors: list[Exception] = []
        self.refusals: list[str] = []
        self.streams_ended = 0
        self.published = 0

    async def run(self) -> None:
        fans = self._traffic.fans
        streams = [asyncio.create_task(self._listen(fan)) for fan in fans[:STREAMS]]
        await asyncio.gather(*(self._use(fan) for fan in fans))
        for stream in streams:
            stream.cancel()
        for result in await asyncio.gather(*streams, return_exceptions=True):
            if isinstance(result, Exception):
                self.errors.append(result)

    def stop(self) -> None:
        self._stopped.set()

    async def _use(self, fan: Person) -> None:
        pause_s = CLIENTS / REQUESTS_PER_SECOND
        at = time.monotonic() + random.uniform(0, pause_s)
        while not self._stopped.is_set():
            at += pause_s
            try:
                await self._request(fan)
            except (ClientConnectionError, ClientPayloadError, TimeoutError) as error:
                self.errors.append(error)
            await asyncio.sleep(max(0.0, at - time.monotonic()))

    async def _request(self, fan: Person) -> None:
        url, headers = self._nginx.url, {"Authorization": f"Bearer {fan.token}"}
        post_id = self._traffic.posts[0]
        chance = random.random()
        if chance < UPLOADS:
            form = photo_form(photos.small(random.randrange(256)))
            sent = self._session.post(f"{url}/posts", data=form, headers=headers)
        elif chance < 2 * UPLOADS:
            body = {"content": f"look at this, @{self._traffic.observer.username}"}
            sent = self._session.post(f"{url}/posts/{post_id}/comments", json=body, headers=headers)
        else:
            path = random.choice(["/feed", f"/posts/{post_id}", "/notifications"])
            sent = self._session.get(url + path, headers=headers)
        async with sent as response:
            text = await response.text()
            self.statuses[response.status] += 1
            self.published += response.status == 201 and response.url.path == "/posts"
            if response.status >= 400:
                self.refusals.append(f"{response.method} {response.url.path}: {response.status} {text}")

    async def _listen(self, fan: Person) -> None:
        """Keep a stream open, as a browser does: connect again when the server ends it."""
        headers = {"Authorization": f"Bearer {fan.token}"}
        while True:
            url, timeout = (
                f"{self._nginx.url}/notifications/stream",
                ClientTimeout(total=None, sock_connect=5),
            )
            async with self._session.get(url, headers=headers, timeout=timeout) as response:
                self.statuses[response.status] += 1
                blocks = await Reader(response).rest()
            assert blocks[-1].retry, blocks[-1]  # cut off otherwise
            self.streams_ended += 1


async def test_rolling_restart_behind_nginx_fails_no_request(
    stack: Stack, new_program: NewProgram, register: Register, nginx: Nginx, report: Report
) -> None:
    programs = [_program(stack, new_program, port, lame_duck_s) for port, lame_duck_s in _plan(nginx)]
    for program in programs:
        await program.start()
    traffic = await people(programs[0], register, fans=CLIENTS)
    connector = TCPConnector(ssl=nginx.tls, limit=0)
    began = time.monotonic()
    async with ClientSession(connector=connector, timeout=ClientTimeout(total=30)) as session:
        load = Load(nginx, session, traffic)
        sending = asyncio.create_task(load.run())
        await wait_until(lambda: _reached(load, 50))
        for program in itertools.chain.from_iterable([programs] * rounds(1, 5)):
            program.signal(signal.SIGTERM)
            assert (await program.end()).code == 0
            await program.start()
        goal = load.statuses.total() + 50
        await wait_until(lambda: _reached(load, goal))
        load.stop()
        await sending
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


def _program(stack: Stack, new_program: NewProgram, port: int, lame_duck_s: float) -> Program:
    changes = {
        "requests_s = 10.0": f"lame_duck_s = {lame_duck_s}\nrequests_s = 10.0",
        "enabled = true": "enabled = false",
        "heartbeat_s = 15.0": "heartbeat_s = 5.0",
        # A busy machine may be slow: the test is about lost connections.
        "timeout_s = 3.0": "timeout_s = 10.0",
        "timeout_s = 1.0": "timeout_s = 10.0",
    }
    config = configuration(stack, changes)
    own = config.rename(config.with_name(f"config-{port}.toml"))
    return new_program(f"--port={port}", config=own, TRUSTED_PROXIES="127.0.0.1")


async def _reached(load: Load, requests: int) -> bool:
    return load.statuses.total() >= requests
