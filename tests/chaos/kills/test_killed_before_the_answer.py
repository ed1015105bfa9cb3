"""The API is killed around a commit; repeating the request with its Idempotency-Key makes one post."""

import pytest
from aiohttp import ClientError

from tests.chaos.environment import configuration, number, rounds, with_faults
from tests.e2e.conftest import NewProgram, Register
from tests.support.inputs import photos
from tests.support.program import Answer, Person, photo_form
from tools.harness.backends import Stack

pytestmark = [pytest.mark.chaos, pytest.mark.usefixtures("migrated_stack")]

POSTS = "SELECT COUNT(*) FROM posts"


@pytest.mark.parametrize("failpoint", ["before_commit", "after_commit", "before_response"])
async def test_unanswered_request_can_be_repeated(
    stack: Stack, new_program: NewProgram, register: Register, failpoint: str
) -> None:
    config = configuration(stack)
    program = await new_program("--port=0", config=config).start()
    (ana,) = await register(program, "ana")
    assert await program.interrupt() == 0
    for turn in range(1, rounds(1, 20) + 1):
        key = f"key {turn}"
        fault = with_faults(failpoint={"at": failpoint, "nth": 1})
        ana.program = await new_program("--port=0", config=config, **fault).start()
        with pytest.raises(ClientError):
            await publish(ana, key)
        assert (await ana.program.end()).code == -9
        committed = failpoint != "before_commit"
        assert number(stack, POSTS) == turn - 1 + committed

        ana.program = await new_program("--port=0", config=config).start()
        first, second = await publish(ana, key), await publish(ana, key)
        assert (first.status, second.status) == (201, 201)
        assert ("Idempotency-Replayed" in first.headers) == committed
        assert first.json == second.json
        assert number(stack, POSTS) == turn
        assert await ana.program.interrupt() == 0


async def publish(person: Person, key: str) -> Answer:
    data = photo_form(photos.small(), caption="once")
    return await person.call("POST", "/posts", data=data, headers={"Idempotency-Key": key})
