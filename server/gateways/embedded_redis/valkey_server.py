"""One Valkey process on one folder: its start, what it answers, its end.

Who may start it, and when, is decided in `embedded_redis`. The process inherits a lock on `server.lock`, so the
kernel itself knows until when a server has the folder: two never write the same files.
"""

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import time
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

import structlog

from server.errors import ConfigurationError, Unavailable
from server.gateways.embedded_redis.processes import (
    ask,
    die_with_parent,
    ended_within,
    listener,
    locked_within,
    open_lock,
    try_lock,
)
from server.gateways.embedded_redis.valkey_engine import (
    arguments,
    cut_damage,
    find_binary,
    note_engine,
    read_version,
)

ORPHAN_GRACE_S = 2.0
ENVIRONMENT = frozenset({"PATH", "TZ", "LD_LIBRARY_PATH"})  # none of our secrets
MAX_LOG_BYTES = 1_048_576
LOG_LINE_HEAD = re.compile(r"^\d+:\S+ .*?\d\d:\d\d:\d\d\.\d+ \S ")

log = structlog.get_logger(__name__)


class Answer(StrEnum):
    """What a PING brought."""

    READY = "ready"
    LOADING = "loading"
    SILENCE = "silence"


class ValkeyServer:
    """A server on `folder` that listens on the unix socket `address` alone.

    `start_timeout_s` bounds its silence while it starts: one that says it is loading its data is waited for.
    """

    def __init__(self, folder: Path, address: Path, *, start_timeout_s: float) -> None:
        self.log_file = folder / "redis.log"
        self._folder = folder
        self._address = address
        self._start_timeout_s = start_timeout_s
        self._child: subprocess.Popen[bytes] | None = None
        self._binary: Path | None = None
        self._log_offset = 0
        self._ended = False

    @property
    def pid(self) -> int | None:
        """The process id, while the process runs."""
        return self._child.pid if self._child and self._child.poll() is None else None

    @property
    def exit_code(self) -> int | None:
        """How the last process ended, a signal as a negative number; None while it runs or if there was none."""
        return self._child.poll() if self._child else None

    async def start(self) -> None:
        """Return when a new process answers, having ended whatever server still had the folder.

        A damaged end of the append-only file is cut off, a copy kept. Raises ConfigurationError when the process
        cannot run on this folder, Unavailable when it is silent or another one does not leave; then no process of
        ours is left.
        """
        try:
            binary = await self._checked_binary()
            answers = await self._launched(binary)
            if not answers and await self._repaired(binary):
                answers = await self._launched(binary)
            if not answers:
                raise ConfigurationError(
                    f"The embedded Redis did not start: {self.last_words()} (log: {self.log_file}). Set REDIS_HOST"
                    f" to use another server, or move {self._folder} away to start empty."
                )
        except (OSError, subprocess.SubprocessError) as error:
            self._kill()
            raise ConfigurationError(
                f"The embedded Redis cannot run on {self._folder}: {error}. Set VAR_DIR to a folder that this user"
                " may write to, or REDIS_HOST to use another server."
            ) from error
        except BaseException:
            self._kill()
            raise

    async def end(self, deadline_s: float) -> None:
        """End the process with its data flushed, kill it after `deadline_s`; nothing starts here again."""
        self._ended = True
        child = self._child
        if child is None or child.poll() is not None:
            return
        try:
            child.terminate()
            if not await ended_within(child, deadline_s):
                log.warning("redis_child_killed", pid=child.pid, after_s=deadline_s)
        finally:
            self._kill()

    async def ping(self) -> Answer:
        """What answers on the socket, whoever started it."""
        reply = await ask(self._address, b"PING")
        if reply.startswith(b"+PONG"):
            return Answer.READY
        return Answer.LOADING if reply.startswith(b"-LOADING") else Answer.SILENCE

    def last_words(self) -> str:
        """The last lines of the log since our start (of the whole log if we started nothing), as part of a sentence."""
        try:
            text = self.log_file.read_bytes()[self._log_offset :].decode(errors="replace")
        except OSError:
            return "there is no log"
        lines = [LOG_LINE_HEAD.sub("", line.strip()) for line in text.splitlines() if line.strip()]
        return " / ".join(lines[-3:]) or "it logged nothing"

    async def _checked_binary(self) -> Path:
        if self._binary is None:
            binary = find_binary()
            version = await asyncio.to_thread(read_version, binary)
            note_engine(self._folder, version)
            self._binary = binary
        return self._binary

    async def _launched(self, binary: Path) -> bool:
        """Whether a new process came to answer; False: it ended before that."""
        lock = await self._lock_folder()
        try:
            child = self._child = self._spawn(binary, lock)
        finally:
            os.close(lock)  # the process's own copy keeps the lock
        heard_at = time.monotonic()
        while child.poll() is None:
            answer = await self.ping()
            if answer is Answer.READY:
                return True
            if answer is Answer.LOADING:
                heard_at = time.monotonic()
            if time.monotonic() - heard_at > self._start_timeout_s:
                raise Unavailable(
                    f"The embedded Redis did not answer for {self._start_timeout_s:g} s: {self.last_words()}"
                    f" (log: {self.log_file})."
                )
            await asyncio.sleep(0.01)
        return False

    def _spawn(self, binary: Path, lock: int) -> subprocess.Popen[bytes]:
        if self._ended:
            raise Unavailable("The embedded Redis is being stopped.")
        with self._open_log() as output:
            # In the loop's own thread: the death signal comes with the end of the thread that forks.
            return subprocess.Popen(
                arguments(binary, self._folder, self._address),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={name: value for name, value in os.environ.items() if name in ENVIRONMENT},
                umask=0o077,
                pass_fds=(lock,),
                start_new_session=True,  # Ctrl-C in a terminal must not end it before us
                preexec_fn=die_with_parent(),  # noqa: PLW1509 - takes no lock after the fork
            )

    def _open_log(self) -> BinaryIO:
        with contextlib.suppress(FileNotFoundError):
            if self.log_file.stat().st_size > MAX_LOG_BYTES:
                self.log_file.replace(self.log_file.with_suffix(".log.1"))
        output = self.log_file.open("ab")
        self._log_offset = output.tell()
        return output

    async def _repaired(self, binary: Path) -> bool:
        """Whether the process ended over a damaged file, and the damage could be cut off."""
        if "Bad file format" not in self.last_words():
            return False
        lost_bytes = await asyncio.to_thread(cut_damage, binary, self._folder)
        repaired = lost_bytes is not None
        log.error("redis_data_damaged", repaired=repaired, lost_bytes=lost_bytes, copy="damaged.aof")
        return repaired

    async def _lock_folder(self) -> int:
        """A descriptor of `server.lock` that holds the lock: no server has the folder any more."""
        lock = open_lock(self._folder / "server.lock")
        try:
            if not try_lock(lock):
                await self._end_orphan(lock)
        except BaseException:
            os.close(lock)
            raise
        return lock

    async def _end_orphan(self, lock: int) -> None:
        """Wait until a server without an owner is gone: on its way already, asked to go, killed if it does not hear."""
        await ask(self._address, b"SHUTDOWN")
        if await locked_within(lock, ORPHAN_GRACE_S):
            return
        pid = listener(self._address)
        if pid is not None:
            log.warning("redis_orphan_killed", pid=pid)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if not await locked_within(lock, ORPHAN_GRACE_S):
            whose = f"process {pid}" if pid else "a process that does not listen"
            raise Unavailable(f"Another server, {whose}, has {self._folder} and does not end.")

    def _kill(self) -> None:
        if self._child is not None and self._child.poll() is None:
            self._child.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(timeout=1)
