"""R19: Redis fails over, and old connections stay open; every connection of the process follows without a restart."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

import pytest

from tests.chaos.conftest import Report
from tests.e2e.conftest import NewProgram, Register
from tests.support.failover import PRIMARY, HaProxy, SentinelServer, SwitchingProxy
from tests.support.inputs.photos import small
from tests.support.program import Person
from tools.harness.backends import Stack, start_redis
from tools.harness.servers import RedisServer, find_program
from tools.harness.waiting import wait_until

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.usefixtures("migrated_stack"),
    pytest.mark.parametrize("stack", ["embedded"], indirect=True),
]

BACK_WITHIN_S = 5.0
SIGNAL_WITHIN_S = 1.0


@dataclass(frozen=True, slots=True)
class Failover:
    """A Redis at `url`; `happen` moves it, and returns when clients can find the new primary."""

    url: str
    happen: Callable[[], Awaitable[None]]
    former: RedisServer | None


@pytest.fixture
def servers(stack: Stack) -> Iterator[list[RedisServer]]:
    """A primary and two replicas."""
    missing = [name for name in ("redis-server", "haproxy") if find_program(name) is None]
    if missing and os.environ.get("CI") == "true":
        pytest.fail(f"install {' and '.join(missing)} for the tests of failovers", pytrace=False)
    if missing:
        pytest.skip(f"install {' and '.join(missing)} for the tests of failovers")
    primary = start_redis(stack.var_dir / "primary")
    replicas = [
        start_redis(stack.var_dir / f"replica{number}", replicaof=f"127.0.0.1 {primary.port}")
        for number in range(2)
    ]
    yield [primary, *replicas]
    for server in (primary, *replicas):
        server.stop()


def promote(primary: RedisServer, other: RedisServer) -> None:
    """Make `other` the primary; the former one goes on as its replica, with its connections open."""
    with primary.client() as old, other.client() as new:
        new.execute_command("REPLICAOF", "NO", "ONE")
        old.execute_command("REPLICAOF", "127.0.0.1", str(other.port))


@asynccontextmanager
async def by_proxy(servers: list[RedisServer], stack: Stack) -> AsyncIterator[Failover]:
    """Fail over behind a TCP proxy, as a DNS name or virtual address does."""
    async with SwitchingProxy(servers[0].port).running() as proxy:

        async def happen() -> None:
            proxy.target = servers[1].port
            promote(servers[0], servers[1])

        yield Failover(proxy.url, happen, servers[0])


@asynccontextmanager
async def by_haproxy(servers: list[RedisServer], stack: Stack) -> AsyncIterator[Failover]:
    """Fail over behind HAProxy, which leaves the connections to the former primary open."""
    haproxy = HaProxy(stack.var_dir / "haproxy", servers).start()

    async def happen() -> None:
        promote(servers[0], servers[1])

    try:
        yield Failover(f"redis://127.0.0.1:{haproxy.port}/0", happen, servers[0])
    finally:
        haproxy.stop()


@asynccontextmanager
async def by_sentinel(servers: list[RedisServer], stack: Stack) -> AsyncIterator[Failover]:
    """Kill a primary that three Sentinels watch."""
    sentinels = [
        SentinelServer(stack.var_dir / f"sentinel{number}", servers[0], quorum=2).start()
        for number in range(3)
    ]
    addresses = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in sentinels)

    async def knows(sentinel: SentinelServer) -> bool:
        with sentinel.client() as client:
            state = client.execute_command("SENTINEL", "MASTER", PRIMARY)
        return int(state["num-slaves"]) == 2 and int(state["num-other-sentinels"]) == 2

    async def moved() -> bool:
        with sentinels[0].client() as client:
            address = client.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", PRIMARY)
        return int(address[1]) != servers[0].port

    async def happen() -> None:
        servers[0].kill()
        await wait_until(moved)

    try:
        for sentinel in sentinels:
            await wait_until(lambda sentinel=sentinel: knows(sentinel))
        yield Failover(f"redis+sentinel://{addresses}/{PRIMARY}/0", happen, None)
    finally:
        for sentinel in sentinels:
            sentinel.stop()


class LiveEvents:
    """The live events of a user."""

    def __init__(self, person: Person) -> None:
        self._person = person
        self._received = asyncio.Event()

    async def run(self) -> None:
        async with self._person.stream() as stream:
            while True:
                with suppress(TimeoutError):
                    await stream.event()
                    self._received.set()

    async def arrives(self, cause: Awaitable[object]) -> bool:
        """Return whether `cause` is followed by an event at once."""
        self._received.clear()
        await cause
        with suppress(TimeoutError):
            async with asyncio.timeout(SIGNAL_WITHIN_S):
                await self._received.wait()
        return self._received.is_set()


@pytest.mark.parametrize("way", [by_proxy, by_haproxy, by_sentinel])
async def test_every_connection_follows_a_failover(
    stack: Stack,
    new_program: NewProgram,
    register: Register,
    servers: list[RedisServer],
    report: Report,
    way: Callable[[list[RedisServer], Stack], AbstractAsyncContextManager[Failover]],
) -> None:
    async with AsyncExitStack() as exits:
        failover = await exits.enter_async_context(way(servers, stack))
        program = await new_program("--port=0", REDIS_URL=failover.url).start()
        ana, bob = await register(program, "ana", "bob")
        post_id = (await bob.publish(small()))["id"]
        events = LiveEvents(bob)
        listening = asyncio.create_task(events.run())
        try:
            await wait_until(lambda: works(ana, events, post_id))
            await failover.happen()
            began = time.monotonic()
            await wait_until(lambda: works(ana, events, post_id))
            took_s = time.monotonic() - began
            report(f"R19 {way.__name__}: back after {took_s:.1f} s")
            assert took_s < BACK_WITHIN_S
            if failover.former is not None:
                await wait_until(lambda: has_no_clients(failover.former))
            signed_out = await ana.on_another_device()
            body = {"refreshToken": signed_out.refresh_token}
            assert (await signed_out.call("POST", "/auth/logout", json=body)).ok
            assert (await signed_out.call("GET", "/users/profile")).status == 401
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
        assert not [line for line in program.log if line["message"] in ("request_crashed", "actor_crashed")]


async def works(person: Person, events: LiveEvents, post_id: str) -> bool:
    """Return whether the process is ready, and a comment is signalled live at once: queue, worker, publisher, relay."""
    signalled = await events.arrives(person.comment(post_id, "still there?"))
    ready = (await person.call("GET", "/readyz")).status == 200
    ticket = (await person.call("POST", "/notifications/stream-ticket")).status == 200
    return signalled and ready and ticket


async def has_no_clients(server: RedisServer | None) -> bool:
    """Return whether only this client and the new primary are connected to a former primary."""
    assert server is not None
    with server.client() as client:
        kinds = [each["flags"] for each in client.client_list()]
    return sum("M" not in flags and "S" not in flags for flags in kinds) <= 1
