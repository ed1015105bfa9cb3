"""Notifications to the service manager that started the process, such as systemd (sd_notify).

Without `NOTIFY_SOCKET` nothing is sent. A failed notification is ignored: the service manager has timeouts itself.
"""

import asyncio
import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress

# Variables that concern this process only.
VARIABLES = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")


class ServiceManager:
    """Reports the state of this process."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        environ = os.environ if environ is None else environ
        path = environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + path[1:] if path.startswith("@") else path
        meant = environ.get("WATCHDOG_PID") in (None, "", str(os.getpid()))
        period_us = environ.get("WATCHDOG_USEC", "")
        self._watchdog_s = int(period_us) / 1e6 if meant and period_us.isdecimal() else 0.0

    def ready(self, status: str) -> None:
        """Report the end of startup, or of a reload."""
        self._send("READY=1", f"STATUS={status}")

    def reloading(self) -> None:
        """Report the beginning of a reload."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}", "STATUS=Reloading")

    def stopping(self) -> None:
        """Report the beginning of the shutdown."""
        self._send("STOPPING=1", "STATUS=Stopping")

    async def keep_alive(self) -> None:
        """Reset the watchdog twice per period, as long as the event loop runs; return at once without one."""
        while self._address and self._watchdog_s:
            self._send("WATCHDOG=1")
            await asyncio.sleep(self._watchdog_s / 2)

    def _send(self, *lines: str) -> None:
        if self._address:
            with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.setblocking(False)
                sender.sendto("\n".join(lines).encode(), self._address)
