"""Notifications to the service manager, read from a real socket."""

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.processes.service_manager import ServiceManager
from tools.harness.waiting import wait_until


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(path)
        receiver.setblocking(False)
        yield path, receiver


def received(receiver: socket.socket) -> list[str]:
    messages: list[str] = []
    while True:
        try:
            messages.append(receiver.recv(4096).decode())
        except BlockingIOError:
            return messages


def test_states_are_reported(manager: tuple[str, socket.socket]) -> None:
    path, receiver = manager
    service = ServiceManager({"NOTIFY_SOCKET": path})
    service.ready("Serving")
    service.reloading()
    service.stopping()
    ready, reloading, stopping = received(receiver)
    assert ready == "READY=1\nSTATUS=Serving"
    assert reloading.startswith("RELOADING=1\nMONOTONIC_USEC=")
    assert stopping.startswith("STOPPING=1\n")


@pytest.mark.parametrize(("pid", "resets"), [("own", True), ("", True), ("1", False)])
async def test_watchdog_is_reset_if_it_is_ours(
    manager: tuple[str, socket.socket], pid: str, resets: bool
) -> None:
    path, receiver = manager
    environ = {
        "NOTIFY_SOCKET": path,
        "WATCHDOG_USEC": "20000",
        "WATCHDOG_PID": str(os.getpid()) if pid == "own" else pid,
    }
    task = asyncio.create_task(ServiceManager(environ).keep_alive())
    seen: list[str] = []

    async def twice() -> bool:
        seen.extend(received(receiver))
        return seen.count("WATCHDOG=1") > 1 or task.done()

    await wait_until(twice)
    assert task.done() is not resets
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("path", ["", "/nowhere/notify", "@nobody-listens-here"])
def test_missing_manager_is_ignored(path: str) -> None:
    service = ServiceManager({"NOTIFY_SOCKET": path})
    service.ready("Serving")
    service.stopping()
