"""Users at a steady rate and live streams, through a proxy; every answer is counted."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import ClientConnectionError, ClientPayloadError, ClientSession, ClientTimeout, TCPConnector

from tests.chaos.environment import configuration
from tests.e2e.conftest import NewProgram
from tests.support.inputs import photos
from tests.support.program import Person, Program, photo_form
from tests.support.proxy import Proxy
from tests.support.sse_reader import Reader
from tests.support.traffic import Traffic
from tools.harness.backends import Stack
from tools.harness.waiting import wait_until

CLIENTS, STREAMS = 10, 4
REQUESTS_PER_SECOND = 50
UPLOADS = 0.1


class Load:
    """Clients at a steady rate and live streams."""

    def __init__(self, proxy: Proxy, session: ClientSession, traffic: Traffic) -> None:
        self._proxy, self._session, self._traffic = proxy, session, traffic
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
        url, headers = self._proxy.url, {"Authorization": f"Bearer {fan.token}"}
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
                f"{self._proxy.url}/notifications/stream",
                ClientTimeout(total=None, sock_connect=5),
            )
            async with self._session.get(url, headers=headers, timeout=timeout) as response:
                self.statuses[response.status] += 1
                blocks = await Reader(response).rest()
            assert blocks[-1].retry, blocks[-1]  # cut off otherwise
            self.streams_ended += 1

    async def more(self, requests: int) -> None:
        """Wait until `requests` more are answered."""
        goal = self.statuses.total() + requests
        await wait_until(lambda: self.statuses.total() >= goal, 60)


@asynccontextmanager
async def under_load(proxy: Proxy, traffic: Traffic) -> AsyncIterator[Load]:
    """Run the load during the block, with at least 50 requests before and after it."""
    connector = TCPConnector(ssl=proxy.tls, limit=0)
    async with ClientSession(connector=connector, timeout=ClientTimeout(total=30)) as session:
        load = Load(proxy, session, traffic)
        sending = asyncio.create_task(load.run())
        try:
            await load.more(50)
            yield load
            await load.more(50)
        finally:
            load.stop()
            await sending


def program_on(
    stack: Stack, new_program: NewProgram, port: int, lame_duck_s: float, script: Path | None = None
) -> Program:
    """Return a program that is not started, for one of the proxy's ports; `script`: the `run.py` of another version."""
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
    return new_program(
        f"--port={port}", config=own, TRUSTED_PROXIES="127.0.0.1", script=script, cold=script is not None
    )
