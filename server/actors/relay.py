"""Passes signals from Redis to the hub, for the users who have a stream in this process.

A signal may be lost after the commit (a crash, Redis unavailable). The relay therefore also reads the last sequences
from the database: after each (re)subscription, and every `sweep_s`.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any, TypeVar, cast

import structlog
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from server.errors import AppError
from server.ids import UserId
from server.outages import Outage
from server.pubsub import channels
from server.pubsub.backoff import RedisBackoff
from server.pubsub.hub import Hub

Item = TypeVar("Item")
RedisReply = list[Any] | bytes | str

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

USERS_PER_BATCH = 1000
READ_TIMEOUT_S = 1.0
REPLIES_PER_YIELD = 32
QUERY_TIMEOUT_S = 10.0
QUERY_RETRY_S = 1.0


class Relay:
    """Holds one connection from the pool of `redis` while it runs.

    Two tasks share the connection: one only reads, the other only sends. With one task for both, a new subscription
    would wait until the read times out, or cancel a read that has received a message. redis-py's PubSub does not fit:
    it reconnects within either call, and the other task may then send during the handshake. Here both tasks give up a
    connection that fails in either of them, and start again with another.
    """

    def __init__(
        self,
        hub: Hub,
        redis: Redis,
        latest_sequences: Callable[[Sequence[UserId]], Awaitable[Mapping[UserId, int]]],
        *,
        sweep_s: float = 15.0,
        ping_s: float = 5.0,
        redis_outage: Outage | None = None,
        database_outage: Outage | None = None,
    ) -> None:
        """Ping after `ping_s` without a command; treat the connection as dead after twice that without a reply."""
        self._hub = hub
        self._pool = redis.connection_pool
        self._latest_sequences = latest_sequences
        self._sweep_s = sweep_s
        self._ping_s = ping_s
        self._redis_backoff = RedisBackoff(redis_outage, by="relay")
        self._database_outage = database_outage or Outage("database", by="relay")
        self._subscribed: set[UserId] = set()
        self._received_at = 0.0
        self._lagging: set[UserId] = set()
        self._has_lagging = asyncio.Event()

    async def run(self) -> None:
        """Relay signals until cancelled; may be run again after a crash."""
        await _run_together(self._connect_forever(), self._sweep())

    async def _connect_forever(self) -> None:
        while True:
            try:
                await self._hold_connection()
            except (RedisError, OSError) as error:
                _end_if_cancelled()
                await self._redis_backoff.back_off(error)

    async def _hold_connection(self) -> None:
        async with asyncio.timeout(self._ping_s):
            connection = await self._pool.get_connection()
        try:
            _end_if_cancelled()
            self._received_at = time.monotonic()
            await _run_together(self._read(connection), self._send(connection))
        finally:
            self._hub.end_connection()
            # It has subscriptions, so others cannot use it.
            await connection.disconnect(nowait=True)
            await self._pool.release(connection)

    async def _send(self, connection: AbstractConnection) -> None:
        self._subscribed.clear()
        opened, closed = self._hub.start_connection(), list[UserId]()
        while True:
            self._subscribed.update(opened)
            self._subscribed.difference_update(closed)
            commands = [("SUBSCRIBE", *names) for names in _batches(list(map(channels.user_channel, opened)))]
            commands += [
                ("UNSUBSCRIBE", *names) for names in _batches(list(map(channels.user_channel, closed)))
            ]
            async with asyncio.timeout(self._ping_s):
                for command in commands or [("PING",)]:
                    await connection.send_command(*command, check_health=False)
            _end_if_cancelled()
            changed = await self._hub.wait_for_changes(self._ping_s)
            opened = [user_id for user_id in changed - self._subscribed if self._hub.has_subscribers(user_id)]
            closed = [
                user_id for user_id in changed & self._subscribed if not self._hub.has_subscribers(user_id)
            ]

    async def _read(self, connection: AbstractConnection) -> None:
        replies = 0
        while True:
            reply = cast(
                "RedisReply | None",
                await connection.read_response(
                    timeout=READ_TIMEOUT_S, disconnect_on_error=False, push_request=True
                ),
            )
            if reply is not None:
                self._received_at = time.monotonic()
                self._redis_backoff.succeeded()
                self._handle(reply)
            elif time.monotonic() - self._received_at > 2 * self._ping_s:
                raise RedisConnectionError(f"no reply for {2 * self._ping_s:g} s")
            elif connection.should_reconnect():
                raise RedisConnectionError("another server is the primary")
            replies += 1
            if replies % REPLIES_PER_YIELD == 0:
                # Buffered replies are read without suspending, so that a burst would block the other tasks.
                await asyncio.sleep(0)

    def _handle(self, reply: RedisReply) -> None:
        match reply:
            case [b"message" | "message", channel, data]:
                self._handle_message(channel, data)
            case [b"subscribe" | "subscribe", channel, _]:
                user_id = channels.user_of_channel(channel)
                if user_id in self._subscribed and self._hub.mark_subscribed(user_id):
                    self._catch_up_on([user_id])
            case _:
                pass  # the reply to PING or UNSUBSCRIBE

    def _handle_message(self, channel: bytes | str, data: bytes | str) -> None:
        message = data.encode() if isinstance(data, str) else data
        try:
            user_id = channels.user_of_channel(channel)
            if (ended := channels.decode_ended_sessions(message)) is not None:
                self._hub.end_sessions(ended, user_id)
            elif (passing := channels.decode_passing(message)) is not None:
                self._hub.pass_on(user_id, passing)
            else:
                self._hub.signal(user_id, int(message))
        except ValueError:
            log.warning("signal_unreadable", channel=channel)

    def _catch_up_on(self, user_ids: Iterable[UserId]) -> None:
        self._lagging.update(user_ids)
        self._has_lagging.set()

    async def _sweep(self) -> None:
        sweep_at = time.monotonic() + self._sweep_s
        while True:
            try:
                async with asyncio.timeout(sweep_at - time.monotonic()):
                    await self._has_lagging.wait()
            except TimeoutError:
                sweep_at = time.monotonic() + self._sweep_s
                self._lagging.update(self._hub.list_users())
            lagging, self._lagging = list(filter(self._hub.has_subscribers, self._lagging)), set()
            self._has_lagging.clear()
            for user_ids in _batches(lagging):
                await self._query(user_ids)

    async def _query(self, user_ids: Sequence[UserId]) -> None:
        try:
            async with asyncio.timeout(QUERY_TIMEOUT_S):
                sequences = await self._latest_sequences(user_ids)
        except (AppError, TimeoutError) as error:
            self._database_outage.failed(error)
            self._catch_up_on(user_ids)
            await asyncio.sleep(QUERY_RETRY_S)
            return
        self._database_outage.succeeded()
        for user_id, sequence in sequences.items():
            self._hub.signal(user_id, sequence)


async def _run_together(*coroutines: Coroutine[Any, Any, None]) -> None:
    """Run until one of them ends, cancel the others, and raise what it raised.

    A TaskGroup of Python 3.11 loses a cancellation if one of its tasks fails at the same time.
    """
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            await task
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _end_if_cancelled() -> None:
    """Raise a cancellation that redis-py lost: it sends within `wait_for`, which on Python 3.11 swallows some."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _batches(items: Sequence[Item]) -> Iterable[Sequence[Item]]:
    return (items[start : start + USERS_PER_BATCH] for start in range(0, len(items), USERS_PER_BATCH))
