"""R8: Ctrl-C at 200 requests per second; no accepted request fails, and every job is kept.

A request counts as accepted if the process has its connection: a request on a connection that was answered before must
be answered completely. A connection that is refused, or queued by the kernel and never accepted, does not count: its
client knows that nothing was done.

HTTP itself leaves one gap: a client that is idle longer than the lame-duck time and sends in the instant in which its
connection is closed. No client here is idle for that long.
"""

import asyncio
import random
import time
from collections import Counter

import orjson
import pytest

from tests.chaos.conftest import Report
from tests.chaos.environment import configuration, people, rounds
from tests.chaos.keep_alive import KeepAlive, Outcome
from tests.e2e.conftest import NewProgram, Register
from tests.support.inputs import photos
from tests.support.program import Program
from tests.support.traffic import Traffic, assert_complete, jobs_in
from tools.harness.backends import Stack

pytestmark = [pytest.mark.chaos, pytest.mark.usefixtures("migrated_stack")]

CLIENTS = 20
REQUESTS_PER_SECOND = 200
LOAD_S = (1.5, 3.0)
STOPPED_WITHIN_S = 20.0
WRITES = 0.3


async def test_interrupt_at_200_requests_per_second_fails_none(
    stack: Stack, new_program: NewProgram, register: Register, report: Report
) -> None:
    program = await new_program("--port=0", config=configuration(stack)).start()
    traffic = await people(program, register, fans=CLIENTS)
    traffic.posts.append((await traffic.author.publish(photos.small()))["id"])
    outcomes, statuses, slowest_s, rates = Counter[Outcome](), Counter[int](), 0.0, list[float]()
    for _ in range(rounds(1, 20)):
        load = Load(program, traffic)
        sending = asyncio.create_task(load.run())
        load_s = random.uniform(*LOAD_S)
        await asyncio.sleep(load_s)
        rates.append(load.outcomes[Outcome.ANSWERED] / load_s)
        began = time.monotonic()
        assert await program.interrupt() == 0
        took_s = time.monotonic() - began
        await sending
        assert load.outcomes[Outcome.FAILED] == 0, load.outcomes
        assert set(load.statuses) <= {200, 201}, load.statuses
        assert jobs_in(stack, "running", "dead") == 0
        slowest_s, outcomes, statuses = (
            max(slowest_s, took_s),
            outcomes + load.outcomes,
            statuses + load.statuses,
        )
        await program.start()
        traffic.move_to(program)
        await assert_complete(traffic, stack)
    report(
        f"R8 {stack.name}: {rounds(1, 20)} interrupts at {min(rates):.0f} to {max(rates):.0f} requests per second,"
        f" {outcomes[Outcome.ANSWERED]} answered, 0 accepted ones failed,"
        f" {outcomes[Outcome.REFUSED]} connections refused,"
        f" {outcomes[Outcome.NOT_ACCEPTED]} not accepted, exit 0 within {slowest_s:.1f} s, every job kept"
    )
    assert slowest_s < STOPPED_WITHIN_S


class Load:
    """Clients that read and write at a steady rate, one connection each, until the server stops answering."""

    def __init__(self, program: Program, traffic: Traffic) -> None:
        self._traffic = traffic
        self._clients = [KeepAlive(program.port, fan.token) for fan in traffic.fans]

    @property
    def outcomes(self) -> Counter[Outcome]:
        return sum((client.outcomes for client in self._clients), Counter[Outcome]())

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
        outcome = Outcome.ANSWERED
        at = time.monotonic()
        while outcome is Outcome.ANSWERED:
            at += pause_s
            if random.random() >= WRITES:
                path = random.choice(
                    ["/feed", f"/posts/{post_id}", f"/posts/{post_id}/comments?limit=5", "/notifications"]
                )
                outcome = await client.request("GET", path)
            elif random.random() < 0.5:
                outcome = await client.request("POST", f"/posts/{post_id}/likes")
                if outcome is Outcome.ANSWERED:
                    self._traffic.likes.add((fan.id, post_id))
            else:
                body = orjson.dumps({"content": f"look at this, @{self._traffic.observer.username}"})
                outcome = await client.request("POST", f"/posts/{post_id}/comments", body)
            await asyncio.sleep(max(0.0, at - time.monotonic()))
        await client.close()
