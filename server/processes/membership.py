"""This process as a member of a group: its connection to the supervisor.

The supervisor is gone when its end of the channel is closed; then the member leaves, at the latest by force.
"""

import asyncio
import os
import socket
import threading
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from server.errors import ConfigurationError, Unavailable
from server.metrics import Metrics
from server.processes.channel import Channel
from server.processes.merged_metrics import Snapshot, take_snapshot

BEAT_S = 1.0
MERGE_TIMEOUT_S = 5.0


class Leave(StrEnum):
    """Why a member leaves."""

    STOPPED = "stopped"
    REPLACED = "replaced"  # another member has taken its place
    ORPHANED = "orphaned"  # the supervisor is gone


@dataclass(frozen=True, slots=True)
class Descriptors:
    """The open files that a member has from its supervisor, and the size of the group. -1: no port is served."""

    listener: int
    channel: int
    lifeline: int
    members: int

    def __str__(self) -> str:
        return f"{self.listener}:{self.channel}:{self.lifeline}:{self.members}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse the text of a flag. Raises ConfigurationError."""
        try:
            return cls(*map(int, text.split(":")))
        except (ValueError, TypeError):
            raise ConfigurationError("--member is for processes that --processes starts.") from None


class Membership:
    """The member's end."""

    def __init__(self, descriptors: Descriptors, on_leave: Callable[[Leave], None]) -> None:
        """`on_leave` is called when the member has to leave, possibly more than once."""
        self.members = descriptors.members
        self._descriptors = descriptors
        self._on_leave = on_leave
        self._channel: Channel | None = None
        self._metrics: Metrics | None = None
        self._merges: dict[int, asyncio.Future[str]] = {}

    def listener(self) -> socket.socket | None:
        """Return the socket that all members accept connections on."""
        number = self._descriptors.listener
        return None if number < 0 else socket.socket(fileno=os.dup(number))

    @asynccontextmanager
    async def running(self, metrics: Metrics, deadline_s: float) -> AsyncGenerator[None]:
        """Serve the channel; at the end the supervisor gets the last figures of `metrics`.

        Without a supervisor the process ends after `deadline_s`, even if its event loop is stuck.
        """
        self._metrics = metrics
        end = socket.socket(fileno=self._descriptors.channel)
        self._channel = await Channel.over(end)
        lifeline = (self._descriptors.lifeline, deadline_s)
        threading.Thread(target=_end_with_supervisor, args=lifeline, name="lifeline", daemon=True).start()
        tasks = [asyncio.create_task(self._listen(self._channel)), asyncio.create_task(self._beat())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._send({"last": await asyncio.to_thread(self._snapshot)})
            await self._channel.close()

    def announce(self, facts: dict[str, str]) -> None:
        """Report that this process is ready."""
        self._send({"ready": facts})

    async def render_metrics(self) -> bytes:
        """Return the metrics of all members. Raises Unavailable if the supervisor does not answer."""
        own = await asyncio.to_thread(self._snapshot)
        number = max(self._merges, default=0) + 1
        merged = self._merges[number] = asyncio.get_running_loop().create_future()
        self._send({"merge": number, "snapshot": own})
        try:
            async with asyncio.timeout(MERGE_TIMEOUT_S):
                return (await merged).encode()
        except TimeoutError:
            raise Unavailable("The metrics of the other processes are not available.") from None
        finally:
            del self._merges[number]

    async def _listen(self, channel: Channel) -> None:
        while (message := await channel.receive()) is not None:
            if "leave" in message:
                self._on_leave(Leave.REPLACED)
            elif "take" in message:
                snapshot = await asyncio.to_thread(self._snapshot)
                self._send({"taken": message["take"], "snapshot": snapshot})
            elif (merged := self._merges.get(message["merged"])) is not None and not merged.done():
                merged.set_result(message["text"])
        self._on_leave(Leave.ORPHANED)

    async def _beat(self) -> None:
        while True:
            self._send({"beat": True})
            await asyncio.sleep(BEAT_S)

    def _snapshot(self) -> Snapshot:
        assert self._metrics is not None
        return take_snapshot(self._metrics.families())

    def _send(self, message: dict[str, Any]) -> None:
        if self._channel is not None:
            self._channel.send(message)


def _end_with_supervisor(lifeline: int, deadline_s: float) -> None:
    """Wait until the supervisor is gone, and then end this process by force after `deadline_s`."""
    os.read(lifeline, 1)  # nothing is ever written: it returns when the other end is closed
    time.sleep(deadline_s)
    os._exit(1)
