"""One connection to Redis that writes what a turn of the event loop asks for at once: for what every request needs.

redis-py spends 0.13 ms of a core on a command and takes a connection for each; here commands of concurrent requests
share a write and a read, and cost a tenth of that. It does commands and scripts, and nothing else: no transactions, no
subscriptions, no blocking commands.
"""

import asyncio
import hashlib
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import hiredis
from redis.asyncio.connection import parse_url

from server.errors import Unavailable

Value = bytes | str | int | float

RECONNECT_S = 0.2
CHECK_EVERY_S = 0.1
# So many commands are written without waiting for the end of the turn, so that Redis is at work on them meanwhile: 32
# connections that read their feeds are served a sixth more. With fewer, the writes cost what that gains.
MAX_HELD = 8
# It loads what it saved, has no room, is another one's replica, cannot save, or is held up by a script.
TRANSIENT_ERRORS = (
    "LOADING",
    "OOM",
    "READONLY",
    "MISCONF",
    "MASTERDOWN",
    "NOREPLICAS",
    "BUSY",
    "TRYAGAIN",
    "CLUSTERDOWN",
)


class Script:
    """A Lua script; `sha` is the name under which Redis keeps it once it was loaded."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.sha = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Call:
    """One run of a script; see `PipelinedRedis.run`."""

    script: Script
    keys: Sequence[Value]
    arguments: Sequence[Value] = ()
    with_life: bool = False

    def parts(self, command: str, script: str, life: str) -> tuple[Value, ...]:
        before = (command, script, len(self.keys), *self.keys)
        return (*before, life, *self.arguments) if self.with_life else (*before, *self.arguments)


class RedisUnavailable(Unavailable):
    """Redis was not reached, did not answer in time, or refused the command for now."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason=f"Redis does not answer ({reason}); try again.")


