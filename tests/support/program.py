"""Drives the program from outside: starts `run.py` as a process, calls its API as a user, and stops it."""

import asyncio
import http.client
import io
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import orjson
from aiohttp import ClientSession, ClientTimeout, FormData

from tests.support.fork_server import ForkServer, Process
from tests.support.sse_reader import Reader
from tools.harness.backends import ROOT, Stack
from tools.harness.servers import die_with_parent
from tools.harness.waiting import DEADLINE_S, wait_until

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 30.0
# Variables that the program inherits from the tests; none is a setting.
KEPT_ENVIRONMENT = ("PATH", "LANG", "HOME", "TMPDIR", "SYSTEMROOT")


@dataclass(frozen=True, slots=True)
class Exit:
    """Exit code and output of a run."""

    code: int
    out: str
    err: str


class Program:
    """One run of `run.py` after another, on one folder; everything that they print is kept there.

    The working directory is that folder, so that no `.env` of a developer is read.
    """

    def __init__(
        self,
        folder: Path,
        environ: Mapping[str, str],
        *arguments: str,
        config: Path = ROOT / "config.toml",
        script: Path = ROOT / "run.py",
        python: Path = Path(sys.executable),
        fork_server: ForkServer | None = None,
    ) -> None:
        """Its runs are forked by `fork_server`; without one each is a new interpreter, `python`."""
        self._python = python
        self._folder = folder
        self._fork_server = fork_server
        self._script = script
        self._environ = dict(environ)
        self._arguments = (*arguments, f"--config={config}")
        self._process: Process | None = None
        self._ready: dict[str, Any] = {}
        self._out = self._err = folder / "unset"

    @property
    def url(self) -> str:
        """Return the URL of this run."""
        return str(self._ready["listening"])

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def out(self) -> str:
        """Return the output of this run."""
        return self._out.read_text()

    @property
    def err(self) -> str:
        return self._err.read_text()

    @property
    def log(self) -> list[dict[str, Any]]:
        """The lines of this run's log so far, each with its event under `message`."""
        whole_lines = self.out.split("\n")[:-1]
        return [orjson.loads(line) for line in whole_lines if line.startswith("{")]

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def logged(self, message: str) -> list[dict[str, Any]]:
        """Return the log lines of one event."""
        return [line for line in self.log if line["message"] == message]

    def spawn(self) -> Self:
        """Start a run and return at once."""
        run = len(list(self._folder.glob("run-*.out"))) + 1
        self._out, self._err = (self._folder / f"run-{run}.{kind}" for kind in ("out", "err"))
        kept = {name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ}
        command, environ = [str(self._script), *self._arguments], {**kept, **self._environ}
        with self._out.open("wb") as out, self._err.open("wb") as err:
            if self._fork_server is not None:
                self._process = self._fork_server.spawn(
                    command, self._folder, environ, out.fileno(), err.fileno()
                )
            else:
                self._process = subprocess.Popen(
                    [str(self._python), *command],
                    cwd=self._folder,
                    env=environ,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=err,
                    start_new_session=True,
                    preexec_fn=die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - one system call
                )
        return self

    async def start(self) -> Self:
        """Start a run and return when it is ready. Raises RuntimeError with the output if it exits instead."""
        return await self.spawn().ready()

    async def ready(self) -> Self:
        """Return when the run is ready. Raises RuntimeError with the output if it exits instead."""

        async def is_ready() -> bool:
            if not self.running:
                raise RuntimeError(f"the program exited at once:\n{self.err}{self.out[-3000:]}")
            return bool(self.logged("ready"))

        await wait_until(is_ready, START_TIMEOUT_S)
        self._ready = self.logged("ready")[0]
        return self

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    async def interrupt(self) -> int:
        """Send SIGINT and return the exit code."""
        self.signal(signal.SIGINT)
        return (await self.end()).code

    async def end(self) -> Exit:
        """Wait for the exit; kill the process if it takes too long, which shows in the exit code."""
        process = self._process
        assert process is not None

        async def has_ended() -> bool:
            return not self.running

        try:
            await wait_until(has_ended, STOP_TIMEOUT_S)
        except TimeoutError:
            process.kill()
        return Exit(process.wait(STOP_TIMEOUT_S), self.out, self.err)

    async def kill(self) -> None:
        """Kill the process with SIGKILL and wait for its end."""
        self.signal(signal.SIGKILL)
        await self.end()


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer of the program."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.content)

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


