"""A process that leaves: balancers learn it before the port is closed."""

import asyncio
import signal

import pytest
from aiohttp import ClientConnectorError

from tests.e2e.conftest import NewProgram, Register
from tests.support.inputs import photos
from tests.support.program import Answer, Person, Program, config_file
from tools.harness.backends import Stack
from tools.harness.waiting import wait_until

pytestmark = pytest.mark.usefixtures("migrated_stack")


def lame_duck(stack: Stack, seconds: float) -> dict[str, str]:
    """Return the changes of config.toml for a lame duck period."""
    return {"requests_s = 10.0": f"lame_duck_s = {seconds}\nrequests_s = 10.0"}


async def leaving(program: Program, person: Person) -> Answer:
    """Return the first answer of `/readyz` that says that the process leaves."""

    async def answers() -> list[Answer]:
        found = await person.call("GET", "/readyz", headers={"Connection": "close"})
        return [found] if found.status == 503 else []

    (answer,) = await wait_until(answers)
    return answer


async def test_leaving_process_serves_new_connections(
    stack: Stack, new_program: NewProgram, register: Register
) -> None:
    config = config_file(stack.var_dir, lame_duck(stack, 4.0))
    program = await new_program("--port=0", config=config).start()
    ana, bob = await register(program, "ana", "bob")
    post = await ana.publish(photos.small())
    async with ana.stream() as stream:
        program.signal(signal.SIGTERM)
        answer = await leaving(program, ana)
        assert answer.json["status"] == "draining"
        assert answer.headers["Connection"] == "close"
        # Streams and writes go on until the balancer knows.
        reply = await bob.call("POST", f"/posts/{post['id']}/likes", headers={"Connection": "close"})
        assert (reply.status, reply.headers["Connection"]) == (200, "close")
        heard = await stream.rest()
    assert (await program.end()).code == 0
    assert heard[-1].retry  # the server ended the stream
    with pytest.raises(ClientConnectorError):
        await ana.call("GET", "/readyz")
    assert program.logged("stopped")[0]["clean"]
    assert program.err == ""


async def test_second_signal_ends_a_lame_duck(
    stack: Stack, new_program: NewProgram, register: Register
) -> None:
    config = config_file(stack.var_dir, lame_duck(stack, 12.0))
    program = await new_program("--port=0", config=config).start()
    (ana,) = await register(program, "ana")
    program.signal(signal.SIGTERM)
    await leaving(program, ana)
    program.signal(signal.SIGINT)
    async with asyncio.timeout(10):
        assert (await program.end()).code == 128 + signal.SIGINT
    assert program.logged("stopped") == []
