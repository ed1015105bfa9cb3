"""A forked program behaves like one in a new interpreter."""

import json
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.support.fork_server import ForkServer
from tests.support.program import Exit, Program
from tools.harness.waiting import wait_until

LOOK = """
import json, os, sys
print(json.dumps({
    "name": __name__, "arguments": sys.argv, "folder": os.getcwd(), "environ": dict(os.environ),
    "imports from": sys.path[0], "input": sys.stdin.read(), "leads a session": os.getsid(0) == os.getpid(),
    "files": sorted(os.listdir("/proc/self/fd")), "threads": os.listdir("/proc/self/task") == [str(os.getpid())],
}))
"""
WAIT = """
import time
print("ready", flush=True)
time.sleep(60)
"""


@pytest.fixture
def forking(fork_server: ForkServer | None) -> ForkServer:
    if fork_server is None:
        pytest.skip("programs are not forked here")
    return fork_server


def written(
    folder: Path, text: str, fork_server: ForkServer | None, environ: Mapping[str, str] = {}
) -> Program:
    """Return a program that runs `text` as a script."""
    folder.mkdir(exist_ok=True)
    script = folder / "script.py"
    script.write_text(text)
    return Program(folder, environ, "--flag", "two words", script=script, fork_server=fork_server)


async def run(folder: Path, text: str, fork_server: ForkServer | None) -> Exit:
    return await written(folder, text, fork_server).spawn().end()


async def test_it_finds_what_a_new_interpreter_finds(tmp_path: Path, forking: ForkServer) -> None:
    seen: list[dict[str, Any]] = []
    for fork_server in (forking, None):
        program = written(tmp_path, LOOK, fork_server, {"LANG": "C.UTF-8", "ONE": "of its own"})
        ended = await program.spawn().end()
        assert (ended.code, ended.err) == (0, "")
        seen.append(json.loads(ended.out))
    assert seen[0] == seen[1]
    assert seen[0]["environ"]["ONE"] == "of its own"


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("", 0, ""),
        ("import sys; sys.exit(3)", 3, ""),
        ("import sys; sys.exit('a sentence')", 1, "a sentence\n"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -9, ""),
        (
            "import atexit; atexit.register(print, 'the end'); 1 / 0",
            1,
            "ZeroDivisionError: division by zero\n",
        ),
    ],
    ids=["at its end", "with a code", "with a sentence", "killed", "crashed"],
)
async def test_it_ends_as_a_new_interpreter_ends(
    tmp_path: Path, forking: ForkServer, text: str, code: int, said: str
) -> None:
    for fork_server in (forking, None):
        ended = await run(tmp_path, text, fork_server)
        assert ended.code == code
        assert ended.err.endswith(said)
        assert ended.out == ("the end\n" if "atexit" in text else "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
async def test_it_takes_signals_as_a_new_interpreter_does(
    tmp_path: Path, forking: ForkServer, number: signal.Signals
) -> None:
    for fork_server in (forking, None):
        program = written(
            tmp_path, "import signal; signal.signal(2, signal.default_int_handler)" + WAIT, fork_server
        )
        program.spawn()
        await waits(program)
        program.signal(number)
        assert (await program.end()).code == -number
        assert not program.running


@pytest.mark.usefixtures("forking")
async def test_program_ends_with_the_fork_server(tmp_path: Path) -> None:
    own = ForkServer()
    program = written(tmp_path, f"import os; print(os.getpid(), end=' '){WAIT}", own).spawn()
    await waits(program)
    file = Path("/proc", program.out.split()[0], "stat")
    own.stop()
    await wait_until(lambda: is_gone(file))


async def is_gone(stat: Path) -> bool:
    """Return whether the process has exited, reaped or not."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return stat.read_text().rpartition(")")[2].split()[0] == "Z"  # noqa: ASYNC240 - it is no disk
    return True


async def waits(program: Program) -> None:
    async def is_ready() -> bool:
        return "ready" in program.out

    await wait_until(is_ready)
