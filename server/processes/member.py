"""A process of a group, as its supervisor sees it."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, Self

from server.processes.channel import Channel
from server.processes.membership import Descriptors
from server.processes.merged_metrics import Snapshot
from server.processes.service_manager import VARIABLES

EXIT_POLL_S = 0.01
SNAPSHOT_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class Launch:
    """The command of a member, and the files that it inherits."""

    command: Sequence[str]
    listener: int
    lifeline: int
    members: int


class Owner(Protocol):
    """The group that a member reports to."""

    def merge(self, member: "Member", number: int) -> None:
        """Answer a request for the metrics of the group, whose number is `number`."""
        ...

    def remove(self, member: "Member") -> None:
        """Forget a process that has ended."""
        ...


class Member:
    """A started process."""

    def __init__(self, process: subprocess.Popen[bytes], channel: Channel, owner: Owner) -> None:
        self.facts: dict[str, str] | None = None
        self.snapshot: Snapshot = []
        self.ended = asyncio.Event()
        self.silent_s = 0.0
        self.started_at = time.monotonic()
        self._process = process
        self._channel = channel
        self._owner = owner
        self._ready = asyncio.Event()
        self._taken: asyncio.Future[None] | None = None
        self._listening = asyncio.create_task(self._listen(), name=f"member:{process.pid}")

    @classmethod
    async def start(cls, launch: Launch, owner: Owner) -> Self:
        """Start a process; it ends when this process does."""
        ours, theirs = socket.socketpair()
        with theirs:
            process = _spawn(launch, theirs)
        return cls(process, await Channel.over(ours), owner)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while the process runs; negative: the signal that ended it."""
        return self._process.poll()

    @property
    def clean(self) -> bool:
        """True if the process ended with nothing cut off. One that never served has nothing to finish."""
        return self.exit_code == 0 or (self.facts is None and self.exit_code == -signal.SIGTERM)

    async def is_ready(self, timeout_s: float) -> bool:
        """Wait until the process serves; return False if it ends instead, or does not within `timeout_s`."""
        waits = [asyncio.create_task(event.wait()) for event in (self._ready, self.ended)]
        try:
            await asyncio.wait(waits, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return self._ready.is_set() and not self.ended.is_set()

    def leave(self) -> None:
        """Have the process leave, because another one has taken its place."""
        self._channel.send({"leave": True})

    def stop(self) -> None:
        """Have the process stop as it does after SIGTERM."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    async def has_ended(self, timeout_s: float) -> bool:
        """Wait for the end of the process; kill it after `timeout_s`, and return False."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self.ended.wait()
                return True
        self.kill()
        await self.ended.wait()
        return False

    async def take_snapshot(self) -> Snapshot:
        """Return the metrics of the process; earlier ones if it does not answer."""
        if self._taken is None:
            self._taken = asyncio.get_running_loop().create_future()
            self._channel.send({"take": True})
        with suppress(TimeoutError):
            async with asyncio.timeout(SNAPSHOT_TIMEOUT_S):
                await asyncio.shield(self._taken)
        return self.snapshot

    def send_merged(self, number: int, text: str) -> None:
        """Answer a request for merged metrics."""
        self._channel.send({"merged": number, "text": text})

    async def _listen(self) -> None:
        while (message := await self._channel.receive()) is not None:
            self.silent_s = 0.0
            if "ready" in message:
                self.facts = message["ready"]
                self._ready.set()
            elif "merge" in message:
                self.snapshot = message["snapshot"]
                self._owner.merge(self, message["merge"])
            elif "taken" in message:
                self.snapshot = message["snapshot"]
                self._answer_taken()
            elif "last" in message:
                self.snapshot = message["last"]
        while self._process.poll() is None:  # noqa: ASYNC110 - nothing announces the end of a process
            await asyncio.sleep(EXIT_POLL_S)
        await self._channel.close()
        self._answer_taken()
        self._owner.remove(self)
        self.ended.set()

    def _answer_taken(self) -> None:
        if self._taken is not None and not self._taken.done():
            self._taken.set_result(None)
        self._taken = None

    def _signal(self, number: signal.Signals) -> None:
        if self._process.poll() is None:
            self._process.send_signal(number)


def _spawn(launch: Launch, channel: socket.socket) -> subprocess.Popen[bytes]:
    descriptors = Descriptors(launch.listener, channel.fileno(), launch.lifeline, launch.members)
    inherited = (launch.listener, channel.fileno(), launch.lifeline)
    # In a separate session, so that Ctrl-C in a terminal reaches the supervisor alone.
    return subprocess.Popen(
        [sys.executable, *launch.command, f"--member={descriptors}"],
        stdin=subprocess.DEVNULL,
        env={name: value for name, value in os.environ.items() if name not in VARIABLES},
        pass_fds=[number for number in inherited if number >= 0],
        start_new_session=True,
    )
