"""A fork server: starts programs quickly by forking a process that has imported them.

A start and a stop cost 0.8 s of processor time, of which imports take 0.6 s, and the end-to-end tests start some 250
programs. A forked process runs like `python SCRIPT`, with its own arguments, environment, folder and output files, and
ends with the fork server. Tests of the start itself use a cold start; so do all tests on systems without a safe fork.
"""

import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

ROOT = Path(__file__).parents[2]
MAX_BYTES = 100_000
POLL_S = 0.01
# What run.py, its commands and Tortoise import by name at runtime.
IMPORTED_LATE = (
    "server.commands.doctor", "server.commands.migrate", "server.commands.queues", "server.commands.role",
    "server.commands.serve", "server.models.engines.mysql", "server.models.engines.sqlite", "uvloop",
)  # fmt: skip


class Process(Protocol):
    """The part of `subprocess.Popen` that the tests use."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def send_signal(self, sig: int) -> None: ...

    def kill(self) -> None: ...


class ForkServer:
    """The fork server as seen from the tests."""

    def __init__(self) -> None:
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, __file__], stdin=theirs, cwd=ROOT, env=environ, start_new_session=True
            )

    def spawn(
        self, command: Sequence[str], folder: Path, environ: Mapping[str, str], out: int, err: int
    ) -> Process:
        """Start a script with its arguments; `out` and `err` are file descriptors."""
        order = {"command": command, "folder": str(folder), "environ": dict(environ)}
        return ForkedProcess(self, self._ask(order, [out, err]))

    def poll(self, pid: int) -> int | None:
        """Return the exit code once, a signal as a negative number; None while the process runs."""
        return self._ask({"poll": pid})

    def stop(self) -> None:
        self._channel.close()
        self._process.wait(10)

    def _ask(self, order: dict[str, Any], files: Sequence[int] = ()) -> Any:
        socket.send_fds(self._channel, [json.dumps(order).encode()], files)
        answer = self._channel.recv(MAX_BYTES)
        assert answer, "the fork server ended"
        return json.loads(answer)


class ForkedProcess:
    """A process that the fork server forked."""

    def __init__(self, fork_server: ForkServer, pid: int) -> None:
        self.pid = pid
        self._fork_server = fork_server
        self._code: int | None = None

    def poll(self) -> int | None:
        if self._code is None:
            self._code = self._fork_server.poll(self.pid)
        return self._code

    def wait(self, timeout: float | None = None) -> int:
        began = time.monotonic()
        while (code := self.poll()) is None:
            if timeout is not None and time.monotonic() - began > timeout:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            time.sleep(POLL_S)
        return code

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, sig)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def main() -> None:
    """Run the fork server until the tests end; a forked child returns when its program ends."""
    from tools.harness.servers import die_with_parent

    die_with_parent()
    channel = socket.socket(fileno=os.dup(0))
    gc.disable()
    for name in IMPORTED_LATE:
        importlib.import_module(name)
    gc.freeze()
    gc.enable()
    while True:
        message, files, _, _ = socket.recv_fds(channel, MAX_BYTES, 2)
        if not message:
            return
        order = json.loads(message)
        if "poll" in order:
            channel.send(json.dumps(_ended(order["poll"])).encode())
        elif pid := os.fork():
            for file in files:
                os.close(file)
            channel.send(json.dumps(pid).encode())
        else:
            die_with_parent()
            channel.close()
            _become(order, *files)
            runpy.run_path(sys.argv[0], run_name="__main__")
            return


def _ended(pid: int) -> int | None:
    ended, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None


def _become(order: dict[str, Any], out: int, err: int) -> None:
    os.setsid()
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environ"])
    nothing = os.open(os.devnull, os.O_RDONLY)
    for file, number in ((nothing, 0), (out, 1), (err, 2)):
        os.dup2(file, number)
        os.close(file)
    sys.argv = order["command"]
    sys.path[0] = str(Path(sys.argv[0]).parent)


if __name__ == "__main__":
    sys.path[0] = str(ROOT)
    main()
