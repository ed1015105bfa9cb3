"""Carries signals from Redis to the hub, for the users who have a stream open here and nobody else.

A signal may get lost between the commit and here (a crash, Redis away), so the relay also asks the database how far
everybody is: after each (re)subscription, and every `sweep_s`.
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
Answer = list[Any] | bytes | str

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

BATCH = 1000
READ_TIMEOUT_S = 1.0
ANSWERS_PER_TURN = 32
ASK_TIMEOUT_S = 10.0
ASK_AGAIN_S = 1.0


class Relay:
    """Holds one connection from the pool of `redis` while it runs.

    Two tasks share the connection: one only reads, the other only sends. With one task for both, a new subscription
    would wait until the read times out, or cancel a read that has a message in hand. redis-py's PubSub is no help:
    it reconnects by itself, within either call, and the other task may then send into the middle of the handshake.
    Here a connection that fails in either task is given up by both, and the next one starts anew.
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
        """`ping_s`: how long the connection may idle before a ping; twice that without a sound, and it is dead."""
        self._hub = hub
        self._pool = redis.connection_pool
        self._latest_sequences = latest_sequences
        self._sweep_s = sweep_s
        self._ping_s = ping_s
        self._redis_outage = RedisBackoff(redis_outage, by="relay")
        self._database_outage = database_outage or Outage("database", by="relay")
        self._subscribed: set[UserId] = set()
        self._heard_at = 0.0
        self._late: set[UserId] = set()
        self._is_late = asyncio.Event()

    async def run(self) -> None:
        """Relay until cancelled; may be run again after a crash."""
        await _together(self._listen(), self._sweep())

    async def _listen(self) -> None:
        while True:
            try:
                await self._hold_connection()
            except (RedisError, OSError) as error:
                _end_if_cancelled()
                await self._redis_outage.back_off(error)

    async def _hold_connection(self) -> None:
        async with asyncio.timeout(self._ping_s):
            connection = await self._pool.get_connection()
        try:
            _end_if_cancelled()
            self._heard_at = time.monotonic()
            await _together(self._read(connection), self._send(connection))
        finally:
            self._hub.end_connection()
            # Subscribed as it is, it is of no use to others.
            await connection.disconnect(nowait=True)
            await self._pool.release(connection)

    async def _send(self, connection: AbstractConnection) -> None:
        self._subscribed.clear()
        opened, closed = self._hub.start_connection(), list[UserId]()
        while True:
            self._subscribed.update(opened)
            self._subscribed.difference_update(closed)
            commands = [("SUBSCRIBE", *names) for names in _batches(list(map(channels.inbox, opened)))]
            commands += [("UNSUBSCRIBE", *names) for names in _batches(list(map(channels.inbox, closed)))]
            async with asyncio.timeout(self._ping_s):
                for command in commands or [("PING",)]:
                    await connection.send_command(*command, check_health=False)
            _end_if_cancelled()
            changed = await self._hub.changes(self._ping_s)
            opened = [user_id for user_id in changed - self._subscribed if self._hub.wants(user_id)]
            closed = [user_id for user_id in changed & self._subscribed if not self._hub.wants(user_id)]

    async def _read(self, connection: AbstractConnection) -> None:
        turn = 0
        while True:
            answer = cast(
                "Answer | None",
                await connection.read_response(
                    timeout=READ_TIMEOUT_S, disconnect_on_error=False, push_request=True
                ),
            )
            if answer is not None:
                self._heard_at = time.monotonic()
                self._redis_outage.succeeded()
                self._take(answer)
            elif time.monotonic() - self._heard_at > 2 * self._ping_s:
                raise RedisConnectionError(f"not a sound for {2 * self._ping_s:g} s")
            turn += 1
            if turn % ANSWERS_PER_TURN == 0:
                # What is buffered already is read without a pause, and a burst would hold up everybody else.
                await asyncio.sleep(0)

    def _take(self, answer: Answer) -> None:
        match answer:
            case [b"message" | "message", channel, data]:
                self._hear(channel, data)
            case [b"subscribe" | "subscribe", channel, _]:
                user_id = channels.owner_of(channel)
                if user_id in self._subscribed and self._hub.confirm(user_id):
                    self._catch_up_on([user_id])
            case _:
                pass  # the answer to a ping, or to UNSUBSCRIBE

    def _hear(self, channel: bytes | str, data: bytes | str) -> None:
        message = data.encode() if isinstance(data, str) else data
        try:
            owner_id = channels.owner_of(channel)
            ended = channels.ended_sessions(message)
            if ended is None:
                self._hub.signal(owner_id, int(message))
            else:
                self._hub.end_sessions(ended, owner_id)
        except ValueError:
            log.warning("signal_unreadable", channel=channel)

    def _catch_up_on(self, user_ids: Iterable[UserId]) -> None:
        self._late.update(user_ids)
        self._is_late.set()

    async def _sweep(self) -> None:
        sweep_at = time.monotonic() + self._sweep_s
        while True:
            try:
                async with asyncio.timeout(sweep_at - time.monotonic()):
                    await self._is_late.wait()
            except TimeoutError:
                sweep_at = time.monotonic() + self._sweep_s
                self._late.update(self._hub.users())
            late, self._late = list(filter(self._hub.wants, self._late)), set()
            self._is_late.clear()
            for user_ids in _batches(late):
                await self._ask(user_ids)

    async def _ask(self, user_ids: Sequence[UserId]) -> None:
        try:
            async with asyncio.timeout(ASK_TIMEOUT_S):
                sequences = await self._latest_sequences(user_ids)
        except (AppError, TimeoutError) as error:
            self._database_outage.failed(error)
            self._catch_up_on(user_ids)
            await asyncio.sleep(ASK_AGAIN_S)
            return
        self._database_outage.succeeded()
        for user_id, sequence in sequences.items():
            self._hub.signal(user_id, sequence)


async def _together(*bodies: Coroutine[Any, Any, None]) -> None:
    """Run until the first of them ends, end the others, and raise what it raised.

    A TaskGroup of Python 3.11 forgets that it was cancelled when a task of it fails at the same moment.
    """
    tasks = [asyncio.create_task(body) for body in bodies]
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            await task
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _end_if_cancelled() -> None:
    """To be called after each use of Redis: redis-py sends within `wait_for`, whose 3.11 swallows cancellations."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _batches(items: Sequence[Item]) -> Iterable[Sequence[Item]]:
    return (items[start : start + BATCH] for start in range(0, len(items), BATCH))