@dataclass(slots=True)
class Person:
    """A user of the API. `program` may be restarted or replaced between calls."""

    program: Program
    session: ClientSession
    username: str
    id: str = ""
    token: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    password: str = field(default="a password of the tests", repr=False)

    async def register(self) -> Self:
        body = {
            "username": self.username,
            "email": f"{self.username}@example.com",
            "password": self.password,
        }
        answer = await self.call("POST", "/auth/register", json=body)
        assert answer.status == 201, answer
        return self._signed_in(answer)

    async def sign_in(self) -> Self:
        self.token = ""
        body = {"username": self.username, "password": self.password}
        answer = await self.call("POST", "/auth/login", json=body)
        assert answer.status == 200, answer
        return self._signed_in(answer)

    async def on_another_device(self, program: Program | None = None) -> "Person":
        """Sign the same user in again, optionally with another process of the program."""
        other = Person(program or self.program, self.session, self.username, password=self.password)
        return await other.sign_in()

    async def choose_immediate_emails(self) -> None:
        """Ask for one e-mail per notification, at once."""
        await self.request("PATCH", "/notifications/preferences", json={"emailFrequency": "immediately"})

    def _signed_in(self, answer: Answer) -> Self:
        self.id = answer.json["user"]["id"]
        self.token, self.refresh_token = answer.json["accessToken"], answer.json["refreshToken"]
        return self

    async def call(self, method: str, path: str, **options: Any) -> Answer:
        """Send a request with this user's access token, if any."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        headers |= options.pop("headers", {})
        url = path if path.startswith("http") else self.program.url + path
        async with self.session.request(method, url, headers=headers, **options) as response:
            return Answer(response.status, response.headers, await response.read())

    async def request(self, method: str, path: str, **options: Any) -> Any:
        """Send a request that must succeed, and return the body of its answer."""
        answer = await self.call(method, path, **options)
        assert answer.ok, f"{method} {path} -> {answer.status} {answer.content.decode(errors='replace')}"
        return answer.json

    async def follow(self, other: "Person") -> None:
        assert (await self.request("POST", f"/users/{other.id}/follow"))["following"]

    async def publish(self, *photos: bytes, caption: str = "") -> dict[str, Any]:
        return await self.request("POST", "/posts", data=photo_form(*photos, caption=caption))

    async def like(self, post_id: str) -> dict[str, Any]:
        return await self.request("POST", f"/posts/{post_id}/likes")

    async def comment(self, post_id: str, content: str) -> dict[str, Any]:
        return await self.request("POST", f"/posts/{post_id}/comments", json={"content": content})

    async def feed(self) -> list[dict[str, Any]]:
        return await self.list_all("/feed")

    async def notifications(self) -> list[dict[str, Any]]:
        return await self.list_all("/notifications")

    async def list_all(self, path: str) -> list[dict[str, Any]]:
        """Return the items of all pages of a list."""
        items: list[dict[str, Any]] = []
        query = {"limit": "100"}
        while True:
            page = await self.request("GET", path, params=query)
            items += page["items"]
            if page["nextCursor"] is None:
                return items
            query["cursor"] = page["nextCursor"]

    @asynccontextmanager
    async def stream(self, last_event_id: str | None = None) -> AsyncIterator[Reader]:
        """Open this user's live stream."""
        headers = {"Authorization": f"Bearer {self.token}"}
        if last_event_id is not None:
            headers["Last-Event-ID"] = last_event_id
        url = f"{self.program.url}/notifications/stream"
        timeout = ClientTimeout(total=None, sock_connect=5)
        async with self.session.get(url, headers=headers, timeout=timeout) as response:
            assert response.status == 200, await response.text()
            assert response.content_type == "text/event-stream"
            yield Reader(response)


async def call_with_raw_headers(
    program: Program, method: str, path: str, headers: Mapping[str, str], body: bytes = b""
) -> Answer:
    """Send a request with Latin-1 headers, which aiohttp's client cannot send."""

    def ask() -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", program.port, timeout=DEADLINE_S)
        with closing(connection):
            connection.request(method, path, body or None, dict(headers))
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())

    return await asyncio.to_thread(ask)


def photo_form(*photos: bytes, caption: str = "", field: str = "images") -> FormData:
    """Return the multipart body of a post or, with another `field`, of another upload."""
    form = FormData()
    for number, photo in enumerate(photos):
        # A file object, because aiohttp warns about long bytes.
        form.add_field(field, io.BytesIO(photo), filename=f"photo-{number}.jpg", content_type="image/jpeg")
    if caption:
        form.add_field("caption", caption)
    return form


def backend_environ(stack: Stack) -> dict[str, str]:
    """Return the environment of `stack`; on the embedded one without its Redis, so that the program starts its own."""
    # A low limit of files keeps the bodies small that exceed it.
    environ = {**stack.environ, "LOG_FORMAT": "json", "MAX_FILE_SIZE": "5242880"}
    if stack.name == "embedded":
        del environ["REDIS_URL"]
    return environ


def config_file(folder: Path, changes: Mapping[str, str]) -> Path:
    """Write a copy of config.toml with the lines in `changes` replaced."""
    lines = (ROOT / "config.toml").read_text().splitlines()
    for old, new in changes.items():
        found = [number for number, line in enumerate(lines) if line.split("#")[0].strip() == old]
        assert len(found) == 1, f"config.toml has {len(found)} lines {old!r}"
        lines[found[0]] = new
    file = folder / "config.toml"
    file.write_text("\n".join(lines) + "\n")
    return file


def print_figures(figures: str) -> None:
    """Print measured figures; pytest shows them with -s and on failure."""
    sys.stdout.write(f"{figures}\n")