class PipelinedRedis:
    """Connects when it is first used, and again after a failure, at most every 0.2 s.

    Every call raises RedisUnavailable when Redis is not reached, does not answer within `timeout_s`, or was
    lost after the command was sent: then nobody knows whether it was carried out, so commands should bear repeating.
    """

    def __init__(self, url: str, timeout_s: float) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._connection: _Connection | None = None
        self._connecting: asyncio.Task[_Connection] | None = None
        self._not_before = 0.0
        self._closed = False

    @property
    def life(self) -> str:
        """Names the run of the server that answers on the present connection; empty while there is none.

        A server that was restarted has another: what it had when it was last saved is then not to be trusted.
        """
        return self._alive.life if self._alive else ""

    @property
    def _alive(self) -> "_Connection | None":
        """The present connection, unless it was lost."""
        connection = self._connection
        return connection if connection is not None and connection.lost is None else None

    async def command(self, *parts: Value) -> Any:
        """The answer to one command: bytes, int, None, or a list of them."""
        connection = self._alive or await self._connected()
        return await connection.send(parts)

    async def commands(self, *commands: Sequence[Value]) -> list[Any]:
        """The answers to several commands, sent in one go; they are no transaction."""
        connection = self._alive or await self._connected()
        futures = [connection.send(parts) for parts in commands]
        answers = await asyncio.gather(*futures, return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        return answers

    async def run(
        self,
        script: Script,
        keys: Sequence[Value],
        arguments: Sequence[Value] = (),
        *,
        with_life: bool = False,
    ) -> Any:
        """What a script returns. `with_life` puts the life of the server that runs it before the arguments."""
        connection = self._alive or await self._connected()
        rest = (
            (len(keys), *keys, connection.life, *arguments) if with_life else (len(keys), *keys, *arguments)
        )
        try:
            return await connection.send(("EVALSHA", script.sha, *rest))
        except ScriptMissing:
            return await connection.send(("EVAL", script.source, *rest))

    async def batch(self, calls: "Sequence[Call]") -> list[Any]:
        """What several scripts return, sent in one go; they are no transaction. The first that fails is raised."""
        connection = self._alive or await self._connected()
        futures = [connection.send(call.parts("EVALSHA", call.script.sha, connection.life)) for call in calls]
        answers: list[Any] = []
        try:
            for call, future in zip(calls, futures, strict=True):
                try:
                    answers.append(await future)
                except ScriptMissing:
                    answers.append(
                        await connection.send(call.parts("EVAL", call.script.source, connection.life))
                    )
        finally:
            for future in futures[len(answers) :]:  # nobody waits for these any more
                future.cancel()
        return answers

    async def close(self) -> None:
        """End the connection; commands under way fail."""
        self._closed = True
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.gather(self._connecting, return_exceptions=True)
        if self._connection is not None:
            await self._connection.close()

    async def _connected(self) -> "_Connection":
        if self._closed:
            raise RedisUnavailable("the connection is closed")
        if self._connecting is None:
            if (wait_s := self._not_before - time.monotonic()) > 0:
                raise RedisUnavailable(f"it was lost; connecting again in {wait_s:.1f} s")
            self._not_before = time.monotonic() + RECONNECT_S
            self._connecting = asyncio.create_task(self._connect(), name="redis wire connecting")
            self._connecting.add_done_callback(self._settle)
        # Many wait for the one attempt, and one of them being cancelled must not end it.
        return await asyncio.shield(self._connecting)

    def _settle(self, task: "asyncio.Task[_Connection]") -> None:
        self._connecting = None
        if not task.cancelled() and task.exception() is None:
            self._connection = task.result()

    async def _connect(self) -> "_Connection":
        try:
            async with asyncio.timeout(self._timeout_s):
                return await _Connection.open(self._url, self._timeout_s)
        except TimeoutError as error:
            raise RedisUnavailable(f"no connection within {self._timeout_s:g} s") from error
        except OSError as error:
            raise RedisUnavailable(
                type(error).__name__
            ) from error  # its text has the address, and clients are told
        except (ReplyError, ValueError) as error:
            raise RedisUnavailable(f"{type(error).__name__}: {error}") from error


class ReplyError(Exception):
    """Redis refused a command: a fault of ours, or of its configuration."""


class ScriptMissing(ReplyError):
    """Redis does not have the script whose name it was given."""


class _Connection(asyncio.Protocol):
    """One life of the connection. Answers come in the order of the commands, so a queue of futures says whose is whose.

    One timer looks at the oldest command instead of a timeout for each.
    """

    def __init__(self, timeout_s: float) -> None:
        self.lost: BaseException | None = None
        self.life = ""
        self._timeout_s = timeout_s
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.WriteTransport | None = None
        self._reader = hiredis.Reader()
        self._waiting: deque[tuple[float, asyncio.Future[Any]]] = deque()
        self._unsent: list[bytes] = []
        self._gone = self._loop.create_future()
        self._timer: asyncio.TimerHandle | None = None

    @classmethod
    async def open(cls, url: str, timeout_s: float) -> Self:
        """Connected, signed in, and with the life of its server known."""
        loop = asyncio.get_running_loop()
        options: dict[str, Any] = dict(parse_url(url))
        made = cls(timeout_s)
        if "path" in options:
            await loop.create_unix_connection(lambda: made, options["path"])
        else:
            host, port = options.get("host", "localhost"), options.get("port", 6379)
            await loop.create_connection(lambda: made, host, port, ssl=url.startswith("rediss://") or None)
        try:
            if options.get("password"):
                user = [options["username"]] if options.get("username") else []
                await made.send(("AUTH", *user, options["password"]))
            if options.get("db"):
                await made.send(("SELECT", options["db"]))
            info: bytes = await made.send(("INFO", "server"))
            made.life = info.partition(b"run_id:")[2][:12].decode()
        except BaseException:
            await made.close()
            raise
        return made

    def send(self, parts: Sequence[Value]) -> "asyncio.Future[Any]":
        """Queue a command; the future has its answer. It is written by the end of this turn of the loop."""
        future = self._loop.create_future()
        if self.lost is not None:
            future.set_exception(RedisUnavailable(f"{self.lost}"))
            return future
        if not self._unsent:
            self._loop.call_soon(self._write)
        self._unsent.append(hiredis.pack_command(tuple(parts)))  # pyright: ignore[reportArgumentType] - floats too
        self._waiting.append((self._loop.time(), future))
        if self._timer is None:
            self._timer = self._loop.call_later(CHECK_EVERY_S, self._look)
        if len(self._unsent) >= MAX_HELD:
            self._write()
        return future

    async def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
            await self._gone

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport) or hasattr(transport, "write")
        self._transport = transport  # pyright: ignore[reportAttributeAccessIssue] - uvloop's has no base class

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        try:
            while (answer := self._reader.gets()) is not False:
                _, future = self._waiting.popleft()
                if future.done():
                    continue  # whoever asked was cancelled
                if isinstance(answer, hiredis.ReplyError):
                    future.set_exception(_refusal(str(answer)))
                else:
                    future.set_result(answer)
        except (hiredis.ProtocolError, IndexError) as error:
            self._fail(error)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc or ConnectionResetError("Redis closed the connection"))
        if not self._gone.done():
            self._gone.set_result(None)

    def _write(self) -> None:
        unsent, self._unsent = self._unsent, []
        if unsent and self._transport is not None and self.lost is None:
            self._transport.write(b"".join(unsent))

    def _look(self) -> None:
        """Give the connection up when its oldest command waits too long; Redis may be stopped, or the network cut."""
        self._timer = None
        if not self._waiting:
            return
        if self._loop.time() - self._waiting[0][0] > self._timeout_s:
            self._fail(TimeoutError(f"no answer within {self._timeout_s:g} s"))
        else:
            self._timer = self._loop.call_later(CHECK_EVERY_S, self._look)

    def _fail(self, reason: BaseException) -> None:
        if self.lost is not None:
            return
        self.lost = reason
        waiting, self._waiting = self._waiting, deque()
        for _, future in waiting:
            if not future.done():
                future.set_exception(RedisUnavailable(f"{type(reason).__name__}: {reason}"))
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.abort()


def _refusal(text: str) -> Exception:
    """What Redis says instead of an answer: not now, no such script, or that we are at fault."""
    if text.startswith("ERR Error running script"):  # Redis 6 wraps what a command in it was answered
        text = text.rpartition(": -")[2] or text
    if text.startswith(TRANSIENT_ERRORS):
        return RedisUnavailable(text)
    return ScriptMissing(text) if text.startswith("NOSCRIPT") else ReplyError(text)
