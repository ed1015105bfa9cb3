"""Ctrl-C at 200 requests a second: no request that was accepted fails, and every job is kept.

Accepted is what the process had a connection for: a request sent on a connection that it had answered on before has to
be answered, whole, however late it comes. A connection that is refused, or that the kernel had queued but the process
never took, is none: its client was told nothing, and knows that nothing was done.

One gap is left, in HTTP itself: a client that was silent for longer than the lame duck's time, and sends on its old
connection in the instant in which that is closed. Here nobody is silent for that long.
"""

import asyncio
import random
import time
from collections import Counter

import orjson
import pytest

from tests.chaos.conftest import Report
from tests.chaos.keep_alive import Fate, KeepAlive
from tests.chaos.scene import configuration, people, rounds
from tests.e2e.conftest import NewProgram, Register
from tests.support import photos
from tests.support.backends import Stack
from tests.support.program import Program
from tests.support.traffic import Traffic, assert_complete, jobs_in

pytestmark = [pytest.mark.chaos, pytest.mark.usefixtures("migrated_stack")]

CLIENTS = 20
REQUESTS_PER_SECOND = 200
LOAD_S = (1.5, 3.0)
ENDED_WITHIN_S = 20.0
WRITES = 0.3


async def test_interrupted_at_200_requests_a_second_it_fails_none_that_it_accepted(
    stack: Stack, new_program: NewProgram, register: Register, report: Report
) -> None:
    program = await new_program("--port=0", config=configuration(stack)).start()
    traffic = await people(program, register, fans=CLIENTS)
    traffic.posts.append((await traffic.author.publish(photos.small()))["id"])
    fates, statuses, slowest_s, rates = Counter[Fate](), Counter[int](), 0.0, list[float]()
    for _ in range(rounds(1, 20)):
        load = Load(program, traffic)
        sending = asyncio.create_task(load.run())
        load_s = random.uniform(*LOAD_S)
        await asyncio.sleep(load_s)
        rates.append(load.fates[Fate.ANSWERED] / load_s)
        began = time.monotonic()
        assert await program.interrupt() == 0
        took_s = time.monotonic() - began
        await sending
        assert load.fates[Fate.FAILED] == 0, load.fates
        assert set(load.statuses) <= {200, 201}, load.statuses
        assert jobs_in(stack, "running", "dead") == 0
        slowest_s, fates, statuses = max(slowest_s, took_s), fates + load.fates, statuses + load.statuses
        await program.start()
        traffic.move_to(program)
        await assert_complete(traffic, stack)
    report(
        f"R8 {stack.name}: {rounds(1, 20)} interrupts at {min(rates):.0f} to {max(rates):.0f} requests a second,"
        f" {fates[Fate.ANSWERED]} answered, 0 accepted ones failed, {fates[Fate.REFUSED]} connections refused,"
        f" {fates[Fate.NOT_ACCEPTED]} not accepted, exit 0 within {slowest_s:.1f} s, every job kept"
    )
    assert slowest_s < ENDED_WITHIN_S


class Load:
    """Fans who read and write at a steady rate, each on a connection of their own, until nobody answers any more."""

    def __init__(self, program: Program, traffic: Traffic) -> None:
        self._traffic = traffic
        self._clients = [KeepAlive(program.port, fan.token) for fan in traffic.fans]

    @property
    def fates(self) -> Counter[Fate]:
        return sum((client.fates for client in self._clients), Counter[Fate]())

    @property
    def statuses(self) -> Counter[int]:
        return sum((client.statuses for client in self._clients), Counter[int]())

    async def run(self) -> None:
        await asyncio.gather(*map(self._use, range(len(self._clients))))

    async def _use(self, number: int) -> None:
        client, fan = self._clients[number], self._traffic.fans[number]
        post_id = self._traffic.posts[0]
        pause_s = len(self._clients) / REQUESTS_PER_SECOND
        await asyncio.sleep(random.uniform(0, pause_s))
        fate = Fate.ANSWERED
        at = time.monotonic()
        while fate is Fate.ANSWERED:
            at += pause_s
            if random.random() >= WRITES:
                path = random.choice(
                    ["/feed", f"/posts/{post_id}", f"/posts/{post_id}/comments?limit=5", "/notifications"]
                )
                fate = await client.request("GET", path)
            elif random.random() < 0.5:
                fate = await client.request("POST", f"/posts/{post_id}/likes")
                if fate is Fate.ANSWERED:
                    self._traffic.likes.add((fan.id, post_id))
            else:
                body = orjson.dumps({"content": f"look at this, @{self._traffic.witness.username}"})
                fate = await client.request("POST", f"/posts/{post_id}/comments", body)
            await asyncio.sleep(max(0.0, at - time.monotonic()))
        await client.close()
