"""The embedded Redis: one private Valkey server per folder, shared by all processes that use the folder.

The process that holds the lock on `owner.lock` owns the server: it starts the server and restarts it after a crash.
The kernel releases the lock when the owner exits; another process then takes it and starts a server on the same files.
A process forked from an owner without exec would inherit the lock, so nothing may fork that way. Starting and stopping
the Valkey process is left to `valkey_server`.
"""

import asyncio
import contextlib
import os
import stat
import time
from pathlib import Path
from urllib.parse import quote

import structlog

from server.errors import AppError, ConfigurationError, Unavailable
from server.gateways.embedded_redis.processes import open_lock, socket_path, try_lock, unlock
from server.gateways.embedded_redis.valkey_server import ValkeyServer

OWNER_POLL_S = 0.1
STABLE_AFTER_S = 10.0  # a server that ran this long is restarted without backoff
FIRST_RESTART_BACKOFF_S = 0.1
MAX_RESTART_BACKOFF_S = 2.0

log = structlog.get_logger(__name__)


class EmbeddedRedis:
    """One process's handle on the shared server. Call start(), run() as a task, then stop(), once each."""

    def __init__(self, folder: Path, *, start_timeout_s: float = 5.0) -> None:
        """`folder` is created if missing. `start_timeout_s` bounds the silence of a starting server.

        Raises ConfigurationError if the path is too long for a Unix socket.
        """
        self._folder = folder.resolve()
        address = socket_path(self._folder)
        if address is None:
            raise ConfigurationError(
                f"The path {self._folder} is too long for a Unix socket: set a shorter VAR_DIR."
            )
        self._address = address
        self._server = ValkeyServer(self._folder, self._address, start_timeout_s=start_timeout_s)
        self._owner_lock: int | None = None
        self._stopping = asyncio.Event()
        self._started_at = 0.0
        self._backoff_s = 0.0

    @property
    def url(self) -> str:
        """The URL of the server, the same in every process."""
        return f"unix://{quote(str(self._address))}"

    @property
    def is_owner(self) -> bool:
        """True if this process has to keep the server running."""
        return self._owner_lock is not None

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs and belongs to this process."""
        return self._server.pid

    async def start(self) -> None:
        """Start the server, or wait for the one of another process, until it answers.

        Raises ConfigurationError if it cannot run here, with the last lines of its log, and Unavailable if it does not
        answer. After an error no lock is held and no process is left.
        """
        try:
            self._prepare_folders()
            if await self._is_shared():
                log.debug("embedded_redis_shared", folder=str(self._folder))
                return
            await self._start_server()
            log.debug("embedded_redis_started", pid=self.pid, folder=str(self._folder))
        except BaseException:
            self._release()
            raise

    async def run(self) -> None:
        """Until stop(): restart our server after a crash, take over when the owner is gone."""
        while not self._stopping.is_set():
            if self.is_owner and self.pid is None:
                log.warning("embedded_redis_died", exit_code=self._server.exit_code)
                await self._restart()
            elif not self.is_owner:
                try:
                    if self._take_ownership():
                        log.warning("embedded_redis_owner_gone", folder=str(self._folder))
                        await self._restart()
                # No file descriptor is left, or the folder was removed.
                except ConfigurationError as error:
                    log.warning("embedded_redis_lock_failed", detail=error.reason)
                    await self._pause(MAX_RESTART_BACKOFF_S)
            await self._pause(OWNER_POLL_S)

    async def stop(self, deadline_s: float = 5.0) -> None:
        """Make run() return; an owner stops the server with its data flushed, and kills it after `deadline_s`.

        Another process that uses the folder then takes over.
        """
        self._stopping.set()
        if self.is_owner:
            try:
                await self._server.stop(deadline_s)
            finally:
                self._release()

    async def _is_shared(self) -> bool:
        """Return True once another process's server answers, False as soon as this process is the owner."""

        def became_owner() -> bool:
            if self._take_ownership():
                return True
            if self._stopping.is_set():
                raise Unavailable("The embedded Redis is being stopped.")
            return False

        problem = f"Another process owns the embedded Redis in {self._folder}, which did not answer"
        return await self._server.wait_until_ready(became_owner, problem)

    async def _restart(self) -> None:
        """Restart our server, with backoff if it keeps crashing; log only the first failure."""
        died_at = time.monotonic()
        if died_at - self._started_at > STABLE_AFTER_S:
            self._backoff_s = 0.0
        reported = False
        while not self._stopping.is_set():
            await self._pause(self._backoff_s)
            self._backoff_s = min(max(FIRST_RESTART_BACKOFF_S, self._backoff_s * 2), MAX_RESTART_BACKOFF_S)
            try:
                await self._start_server()
            except AppError as error:
                if not reported and not self._stopping.is_set():
                    log.error("embedded_redis_restart_failed", detail=error.reason)
                reported = True
            else:
                log.info(
                    "embedded_redis_restarted", pid=self.pid, after_s=round(time.monotonic() - died_at, 3)
                )
                return

    async def _start_server(self) -> None:
        self._prepare_folders()
        await self._server.start()
        self._started_at = time.monotonic()

    def _take_ownership(self) -> bool:
        try:
            lock = open_lock(self._folder / "owner.lock")
        except OSError as error:
            raise self._unusable(error) from error
        if try_lock(lock):
            self._owner_lock = lock
        else:
            os.close(lock)
        return self.is_owner

    def _release(self) -> None:
        if self._owner_lock is not None:
            unlock(self._owner_lock)
            self._owner_lock = None

    async def _pause(self, seconds: float) -> None:
        """Sleep until `seconds` have passed or stop() is called."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    def _prepare_folders(self) -> None:
        """Create the folders for data and socket; other users must not be able to replace the socket."""
        socket_folder = self._address.parent
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            socket_folder.mkdir(mode=0o700, exist_ok=True)
            found = socket_folder.lstat()
        except OSError as error:
            raise self._unusable(error) from error
        private = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077
        if socket_folder != self._folder and not private:
            raise ConfigurationError(
                f"The socket folder {socket_folder} is open to other users: remove it, or set a shorter VAR_DIR."
            )

    def _unusable(self, error: OSError) -> ConfigurationError:
        return ConfigurationError(
            f"The embedded Redis cannot use {self._folder} ({error}): set VAR_DIR to a writable folder, or REDIS_HOST"
            " to use another server."
        )
