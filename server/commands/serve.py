"""`python run.py [serve]`: runs the server until SIGINT or SIGTERM."""

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
    """Run the server and return the exit code: 1 if something was cut off.

    `started` is the monotonic time at which the process started.
    """
    for warning in loaded.warnings:
        log.warning("configuration_warning", detail=warning)
    _raise_descriptor_limit()
    lifecycle = Lifecycle(loaded.settings, ProcessRole(role))
    stop_requested = _stop_on_signals()
    try:
        await lifecycle.open()
        took_ms = round((time.monotonic() - started) * 1000)
        if sys.stdout.isatty() and loaded.settings.log.format != "json":
            _print_banner(lifecycle.describe(), took_ms)
        else:
            log.info("ready", started_in_ms=took_ms, **lifecycle.describe())
        await stop_requested.wait()
        log.info("stopping", role=role)
    finally:
        clean = await lifecycle.close()
    log.info("stopped", clean=clean)
    return 0 if clean else 1


def _raise_descriptor_limit() -> None:
    """Allow as many connections as the hard limit does; shells often start processes with far fewer."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # macOS reports no limit, and refuses to set it.
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _stop_on_signals() -> asyncio.Event:
    """Return an event that the first SIGINT or SIGTERM sets. The second one exits immediately."""
    requested = asyncio.Event()

    def stop(number: int) -> None:
        if requested.is_set():
            os._exit(128 + number)
        requested.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
    return requested


def _print_banner(facts: dict[str, str], took_ms: int) -> None:
    width = max(map(len, facts))
    lines = [f"  {name:<{width}}  {value}" for name, value in facts.items()]
    title = f"  photofeed is ready ({took_ms} ms)"
    print("", title, "", *lines, "", "  Press Ctrl-C to stop.", "", sep="\n", flush=True)
