"""Idle connections that use up the file descriptors of the program do not keep others out."""

import asyncio
import resource
from contextlib import ExitStack

import pytest

from tests.e2e.conftest import NewProgram, Register
from tests.support.inputs import photos

DESCRIPTORS = 128
IDLE = 300
HEAD = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs prlimit")
@pytest.mark.usefixtures("migrated_stack")
async def test_idle_connections_do_not_use_up_descriptors(
    new_program: NewProgram, register: Register
) -> None:
    program = new_program("--port=0", cold=True).spawn()
    resource.prlimit(program.pid, resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
    await program.ready()
    (ana,) = await register(program, "ana")
    with ExitStack() as opened:
        async with asyncio.timeout(20):
            for number in range(IDLE):
                reader, writer = await asyncio.open_connection("127.0.0.1", program.port)
                opened.callback(writer.close)
                if number % 2:  # the others never send anything
                    writer.write(HEAD)
                    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200"), number
            post = await ana.publish(photos.small())
            assert [each["id"] for each in await ana.list_all("/feed")] == [post["id"]]
    assert len(program.logged("connections_exhausted")) == 1
    assert not program.logged("request_crashed")
