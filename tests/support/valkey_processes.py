"""Valkey processes and locks of a data folder, seen from outside."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.gateways.embedded_redis.processes import open_lock, try_lock

linux = pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG and /proc are Linux's")


def servers(folder: Path) -> list[int]:
    """Return the pids of Valkey processes that have the folder's lock open."""
    found: list[int] = []
    lock = folder / "server.lock"
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process / "exe").readlink().name == "valkey-server" and any(
                entry.readlink() == lock for entry in (process / "fd").iterdir()
            ):
                found.append(int(process.name))
    return found


def is_free(lock: Path) -> bool:
    descriptor = open_lock(lock)
    try:
        return try_lock(descriptor)
    finally:
        os.close(descriptor)


def nothing_left(folder: Path) -> bool:
    return is_free(folder / "owner.lock") and is_free(folder / "server.lock")


@contextlib.asynccontextmanager
async def counting(folder: Path) -> AsyncIterator[list[int]]:
    """Record the number of servers on the folder repeatedly until the block ends."""
    counts: list[int] = []

    async def look() -> None:
        while True:
            counts.append(len(servers(folder)))
            await asyncio.sleep(0.002)

    looking = asyncio.create_task(look())
    try:
        yield counts
    finally:
        looking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await looking
