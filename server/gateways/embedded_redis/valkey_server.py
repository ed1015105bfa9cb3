"""One Valkey process on one folder: starting it, checking that it answers, stopping it.

`embedded_redis` decides which process starts it, and when. The server inherits a lock on `server.lock`, so two servers
never write the same files.
"""

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

import structlog

from server.errors import ConfigurationError, Unavailable
from server.gateways.embedded_redis.processes import (
    die_with_parent,
    listener_pid,
    open_lock,
    send_command,
    try_lock,
    wait_for_exit,
    wait_for_lock,
)
from server.gateways.embedded_redis.valkey_engine import (
    arguments,
    find_binary,
    read_version,
    record_engine,
    truncate_damage,
)

ORPHAN_GRACE_S = 2.0
READY_POLL_S = 0.01
INHERITED_ENVIRONMENT = frozenset({"PATH", "TZ", "LD_LIBRARY_PATH"})  # no secrets
MAX_LOG_BYTES = 1_048_576
LOG_PREFIX = re.compile(r"^\d+:\S+ .*?\d\d:\d\d:\d\d\.\d+ \S ")

log = structlog.get_logger(__name__)


class PingResult(StrEnum):
    """Result of a PING."""

    READY = "ready"
    LOADING = "loading"
    NO_ANSWER = "no_answer"


