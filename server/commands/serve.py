"""`python run.py [serve]`: runs the program until it is asked to leave."""

import asyncio
import os
import resource
import signal
import sys
import time
from contextlib import suppress

import structlog

from server.configuration import Loaded
from server.lifecycle import Lifecycle, ProcessRole

log = structlog.get_logger("run")


async def serve(loaded: Loaded, role: str, started: float) -> int:
    """The exit code: 1 if something had to be cut off. `started`: when the process was, on the monotonic clock."""
    for warning in loaded.warnings:
        log.warning("check_configuration", detail=warning)
    _take_all_descriptors()
    life = Lifecycle(loaded.settings, ProcessRole(role))
    asked = _stop_on_signals()
    try:
        await life.open()
        took_ms = round((time.monotonic() - started) * 1000)
        parts = life.described()
        if sys.stdout.isatty():
            _banner(parts, took_ms)
        log.info("ready", started_in_ms=took_ms, **parts)
        await asked.wait()
        log.info("leaving", role=role)
    finally:
        clean = await life.close()
    log.info("left", clean=clean)
    return 0 if clean else 1


def _take_all_descriptors() -> None:
    """Let the process have as many connections as it may: where a shell starts it, often a thousand of a million."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(
        ValueError, OSError
    ):  # macOS says that there is no limit, and refuses to be taken at its word
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _stop_on_signals() -> asyncio.Event:
    """An event that the first SIGINT or SIGTERM sets; the second leaves without waiting for anything."""
    asked = asyncio.Event()

    def stop(number: int) -> None:
        if asked.is_set():
            os._exit(128 + number)
        asked.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
    return asked


def _banner(parts: dict[str, str], took_ms: int) -> None:
    width = max(map(len, parts))
    lines = [f"  {name:<{width}}  {value}" for name, value in parts.items()]
    print(
        "",
        f"  photofeed is ready ({took_ms} ms)",
        "",
        *lines,
        "",
        "  Ctrl-C to stop",
        "",
        sep="\n",
        flush=True,
    )
