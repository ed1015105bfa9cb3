"""A headless Chromium, driven by its DevTools protocol."""

import asyncio
import contextlib
import itertools
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse

EXECUTABLE = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
START_TIMEOUT_S = 60.0
# The sandbox needs a kernel feature that containers often lack; the pages are the tests' own.
ARGUMENTS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run")


class Page:
    """One tab. `evaluate` waits for promises."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command of the protocol, and return its result."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            message = await self._socket.receive_json()
            if message.get("id") == number:
                assert "error" not in message, message["error"]
                return message["result"]

    async def set_screen(self, width: int, height: int, pixel_ratio: float) -> None:
        """Set the size in CSS pixels, and the number of device pixels of each."""
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=pixel_ratio, mobile=True,
        )  # fmt: skip

    async def open(self, url: str) -> None:
        """Load a page with all its images."""
        await self.call("Page.enable")
        await self.call("Page.navigate", url=url)
        await self.evaluate(
            "new Promise(done => { const look = () => document.readyState === 'complete'"
            f" && location.href === {url!r} ? done(true) : setTimeout(look, 20); look(); }})"
        )

    async def evaluate(self, expression: str) -> Any:
        found = await self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")


@contextlib.asynccontextmanager
async def open_page(profile: Path) -> AsyncIterator[Page]:
    """Start Chromium with an empty profile in a folder, and yield a page. The process ends with the context."""
    assert EXECUTABLE is not None, "Chromium is missing."
    process = await asyncio.create_subprocess_exec(
        EXECUTABLE, *ARGUMENTS, "--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            port = await _port(process)
        async with ClientSession() as session:
            async with session.put(f"http://127.0.0.1:{port}/json/new?about:blank") as answer:
                target = await answer.json(content_type=None)
            async with session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                yield Page(socket)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _port(process: asyncio.subprocess.Process) -> int:
    """Return the port of the protocol, which Chromium writes to its log."""
    assert process.stderr is not None
    while line := await process.stderr.readline():
        if b"DevTools listening on ws://" in line:
            return int(line.rpartition(b":")[2].partition(b"/")[0])
    raise AssertionError("Chromium ended before it listened.")
