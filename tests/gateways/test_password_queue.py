"""The password queue: bounded, and shared fairly between networks. The work is bcrypt in real threads."""

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator

import bcrypt
import pytest

from server.errors import Unavailable
from server.gateways.password_queue import Caller, PasswordQueue
from server.networks import networks_of

COST = 6
SALT = bcrypt.gensalt(COST)


@pytest.fixture
async def queue() -> AsyncIterator[PasswordQueue]:
    """34 places, as by default: 8 for a network, 4 reserved."""
    queue = PasswordQueue(threads=2, queue=32)
    yield queue
    await queue.close()


def hash_password() -> int:
    """Hash, and return the thread."""
    bcrypt.hashpw(b"a wrong password", SALT)
    return threading.get_ident()


def stranger(address: str) -> Caller:
    return Caller(networks_of(address).site)


async def call(queue: PasswordQueue, caller: Caller | None) -> str:
    try:
        await queue.run(hash_password, caller)
    except Unavailable:
        return "refused"
    return "served"


async def test_work_does_not_block_the_event_loop(queue: PasswordQueue) -> None:
    threads = await asyncio.gather(*(queue.run(hash_password, None) for _ in range(20)))
    assert threading.get_ident() not in threads
    assert len(set(threads)) <= 2


async def test_full_queue_refuses_at_once() -> None:
    queue = PasswordQueue(threads=1, queue=3)
    assert Counter(await asyncio.gather(*(call(queue, None) for _ in range(10)))) == {
        "served": 4,
        "refused": 6,
    }
    assert await call(queue, None) == "served"
    await queue.close()


async def test_cancelled_callers_free_their_places() -> None:
    queue = PasswordQueue(threads=1, queue=3)
    caller = stranger("198.51.100.1")
    for _ in range(5):
        tasks = [asyncio.ensure_future(call(queue, caller)) for _ in range(4)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert await call(queue, caller) == "served"
    await queue.close()


async def test_one_site_cannot_close_sign_in_for_others(queue: PasswordQueue) -> None:
    # 48 connections from one /48, each from another /64.
    flood = [call(queue, stranger(f"2001:db8:1:{number:x}::1")) for number in range(48)]
    others = [call(queue, stranger(f"198.51.{number}.1")) for number in range(10)]
    outcomes = await asyncio.gather(*flood, *others)
    assert Counter(outcomes[:48]) == {"served": 8, "refused": 40}
    assert outcomes[48:] == ["served"] * 10
    # The places are free again.
    assert await call(queue, stranger("2001:db8:1::1")) == "served"


async def test_known_devices_are_served_during_a_flood(queue: PasswordQueue) -> None:
    flood = [
        call(queue, stranger(f"198.51.{network}.{host}")) for network in range(10) for host in range(1, 9)
    ]
    site = networks_of("198.51.1.1").site
    known = [call(queue, Caller(site, account=str(number))) for number in range(5)]
    outcomes = await asyncio.gather(*flood, *known)
    assert Counter(outcomes[:80]) == {"served": 30, "refused": 50}
    assert outcomes[80:] == ["served"] * 4 + ["refused"]


async def test_one_account_cannot_close_sign_in_for_others(queue: PasswordQueue) -> None:
    flood = [call(queue, Caller(f"198.{number}", account="1")) for number in range(48)]
    others = [call(queue, stranger("198.51.100.1")), call(queue, Caller("198.51", account="2"))]
    outcomes = await asyncio.gather(*flood, *others)
    assert Counter(outcomes[:48]) == {"served": 2, "refused": 46}
    assert outcomes[48:] == ["served"] * 2


async def test_known_devices_and_quiet_networks_are_served_first() -> None:
    queue = PasswordQueue(threads=1, queue=31)
    served: list[str] = []

    async def note(name: str, caller: Caller) -> None:
        await call(queue, caller)
        served.append(name)

    flood = [note("flood", stranger(f"2001:db8:1::{number:x}")) for number in range(8)]
    later = [note("quiet", stranger("198.51.100.1")), note("known", Caller("198.51", account="1"))]
    await asyncio.gather(*flood, *later)
    assert served[:4] == ["flood", "known", "quiet", "flood"]
    await queue.close()


async def test_cancelled_caller_passes_its_turn_on() -> None:
    queue = PasswordQueue(threads=1, queue=3)
    for _ in range(5):
        first, second, third = (asyncio.ensure_future(call(queue, None)) for _ in range(3))
        await asyncio.sleep(0)
        second.cancel()
        assert await first == "served"
        assert await third == "served"
    await queue.close()
