"""The embedded default's Redis: a private Valkey server under one folder, shared by every process that uses the folder.

The process that holds the lock on `owner.lock` owns the server: it starts it and keeps it alive. The kernel frees the
lock when the owner leaves or dies; whoever remains takes it and starts the server again on the same files. How a
server is started and ended is `valkey_server`'s. A process that is forked from an owner without exec would inherit
the lock and keep it: there must be none.
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
from server.gateways.embedded_redis.valkey_server import Answer, ValkeyServer

WATCH_S = 0.1
STEADY_S = 10.0  # a server that lived this long is started again at once
FIRST_BACKOFF_S = 0.1
MAX_BACKOFF_S = 2.0

log = structlog.get_logger(__name__)


class EmbeddedRedis:
    """One process's part in the shared server. Its life: start(), run() as a task, stop(); then it is spent.

    `folder` is created if need be. `start_timeout_s` bounds how long a server may be silent while it starts.
    ConfigurationError if no path of a socket can be made for it.
    """

    def __init__(self, folder: Path, *, start_timeout_s: float = 5.0) -> None:
        self._folder = folder.resolve()
        address = socket_path(self._folder)
        if address is None:
            raise ConfigurationError(f"{self._folder} is too long for the path of a socket: shorten VAR_DIR.")
        self._address = address
        self._start_timeout_s = start_timeout_s
        self._server = ValkeyServer(self._folder, self._address, start_timeout_s=start_timeout_s)
        self._lock: int | None = None
        self._stopping = asyncio.Event()
        self._started_at = 0.0
        self._backoff_s = 0.0

    @property
    def url(self) -> str:
        """The server's address in the form that redis-py reads, the same in every process."""
        return f"unix://{quote(str(self._address))}"

    @property
    def is_owner(self) -> bool:
        """Whether this process has to keep the server alive."""
        return self._lock is not None

    @property
    def pid(self) -> int | None:
        """The server's process id, while this process owns it and it runs."""
        return self._server.pid

    async def start(self) -> None:
        """Return when the server answers, started here or by the process that owns it.

        Raises ConfigurationError when it cannot run here (`detail` has its log's last lines), Unavailable when it,
        or another process's, stays silent. After an error nothing is held.
        """
        try:
            self._prepare_folders()
            if await self._found_owner():
                log.info("redis_shared", folder=str(self._folder))
                return
            await self._start_server()
            log.info("redis_child_started", pid=self.pid, folder=str(self._folder))
        except BaseException:
            self._release()
            raise

    async def run(self) -> None:
        """Keep a server alive until stop(): start ours again when it dies, take over when the owner is gone."""
        while not self._stopping.is_set():
            if self.is_owner and self.pid is None:
                log.warning("redis_child_lost", exit_code=self._server.exit_code)
                await self._revive()
            elif not self.is_owner:
                try:
                    if self._take_ownership():
                        log.warning("redis_owner_left", folder=str(self._folder))
                        await self._revive()
                except ConfigurationError as error:  # no descriptor is left, or the folder was removed
                    log.warning("redis_owner_unknown", detail=error.reason)
                    await self._pause(MAX_BACKOFF_S)
            await self._pause(WATCH_S)

    async def stop(self, deadline_s: float = 5.0) -> None:
        """Let go: an owner ends the server with its data flushed, killing it after `deadline_s`; run() returns.

        Another process that runs on the folder takes over.
        """
        self._stopping.set()
        if self.is_owner:
            try:
                await self._server.end(deadline_s)
            finally:
                self._release()

    async def _found_owner(self) -> bool:
        """True: another process's server answers. False: we are the owner now."""
        heard_at = time.monotonic()
        while not self._take_ownership():
            if self._stopping.is_set():
                raise Unavailable("The embedded Redis is being stopped.")
            answer = await self._server.ping()
            if answer is Answer.READY:
                return True
            if answer is Answer.LOADING:
                heard_at = time.monotonic()
            if time.monotonic() - heard_at > self._start_timeout_s:
                raise Unavailable(
                    f"Another process owns the embedded Redis in {self._folder}, and it has not answered for"
                    f" {self._start_timeout_s:g} s: {self._server.last_words()} (log: {self._server.log_file})."
                )
            await self._pause(0.02)
        return False

    async def _revive(self) -> None:
        """Start our server again, after ever longer pauses if it keeps dying soon; one line when it is back."""
        lost_at = time.monotonic()
        if lost_at - self._started_at > STEADY_S:
            self._backoff_s = 0.0
        quiet = False
        while not self._stopping.is_set():
            await self._pause(self._backoff_s)
            self._backoff_s = min(max(FIRST_BACKOFF_S, self._backoff_s * 2), MAX_BACKOFF_S)
            try:
                await self._start_server()
            except AppError as error:
                if not quiet and not self._stopping.is_set():
                    log.error("redis_child_start_failed", detail=error.reason)
                quiet = True
            else:
                log.info("redis_child_back", pid=self.pid, after_s=round(time.monotonic() - lost_at, 3))
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
            self._lock = lock
        else:
            os.close(lock)
        return self.is_owner

    def _release(self) -> None:
        if self._lock is not None:
            unlock(self._lock)
            self._lock = None

    async def _pause(self, seconds: float) -> None:
        """Sleep, unless stop() comes first."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    def _prepare_folders(self) -> None:
        """Make the folders of the data and of the socket; nobody else may be able to put a socket in the latter."""
        place = self._address.parent
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            place.mkdir(mode=0o700, exist_ok=True)
            found = place.lstat()
        except OSError as error:
            raise self._unusable(error) from error
        private = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077
        if place != self._folder and not private:
            raise ConfigurationError(
                f"{place}, the place of the embedded Redis's socket, is open to others: remove it, or set VAR_DIR to"
                " a shorter path."
            )

    def _unusable(self, error: OSError) -> ConfigurationError:
        return ConfigurationError(
            f"The embedded Redis cannot use {self._folder}: {error}. Set VAR_DIR to a folder that this user may write"
            " to, or REDIS_HOST to use another server."
        )
