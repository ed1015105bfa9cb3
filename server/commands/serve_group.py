"""`python run.py --processes N`: supervises N processes of a role that share a port.

The supervisor has the port, the roles on the data folder and the embedded Valkey, so that they outlive each process.
It serves nothing itself. SIGHUP reads the configuration again and replaces the processes one by one; their code is
loaded again as well.
"""

import asyncio
import os
import signal
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from socket import socket
from typing import Any

import structlog

from server.actors.supervisor import Supervisor
from server.assembly.claims import claimed_port, claimed_role, create_work_folder, data_folder
from server.commands.startup import keeping_alive, raise_descriptor_limit, report_ready
from server.configuration import Loaded
from server.errors import AppError, ConfigurationError
from server.gateways.embedded_redis.embedded_redis import EmbeddedRedis
from server.metrics import Metrics
from server.processes.group import ProcessGroup, StartFailed
from server.processes.member import Launch
from server.processes.orphans import reap_orphans
from server.processes.service_manager import ServiceManager
from server.settings import Settings

log = structlog.get_logger("run")

REAP_S = 1.0
VALKEY_STOP_S = 1.5
# What the supervisor itself has opened.
NODE_REFUSED = (
    "NODE_ID is set, but --processes starts several processes: remove it, so that each one leases a number of its"
    " own."
)
KEPT_KEYS = ("app.host", "app.port", "app.worker_port", "app.var_dir")


async def serve_group(
    load: Callable[[], Loaded], role: str, processes: int, command: list[str], started: float
) -> int:
    """Run the processes until SIGINT or SIGTERM, and return the exit code: 1 if something was cut off.

    `command` is the command line of one process, without the interpreter.
    """
    loaded = load()
    settings = loaded.settings
    if settings.ids.node >= 0:
        raise ConfigurationError(NODE_REFUSED)
    for warning in loaded.warnings:
        log.warning("configuration_warning", detail=warning)
    raise_descriptor_limit()
    async with AsyncExitStack() as stack:
        listener = await _claim(settings, role, stack)
        lifeline, held = os.pipe()  # closed by the kernel when this process ends
        stack.callback(os.close, held)
        stack.callback(os.close, lifeline)
        launch = Launch(command, -1 if listener is None else listener.fileno(), lifeline, processes)
        group = ProcessGroup(launch, settings.shutdown.total_s)
        embedded: EmbeddedRedis | None = None
        if settings.embedded_redis:
            embedded = await stack.enter_async_context(_embedded_redis(settings))
        if os.getpid() == 1:
            await stack.enter_async_context(_reaping(group, embedded))
        return await _Supervision(load, settings, role, group, listener).run(started)


