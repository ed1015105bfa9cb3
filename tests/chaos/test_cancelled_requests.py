"""R17: 30 % of requests are cancelled; no client gets another's answer, and nothing is held."""

import asyncio
import random
import time
from collections import Counter

import pytest
from aiohttp import ClientSession, ClientTimeout

from tests.chaos.conftest import Report
from tests.chaos.environment import configuration, number, rounds, settled
from tests.e2e.conftest import NewProgram, Register
from tests.support.inputs import photos
from tests.support.program import Person
from tools.harness.backends import Stack

pytestmark = [pytest.mark.chaos, pytest.mark.usefixtures("migrated_stack")]

PEOPLE = 10
HANG_UP = 0.3
MAX_S = 0.03
DURATION_S = float(rounds(4, 30))
# Rows that must agree with the counters.
WRONG_COUNTERS = (
    "SELECT COUNT(*) FROM posts p WHERE likes_count <> (SELECT COUNT(*) FROM likes l WHERE l.post_id = p.id)"
    " OR comments_count <> (SELECT COUNT(*) FROM comments c WHERE c.post_id = p.id)"
)


class ImpatientClient:
    """A client that reads its own data and often disconnects early."""

    def __init__(self, person: Person, post_id: str, ended: Counter[str]) -> None:
        self._person = person
        self._post_id = post_id
        self._ended = ended

    async def run(self, until_s: float) -> None:
        asks = (self._profile, self._posts, self._comment, self._like)
        while time.monotonic() < until_s:
            asking = asyncio.create_task(random.choice(asks)())
            if random.random() < HANG_UP:
                await asyncio.wait([asking], timeout=random.uniform(0, MAX_S))
                asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            if asking.cancelled():
                self._ended["hung up"] += 1
            else:
                self._ended["right" if asking.result() else "wrong owner"] += 1

    async def _profile(self) -> bool:
        return (await self._person.request("GET", "/users/profile"))["id"] == self._person.id

    async def _posts(self) -> bool:
        page = await self._person.request("GET", "/posts")
        return [(post["id"], post["author"]["id"]) for post in page["items"]] == [
            (self._post_id, self._person.id)
        ]

    async def _comment(self) -> bool:
        content = f"from {self._person.username} {random.random()}"
        comment = await self._person.comment(self._post_id, content)
        return (comment["author"]["id"], comment["content"]) == (self._person.id, content)

    async def _like(self) -> bool:
        method = random.choice(["POST", "DELETE"])
        state = await self._person.request(method, f"/posts/{self._post_id}/likes")
        return state["liked"] == (method == "POST") and state["likesCount"] in {0, 1}


async def test_cancelled_requests_mix_up_and_hold_nothing(
    stack: Stack, new_program: NewProgram, register: Register, report: Report
) -> None:
    program = await new_program("--port=0", config=configuration(stack)).start()
    people = await register(program, *(f"person{n}" for n in range(PEOPLE)))
    posts = [(await person.publish(photos.small()))["id"] for person in people]
    ended: Counter[str] = Counter()
    until_s = time.monotonic() + DURATION_S
    await asyncio.gather(
        *(
            ImpatientClient(person, post_id, ended).run(until_s)
            for person, post_id in zip(people, posts, strict=True)
        )
    )
    assert ended["wrong owner"] == 0, ended
    assert ended["hung up"] > 0.1 * ended.total(), ended

    # All resources answer concurrently, in the time of an ordinary request.
    async with ClientSession(timeout=ClientTimeout(total=5)) as session:
        for person in people:
            person.session = session
        answers = await asyncio.gather(*(person.call("GET", "/feed") for person in people * 5))
        assert {answer.status for answer in answers} == {200}
        assert (await people[0].call("GET", "/readyz")).status == 200
        written = await asyncio.gather(
            *(person.comment(post_id, "in the end") for person, post_id in zip(people, posts, strict=True))
        )
        assert len(written) == PEOPLE
    await settled(stack, 20)
    assert number(stack, WRONG_COUNTERS) == 0
    assert await program.interrupt() == 0
    assert not program.logged("request_crashed")
    assert "Traceback" not in program.out + program.err
    report(f"R17 {stack.name}: {dict(ended)}; nothing held afterwards")
