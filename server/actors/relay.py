"""Carries signals from Redis to the hub, for the users who have a stream open here and nobody else.

A signal may get lost between the commit and here (a crash, Redis away), so the relay also asks the database how far
everybody is: after each (re)subscription, and every `sweep_s`.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, TypeVar, cast

import structlog
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from server.errors import AppError
from server.ids import UserId
from server.pubsub import channels
from server.pubsub.hub import Hub
from server.pubsub.outage import RedisOutage

Item = TypeVar("Item")

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

BATCH = 1000
READ_TIMEOUT_S = 1.0
MESSAGES_A_TURN = 32
ASK_TIMEOUT_S = 10.0
ASK_AGAIN_S = 1.0


class Relay:
    """One connection to Redis, which it may take from the pool of a client that others use.

    Two tasks share a connection: one only reads, the other only sends. With one task for both, a new subscription
    would wait for the read to time out, or cancel a read that has a message in hand. Whichever fails first ends
    both, and the next connection starts from a new PubSub: nothing hangs on redis-py's own way of reconnecting.
    """

    def __init__(
        self,
        hub: Hub,
        redis: Redis,
        latest_sequences: Callable[[Sequence[UserId]], Awaitable[Mapping[UserId, int]]],
        sweep_s: float = 15.0,
        ping_s: float = 5.0,
    ) -> None:
        """`ping_s`: how long the connection may idle before a ping; twice that without a sound, and it is dead."""
        self._hub = hub
        self._redis = redis
        self._latest_sequences = latest_sequences
        self._sweep_s = sweep_s
        self._ping_s = ping_s
        self._outage = RedisOutage(part="relay")
        self._subscribed: set[UserId] = set()
        self._heard_at = 0.0
        self._late: set[UserId] = set()
        self._is_late = asyncio.Event()
        self._asks_in_vain = False

    async def run(self) -> None:
        """Relay until cancelled; may be run again after a crash."""
        await _together(self._listen(), self._sweep())

    async def _listen(self) -> None:
        while True:
            try:
                await self._hold_connection()
            except (RedisError, OSError) as error:
                await self._outage.back_off(error)

    async def _hold_connection(self) -> None:
        async with aclosing(self._redis.pubsub()) as pubsub:
            async with asyncio.timeout(self._ping_s):
                await pubsub.connect()
            self._heard_at = time.monotonic()
            try:
                await _together(self._read(pubsub), self._send(pubsub))
            finally:
                self._hub.end_connection()

    async def _send(self, pubsub: PubSub) -> None:
        self._subscribed.clear()
        opened, closed = self._hub.start_connection(), list[UserId]()
        while True:
            self._subscribed.update(opened)
            self._subscribed.difference_update(closed)
            async with asyncio.timeout(self._ping_s):
                for names in _batches(list(map(channels.inbox, opened))):
                    await pubsub.subscribe(*names)
                for names in _batches(list(map(channels.inbox, closed))):
                    await pubsub.unsubscribe(*names)
                if not opened and not closed:
                    await pubsub.ping()
            changed = await self._hub.changes(self._ping_s)
            opened = [user_id for user_id in changed - self._subscribed if self._hub.wants(user_id)]
            closed = [user_id for user_id in changed & self._subscribed if not self._hub.wants(user_id)]

    async def _read(self, pubsub: PubSub) -> None:
        messages = 0
        while True:
            message = cast("dict[str, Any] | None", await pubsub.get_message(timeout=READ_TIMEOUT_S))
            if message is not None:
                self._heard_at = time.monotonic()
                self._outage.succeeded()
                self._take(message)
            elif time.monotonic() - self._heard_at > 2 * self._ping_s:
                raise RedisConnectionError(f"not a sound for {2 * self._ping_s:g} s")
            messages += 1
            if messages % MESSAGES_A_TURN == 0:
                # What is buffered already is read without a pause, and a burst would hold up everybody else.
                await asyncio.sleep(0)

    def _take(self, message: Mapping[str, Any]) -> None:
        try:
            match message["type"]:
                case "message":
                    self._hub.signal(channels.owner_of(message["channel"]), int(message["data"]))
                case "subscribe":
                    user_id = channels.owner_of(message["channel"])
                    if user_id in self._subscribed and self._hub.confirm(user_id):
                        self._catch_up_on([user_id])
                case _:
                    pass
        except ValueError:
            log.warning("signal_unreadable", channel=message["channel"])

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
            if not self._asks_in_vain:
                log.warning("sweep_failed", users=len(user_ids), reason=f"{type(error).__name__}: {error}")
            self._asks_in_vain = True
            self._catch_up_on(user_ids)
            await asyncio.sleep(ASK_AGAIN_S)
            return
        if self._asks_in_vain:
            log.info("sweep_recovered")
        self._asks_in_vain = False
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


def _batches(items: Sequence[Item]) -> Iterable[Sequence[Item]]:
    return (items[start : start + BATCH] for start in range(0, len(items), BATCH))
