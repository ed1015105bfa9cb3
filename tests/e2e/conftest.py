"""Fixtures of the end-to-end tests: running programs, and people who use them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import pytest
from aiohttp import ClientSession, ClientTimeout

from tests.support.fork_server import ForkServer
from tests.support.program import Person, Program, backend_environ, config_file, print_figures
from tools.harness.backends import Stack

REQUEST_TIMEOUT_S = 15.0
LOG_TAIL = 60

Register = Callable[..., Awaitable[list[Person]]]


class NewProgram(Protocol):
    """Makes a program that is not started yet, and kills it if it still runs after the test.

    A `cold` program starts in a new interpreter that imports everything; others are forked by the fork server.
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
async def new_program(stack: Stack, fork_server: ForkServer | None) -> AsyncIterator[NewProgram]:
    """Programs on the stack under test, on a free port. `environ` sets variables; None removes one."""
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
        merged = {**backend_environ(stack), **environ}
        kept = {name: value for name, value in merged.items() if value is not None}
        chosen = {"config": config, "script": script}
        more = {name: path for name, path in chosen.items() if path is not None}
        made.append(Program(folder, kept, *arguments, **more, fork_server=None if cold else fork_server))
        return made[-1]

    yield make
    for program in made:
        if program.running:  # an orderly shutdown is slow, and other tests cover it
            await program.kill()
        with suppress(FileNotFoundError):  # pytest shows it when the test failed
            print_figures("\n".join(["---", program.err, *program.out.splitlines()[-LOG_TAIL:]]))


@pytest.fixture
async def program(migrated_stack: Stack, new_program: NewProgram) -> Program:
    """A ready program with 2 s job leases."""
    return await new_program("--port=0", config=quick_leases(migrated_stack)).start()


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession(timeout=ClientTimeout(total=REQUEST_TIMEOUT_S)) as session:
        yield session


@pytest.fixture
def register(session: ClientSession) -> Register:
    """Return a function that registers users with a program."""

    async def people(program: Program, *usernames: str) -> list[Person]:
        return [await Person(program, session, username).register() for username in usernames]

    return people


def quick_leases(stack: Stack) -> Path:
    """Write a configuration with job leases of 2 seconds."""
    return config_file(
        stack.var_dir, {"lease_ms = 15000": "lease_ms = 2000", "heartbeat_ms = 5000": "heartbeat_ms = 500"}
    )
