"""The program as in a container: process id 1, a read-only root, and a user without privileges where possible."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import orjson
import pytest

from tests.support.program import backend_environ, print_figures
from tools.harness.backends import ROOT, Stack
from tools.harness.servers import find_program
from tools.harness.waiting import wait_until

pytestmark = [
    pytest.mark.parametrize("stack", ["embedded"], indirect=True),
    pytest.mark.timeout(180),
    pytest.mark.skipif(sys.platform != "linux", reason="namespaces exist on Linux"),
]

NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
NAMESPACES = ("unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child")
# The data folder stays writable, because it is another mount.
READ_ONLY = 'mount --bind "$1" "$1" && mount -o remount,bind,ro / && cd "$1" && shift && exec "$@"'


def runs(*command: str) -> bool:
    return subprocess.run([*command, "true"], capture_output=True, check=False, timeout=30).returncode == 0


class Container:
    """The program in namespaces; `pid` is its id outside of them."""

    def __init__(self, folder: Path, environ: dict[str, str]) -> None:
        self._out = folder / "out"
        self.notifications = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notifications.bind(str(folder / "notify"))
        self.notifications.setblocking(False)
        user = NOBODY if runs(*NOBODY, sys.executable, "-c", "0") and runs(*NOBODY, "ls", str(ROOT)) else ()
        self.unprivileged = bool(user)
        if user:
            for path in (folder, folder / "notify"):
                os.chown(path, 65534, 65534)
        program = [sys.executable, str(ROOT / "run.py"), "--port=0", f"--config={ROOT / 'config.toml'}"]
        command = [*NAMESPACES, "sh", "-c", READ_ONLY, "sh", str(folder), *user, *program]
        with self._out.open("wb") as out:
            self._process = subprocess.Popen(
                command,
                env={**environ, "PATH": os.environ["PATH"], "NOTIFY_SOCKET": str(folder / "notify")},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )

    @property
    def pid(self) -> int:
        unshare = self._process.pid
        (child,) = Path(f"/proc/{unshare}/task/{unshare}/children").read_text().split()
        return int(child)

    @property
    def out(self) -> str:
        return self._out.read_text()

    def logged(self, message: str) -> bool:
        lines = [line for line in self.out.splitlines() if line.startswith("{")]
        return any(orjson.loads(line)["message"] == message for line in lines)

    def received(self) -> list[str]:
        """Return the notifications since the last call."""
        messages: list[str] = []
        while True:
            try:
                messages.append(self.notifications.recv(4096).decode())
            except BlockingIOError:
                return messages

    def leave_orphan(self) -> Path:
        """Have a process inside end after its parent. Return its entry in /proc, which exists until it is reaped."""
        inside = [
            "nsenter",
            f"--target={self.pid}",
            "--pid",
            "sh",
            "-c",
            "sleep 0.3 >/dev/null 2>&1 & echo $!",
        ]
        said = subprocess.run(inside, check=True, timeout=30, capture_output=True, text=True).stdout
        return Path(f"/proc/{self.pid}/root/proc/{said.strip()}")

    def wait(self) -> int:
        return self._process.wait(60)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture
def container(stack: Stack) -> Iterator[Container]:
    if find_program("unshare") is None or not runs(*NAMESPACES):
        pytest.skip("mount and PID namespaces are not allowed here")
    folder = stack.var_dir / "container"
    folder.mkdir()
    with closing(
        (made := Container(folder, backend_environ(stack) | {"VAR_DIR": str(folder / "var")})).notifications
    ):
        yield made
        made.kill()
        print_figures(made.out[-3000:])


async def test_program_runs_as_the_first_process_of_a_container(container: Container) -> None:
    if not container.unprivileged:
        print_figures("This Python is private to root: an unprivileged user was not tried.")
    await wait_until(lambda: container.logged("ready"), 90.0)
    assert container.received()[0].startswith("READY=1")

    # An orphan becomes a child of the first process, and is reaped.
    orphan = container.leave_orphan()
    assert orphan.parent.joinpath("1").exists()
    await wait_until(lambda: not orphan.exists())

    os.kill(container.pid, signal.SIGHUP)
    await wait_until(lambda: container.logged("reloaded"), 90.0)
    reloading, ready = container.received()
    assert reloading.startswith("RELOADING=1\nMONOTONIC_USEC=")
    assert ready.startswith("READY=1")

    os.kill(container.pid, signal.SIGTERM)
    assert container.wait() == 0
    assert container.received()[-1].startswith("STOPPING=1")
    assert "Traceback" not in container.out
