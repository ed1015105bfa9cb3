"""What the stories share: programs that end with the story, and people who use them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import pytest
from aiohttp import ClientSession, ClientTimeout

from tests.support.backends import Stack
from tests.support.fork_server import ForkServer
from tests.support.program import Person, Program, config_file, own_parts, tell

REQUEST_TIMEOUT_S = 15.0
LOG_TAIL = 60

Register = Callable[..., Awaitable[list[Person]]]


class NewProgram(Protocol):
    """Makes a program that is not started yet; killed if it still runs when the story is over.

    A `cold` one is started as an operator does it, by an interpreter that imports everything; others are forked by the
    nursery, where there is one.
    """

    def __call__(
        self,
        *arguments: str,
        config: Path | None = None,
        script: Path | None = None,
        cold: bool = False,
        **environ: str | None,
    ) -> Program: ...


@pytest.fixture
async def new_program(stack: Stack, nursery: ForkServer | None) -> AsyncIterator[NewProgram]:
    """On the stack in turn, on a free port; `environ` sets variables, None takes one away."""
    made: list[Program] = []

    def make(
        *arguments: str,
        config: Path | None = None,
        script: Path | None = None,
        cold: bool = False,
        **environ: str | None,
    ) -> Program:
        folder = stack.var_dir / f"program-{len(made) + 1}"
        folder.mkdir()
        merged = {**own_parts(stack), **environ}
        kept = {name: value for name, value in merged.items() if value is not None}
        chosen = {"config": config, "script": script}
        more = {name: path for name, path in chosen.items() if path is not None}
        made.append(Program(folder, kept, *arguments, **more, nursery=None if cold else nursery))
        return made[-1]

    yield make
    for program in made:
        if program.running:  # to leave in good order takes a while, and other stories look at that
            await program.kill()
        with suppress(FileNotFoundError):  # shown by pytest when the story failed
            tell("\n".join(["---", program.err, *program.out.splitlines()[-LOG_TAIL:]]))


@pytest.fixture
async def program(migrated_stack: Stack, new_program: NewProgram) -> Program:
    """The program, ready; jobs of a dead worker wait 2 s."""
    return await new_program("--port=0", config=quick_leases(migrated_stack)).start()


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession(timeout=ClientTimeout(total=REQUEST_TIMEOUT_S)) as session:
        yield session


@pytest.fixture
def register(session: ClientSession) -> Register:
    """Registers people with the program."""

    async def people(program: Program, *usernames: str) -> list[Person]:
        return [await Person(program, session, username).register() for username in usernames]

    return people


def quick_leases(stack: Stack) -> Path:
    """A configuration in which the jobs of a killed worker are taken up after 2 seconds."""
    return config_file(
        stack.var_dir, {"lease_ms = 15000": "lease_ms = 2000", "heartbeat_ms = 5000": "heartbeat_ms = 500"}
    )