class ValkeyServer:
    """A server on `folder` that listens only on the Unix socket `address`."""

    def __init__(self, folder: Path, address: Path, *, start_timeout_s: float) -> None:
        """`start_timeout_s` bounds the silence of a starting server; time spent loading data does not count."""
        self.log_file = folder / "redis.log"
        self._folder = folder
        self._address = address
        self._start_timeout_s = start_timeout_s
        self._child: subprocess.Popen[bytes] | None = None
        self._binary: Path | None = None
        self._log_offset = 0
        self._stopped = False

    @property
    def pid(self) -> int | None:
        """The process id while the process runs."""
        return self._child.pid if self._child and self._child.poll() is None else None

    @property
    def exit_code(self) -> int | None:
        """The exit code of the last process, negative for a signal; None while it runs or if there was none."""
        return self._child.poll() if self._child else None

    async def start(self) -> None:
        """Start a new process and wait until it answers; a server that still has the folder is stopped first.

        A damaged end of the append-only file is cut off, and a copy is kept. Raises ConfigurationError if the process
        cannot run on this folder, Unavailable if it does not answer or another one does not exit. After an error our
        process is gone.
        """
        try:
            binary = await self._checked_binary()
            ready = await self._launch(binary)
            if not ready and await self._repair(binary):
                ready = await self._launch(binary)
            if not ready:
                raise ConfigurationError(
                    f"The embedded Redis did not start: {self.last_log_lines()} (log: {self.log_file}). Set REDIS_HOST"
                    f" to use another server, or move {self._folder} away to start empty."
                )
        except (OSError, subprocess.SubprocessError) as error:
            self._kill()
            raise ConfigurationError(
                f"The embedded Redis cannot run on {self._folder} ({error}): set VAR_DIR to a writable folder, or"
                " REDIS_HOST to use another server."
            ) from error
        except BaseException:
            self._kill()
            raise

    async def stop(self, deadline_s: float) -> None:
        """Stop the process with its data flushed, or kill it after `deadline_s`. It cannot be started again."""
        self._stopped = True
        child = self._child
        if child is None or child.poll() is not None:
            return
        try:
            child.terminate()
            if not await wait_for_exit(child, deadline_s):
                log.warning("embedded_redis_killed", pid=child.pid, after_s=deadline_s)
        finally:
            self._kill()

    async def ping(self) -> PingResult:
        """Ping whichever server listens on the socket."""
        reply = await send_command(self._address, b"PING")
        if reply.startswith(b"+PONG"):
            return PingResult.READY
        return PingResult.LOADING if reply.startswith(b"-LOADING") else PingResult.NO_ANSWER

    async def wait_until_ready(self, gave_up: Callable[[], bool], problem: str) -> bool:
        """Wait until a server answers; return False as soon as `gave_up()`.

        Raises Unavailable, starting with `problem`, if there is no answer for longer than the timeout.
        """
        heard_at = time.monotonic()
        while not gave_up():
            answer = await self.ping()
            if answer is PingResult.READY:
                return True
            if answer is PingResult.LOADING:
                heard_at = time.monotonic()
            if time.monotonic() - heard_at > self._start_timeout_s:
                raise Unavailable(
                    f"{problem} for {self._start_timeout_s:g} s: {self.last_log_lines()} (log: {self.log_file})."
                )
            await asyncio.sleep(READY_POLL_S)
        return False

    def last_log_lines(self) -> str:
        """Return the last log lines since our process started, to be part of a sentence."""
        try:
            text = self.log_file.read_bytes()[self._log_offset :].decode(errors="replace")
        except OSError:
            return "no log file"
        lines = [LOG_PREFIX.sub("", line.strip()) for line in text.splitlines() if line.strip()]
        return " / ".join(lines[-3:]) or "nothing was logged"

    async def _checked_binary(self) -> Path:
        if self._binary is None:
            binary = find_binary()
            version = await asyncio.to_thread(read_version, binary)
            record_engine(self._folder, version)
            self._binary = binary
        return self._binary

    async def _launch(self, binary: Path) -> bool:
        """Start a process and wait until it answers; return False if it exits before."""
        lock = await self._lock_folder()
        try:
            child = self._child = self._spawn(binary, lock)
        finally:
            os.close(lock)  # the process's own copy keeps the lock
        return await self.wait_until_ready(
            lambda: child.poll() is not None, "The embedded Redis did not answer"
        )

    def _spawn(self, binary: Path, lock: int) -> subprocess.Popen[bytes]:
        if self._stopped:
            raise Unavailable("The embedded Redis is being stopped.")
        with self._open_log() as output:
            # In the event loop's thread, because the death signal is sent when the forking thread ends.
            return subprocess.Popen(
                arguments(binary, self._folder, self._address),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={name: value for name, value in os.environ.items() if name in INHERITED_ENVIRONMENT},
                umask=0o077,
                pass_fds=(lock,),
                start_new_session=True,  # Ctrl-C in a terminal must not stop it before us
                preexec_fn=die_with_parent(),  # noqa: PLW1509 - takes no lock after the fork
            )

    def _open_log(self) -> BinaryIO:
        with contextlib.suppress(FileNotFoundError):
            if self.log_file.stat().st_size > MAX_LOG_BYTES:
                self.log_file.replace(self.log_file.with_suffix(".log.1"))
        output = self.log_file.open("ab")
        self._log_offset = output.tell()
        return output

    async def _repair(self, binary: Path) -> bool:
        """Cut off the damage if the process exited because of a damaged file; return whether that worked."""
        if "Bad file format" not in self.last_log_lines():
            return False
        lost_bytes = await asyncio.to_thread(truncate_damage, binary, self._folder)
        repaired = lost_bytes is not None
        log.error("embedded_redis_data_damaged", repaired=repaired, lost_bytes=lost_bytes, copy="damaged.aof")
        return repaired

    async def _lock_folder(self) -> int:
        """Return a descriptor that holds `server.lock`; no other server has the folder any more."""
        lock = open_lock(self._folder / "server.lock")
        try:
            if not try_lock(lock):
                await self._stop_orphan(lock)
        except BaseException:
            os.close(lock)
            raise
        return lock

    async def _stop_orphan(self, lock: int) -> None:
        """Stop a server without an owner: with SHUTDOWN first, then with SIGKILL."""
        await send_command(self._address, b"SHUTDOWN")
        if await wait_for_lock(lock, ORPHAN_GRACE_S):
            return
        pid = listener_pid(self._address)
        if pid is not None:
            log.warning("embedded_redis_orphan_killed", pid=pid)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if not await wait_for_lock(lock, ORPHAN_GRACE_S):
            process = f"process {pid}" if pid else "a process that does not listen"
            raise Unavailable(f"Another server ({process}) uses {self._folder} and does not stop.")

    def _kill(self) -> None:
        if self._child is not None and self._child.poll() is None:
            self._child.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(timeout=1)
