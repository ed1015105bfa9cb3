"""Startup of a server, and of a supervisor of servers, which needs nothing of the application: imports little."""

import asyncio
import resource
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

import structlog

from server.processes.service_manager import ServiceManager

log = structlog.get_logger("run")


def raise_descriptor_limit() -> None:
    """Allow as many connections as the hard limit does; shells often start processes with far fewer."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # macOS reports no limit, and refuses to set it.
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def report_ready(facts: dict[str, str], started: float, log_format: str) -> None:
    """Log that the server is ready; in a terminal, print a banner with the `facts` instead."""
    took_ms = round((time.monotonic() - started) * 1000)
    if sys.stdout.isatty() and log_format != "json":
        _print_banner(facts, took_ms)
    else:
        log.info("ready", started_in_ms=took_ms, **facts)


@asynccontextmanager
async def keeping_alive(manager: ServiceManager) -> AsyncGenerator[None]:
    """Reset the watchdog of the service manager during the block."""
    task = asyncio.create_task(manager.keep_alive())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _print_banner(facts: dict[str, str], took_ms: int) -> None:
    width = max(map(len, facts))
    lines = [f"  {name:<{width}}  {value}" for name, value in facts.items()]
    title = f"  photofeed is ready ({took_ms} ms)"
    print("", title, "", *lines, "", "  Press Ctrl-C to stop.", "", sep="\n", flush=True)
