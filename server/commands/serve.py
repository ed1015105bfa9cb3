"""`python run.py [serve]`: runs the server until SIGINT or SIGTERM, alone or as a member of a group."""

import asyncio
import os
import signal
import time

import structlog

from server.commands.startup import keeping_alive, raise_descriptor_limit, report_ready
from server.configuration import Loaded
from server.lifecycle import Lifecycle, ProcessRole
from server.processes.membership import Descriptors, Leave, Membership
from server.processes.service_manager import ServiceManager

log = structlog.get_logger("run")


async def serve(loaded: Loaded, role: str, started: float) -> int:
    """Run the server and return the exit code: 1 if something was cut off.

    `started` is the monotonic time at which the process started.
    """
    for warning in loaded.warnings:
        log.warning("configuration_warning", detail=warning)
    raise_descriptor_limit()
    manager = ServiceManager()
    lifecycle = Lifecycle(loaded.settings, ProcessRole(role))
    stop_requested = _stop_on_signals()
    try:
        await lifecycle.open()
        report_ready(lifecycle.describe(), started, loaded.settings.log.format)
        manager.ready("Serving")
        async with keeping_alive(manager):
            await stop_requested.wait()
        manager.stopping()
        log.info("stopping", role=role)
    finally:
        clean = await lifecycle.close()
    log.info("stopped", clean=clean)
    return 0 if clean else 1


async def serve_member(loaded: Loaded, role: str, started: float, descriptors: str) -> int:
    """Run the server as a member of a group until its supervisor, or SIGTERM, ends it; return the exit code."""
    raise_descriptor_limit()
    settings = loaded.settings
    left, leave = asyncio.Event(), Leave.STOPPED

    def on_leave(reason: Leave) -> None:
        nonlocal leave
        if not left.is_set():
            leave = reason
            left.set()

    # Signals may be repeated: some service managers send them to the supervisor and to its members.
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, on_leave, Leave.STOPPED)
    membership = Membership(Descriptors.parse(descriptors), on_leave)
    lifecycle = Lifecycle(settings, ProcessRole(role), membership)
    async with membership.running(lifecycle.metrics, settings.shutdown.total_s):
        try:
            await lifecycle.open()
            membership.announce(lifecycle.describe())
            log.info(
                "process_ready", pid=os.getpid(), started_in_ms=round((time.monotonic() - started) * 1000)
            )
            await left.wait()
            log.info("process_stopping", pid=os.getpid(), reason=str(leave))
        finally:
            clean = await lifecycle.close(leave)
        log.info("process_stopped", pid=os.getpid(), clean=clean)
    return 0 if clean else 1


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
