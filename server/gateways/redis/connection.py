"""One connection to Redis, which writes concurrent commands together and matches the answers to their callers."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import hiredis

from server.gateways.redis.endpoint import Endpoint
from server.gateways.redis.error_replies import CommandRefused, RedisUnavailable, error_of

Value = bytes | str | int | float

CHECK_EVERY_S = 0.1
# This many commands are written before the end of the event loop's iteration, so that Redis starts on them early:
# 32 connections that read their feeds get a sixth more throughput. With fewer, the writes cost what that gains.
MAX_UNSENT = 8


class RedisConnection(asyncio.Protocol):
    """One connection from its start to its loss.

    Redis answers in the order of the commands, so a queue of futures assigns the answers. One timer checks the age of
    the oldest command instead of one timeout per command. A connection to a server that asks for another one, such as
    a primary that became a replica, ends after that answer.
    """

    def __init__(self, timeout_s: float, on_refused: Callable[[], None]) -> None:
        """`on_refused` is called when the server does not execute a command for now."""
        self._on_refused = on_refused
        self.lost: BaseException | None = None
        self.run_id = ""
        self.mode = ""
        self._timeout_s = timeout_s
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.WriteTransport | None = None
        self._reader = hiredis.Reader()
        self._pending: deque[tuple[float, asyncio.Future[Any]]] = deque()
        self._unsent: list[bytes] = []
        self._closed = self._loop.create_future()
        self._timer: asyncio.TimerHandle | None = None

    @classmethod
    async def open(cls, endpoint: Endpoint, timeout_s: float, on_refused: Callable[[], None]) -> Self:
        """Return a connection that is authenticated and knows the run id of its server."""
        loop = asyncio.get_running_loop()
        connection = cls(timeout_s, on_refused)
        if endpoint.path:
            await loop.create_unix_connection(lambda: connection, endpoint.path)
        else:
            host, port = await endpoint.address()
            await loop.create_connection(lambda: connection, host, port, ssl=endpoint.tls or None)
        try:
            await connection._start(endpoint.options)
        except BaseException:
            await connection.close()
            raise
        return connection

    async def _start(self, options: Mapping[str, Any]) -> None:
        if options.get("password"):
            user = [options["username"]] if options.get("username") else []
            await self.send(("AUTH", *user, options["password"]))
        if options.get("db"):
            await self.send(("SELECT", options["db"]))
        info: bytes = await self.send(("INFO", "server"))
        self.run_id = info.partition(b"run_id:")[2][:12].decode()
        self.mode = info.partition(b"redis_mode:")[2].partition(b"\r")[0].decode()

    def send(self, parts: Sequence[Value]) -> "asyncio.Future[Any]":
        """Queue a command and return the future of its answer.

        The command is written before the current iteration of the event loop ends.
        """
        future = self._loop.create_future()
        if self.lost is not None:
            future.set_exception(RedisUnavailable(f"{self.lost}"))
            return future
        if not self._unsent:
            self._loop.call_soon(self._write)
        self._unsent.append(hiredis.pack_command(tuple(parts)))  # pyright: ignore[reportArgumentType] - floats too
        self._pending.append((self._loop.time(), future))
        if self._timer is None:
            self._timer = self._loop.call_later(CHECK_EVERY_S, self._check_oldest)
        if len(self._unsent) >= MAX_UNSENT:
            self._write()
        return future

    async def close(self) -> None:
        """Close the transport and wait for its end."""
        if self._transport is not None:
            self._transport.close()
            await self._closed

    def abort(self, reason: BaseException) -> None:
        """Close the transport; pending commands raise RedisUnavailable with this reason."""
        if self.lost is not None:
            return
        self.lost = reason
        pending, self._pending = self._pending, deque()
        for _, future in pending:
            if not future.done():
                future.set_exception(RedisUnavailable(f"{type(reason).__name__}: {reason}"))
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport) or hasattr(transport, "write")
        self._transport = transport  # pyright: ignore[reportAttributeAccessIssue] - uvloop's has no base class

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        try:
            while (answer := self._reader.gets()) is not False:
                _, future = self._pending.popleft()
                if future.done():
                    continue  # the caller was cancelled
                if not isinstance(answer, hiredis.ReplyError):
                    future.set_result(answer)
                    continue
                error = error_of(str(answer))
                future.set_exception(error)
                if isinstance(error, CommandRefused):
                    self._on_refused()
                    if error.needs_other_server:
                        return self.abort(error)
        except (hiredis.ProtocolError, IndexError) as error:
            self.abort(error)

    def connection_lost(self, exc: Exception | None) -> None:
        self.abort(exc or ConnectionResetError("Redis closed the connection"))
        if not self._closed.done():
            self._closed.set_result(None)

    def _write(self) -> None:
        unsent, self._unsent = self._unsent, []
        if unsent and self._transport is not None and self.lost is None:
            self._transport.write(b"".join(unsent))

    def _check_oldest(self) -> None:
        """Drop the connection if its oldest command exceeds the timeout."""
        self._timer = None
        if not self._pending:
            return
        if self._loop.time() - self._pending[0][0] > self._timeout_s:
            self.abort(TimeoutError(f"no answer within {self._timeout_s:g} s"))
        else:
            self._timer = self._loop.call_later(CHECK_EVERY_S, self._check_oldest)