class _Supervision:
    """The group between its start and its end, as signals direct it."""

    def __init__(
        self,
        load: Callable[[], Loaded],
        settings: Settings,
        role: str,
        group: ProcessGroup,
        listener: socket | None,
    ) -> None:
        self._load = load
        self._settings = settings
        self._role = role
        self._group = group
        self._listener = listener
        self._manager = ServiceManager()
        self._stop_requested = asyncio.Event()
        self._reload_requested = asyncio.Event()
        self._has_terminal = os.isatty(0)

    async def run(self, started: float) -> int:
        """Run until a signal ends it, and return the exit code."""
        self._handle_signals()
        try:
            async with keeping_alive(self._manager):
                await self._unless_stopped(self._start(started))
                while not self._stop_requested.is_set():
                    await self._unless_stopped(self._reload_requested.wait())
                    if self._reload_requested.is_set():
                        self._reload_requested.clear()
                        await self._unless_stopped(self._reload())
        except StartFailed as error:
            await self._group.stop()
            return error.exit_code  # its process has said why
        self._manager.stopping()
        log.info("stopping", role=self._role)
        if self._listener is not None:
            self._listener.close()  # the members keep theirs for the lame duck period
        clean = await self._group.stop()
        log.info("stopped", clean=clean)
        return 0 if clean else 1

    async def _start(self, started: float) -> None:
        facts = await self._group.start()
        report_ready({**facts, "processes": str(len(self._group.pids))}, started, self._settings.log.format)
        self._manager.ready("Serving")

    async def _reload(self) -> None:
        self._manager.reloading()
        began = time.monotonic()
        try:
            settings = (await asyncio.to_thread(self._load)).settings
            _refuse_changes(self._settings, settings)
        except AppError as error:
            log.error("reload_refused", detail=error.reason)
        else:
            log.info("reloading")
            if await self._group.replace_all():
                self._settings, self._group.total_s = settings, settings.shutdown.total_s
                log.info("reloaded", took_s=round(time.monotonic() - began, 1))
            else:
                log.error("reload_refused", detail="A new process did not start; the others go on.")
        self._manager.ready("Serving")

    async def _unless_stopped(self, work: Coroutine[Any, Any, object]) -> None:
        """Run `work` to its end, or until the program has to stop. Its error is raised."""
        stopped = asyncio.create_task(self._stop_requested.wait())
        task = asyncio.create_task(work)
        try:
            await asyncio.wait([task, stopped], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in (task, stopped):
                each.cancel()
            results = await asyncio.gather(task, stopped, return_exceptions=True)
        if isinstance(results[0], Exception):
            raise results[0]

    def _handle_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop, number)
        loop.add_signal_handler(signal.SIGHUP, self._hang_up)

    def _stop(self, number: int) -> None:
        if self._stop_requested.is_set():
            self._group.kill()
            os._exit(128 + number)
        self._stop_requested.set()

    def _hang_up(self) -> None:
        """Reload, unless the signal says that the terminal was closed."""
        if self._has_terminal and not os.isatty(0):
            self._stop_requested.set()
        else:
            self._reload_requested.set()


async def _claim(settings: Settings, role: str, stack: AsyncExitStack) -> socket | None:
    """Claim the port, and the roles on the data folder if something is embedded. Raises ConfigurationError."""
    app, listener = settings.app, None
    port = app.worker_port if role == "worker" else app.port
    if port or role != "worker":
        listener = await stack.enter_async_context(claimed_port(app.host, port))
    var = data_folder(settings)
    create_work_folder(var)
    if settings.embedded_database or settings.embedded_redis:
        for part in ("api", "worker") if role == "all" else (role,):
            await stack.enter_async_context(claimed_role(var, part))
    return listener


def _refuse_changes(former: Settings, new: Settings) -> None:
    """Raise ConfigurationError for a change of what the supervisor itself has opened."""
    for key in KEPT_KEYS:
        before, after = (getattr(settings.app, key.removeprefix("app.")) for settings in (former, new))
        if before != after:
            raise ConfigurationError(f"{key} changed from {before} to {after}: restart the program for that.")
    if former.embedded_redis != new.embedded_redis or former.embedded_database != new.embedded_database:
        raise ConfigurationError(
            "The embedded database or Valkey was replaced, or a server by it: restart the program for that."
        )
    if new.ids.node >= 0:
        raise ConfigurationError(NODE_REFUSED)


@asynccontextmanager
async def _embedded_redis(settings: Settings) -> AsyncGenerator[EmbeddedRedis]:
    embedded, supervisor = EmbeddedRedis(data_folder(settings) / "redis"), Supervisor(Metrics())
    await embedded.start()
    try:
        async with supervisor.running("embedded redis", embedded.run):
            yield embedded
    finally:
        await embedded.stop(VALKEY_STOP_S)


@asynccontextmanager
async def _reaping(group: ProcessGroup, embedded: EmbeddedRedis | None) -> AsyncGenerator[None]:
    """Reap orphans, as the process with the id 1."""

    async def reap() -> None:
        while True:
            valkey = None if embedded is None else embedded.pid
            reap_orphans(group.pids if valkey is None else {*group.pids, valkey})
            await asyncio.sleep(REAP_S)

    task = asyncio.create_task(reap())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
