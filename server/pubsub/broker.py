"""The Taskiq broker of one queue. A message says only that a job may be due.

The job's row is authoritative: a message is deleted when it is read, and the dispatcher repeats a lost one. The broker
sends and receives messages; rows, retries and leases belong to the services.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import RedisError, ResponseError
from taskiq import AsyncTaskiqDecoratedTask, BrokerMessage, TaskiqMessage
from taskiq.utils import maybe_awaitable
from taskiq_redis import RedisStreamBroker

from server.errors import Unavailable
from server.outages import Outage
from server.pubsub.backoff import RedisBackoff
from server.pubsub.rejected_messages import RejectionReports, RejectReason, reject_reason
from server.pubsub.streams import GROUP, Entry, Priority, PriorityStreams

RUN_JOB = "run_job"
PRIORITY_LABEL = "priority"
DEAD_AFTER_MS = 60_000
SWEEP_EVERY_S = 30.0
MAX_UNDELIVERED = 1000
REFUSED_BLOCK_MS = 250  # signals that Redis refused wait this long for a listener that waits for Redis


class QueueBroker(RedisStreamBroker):
    """Sends and receives the messages of the queue `name` over one pool, which it closes.

    `run_job` is the only task; `set_handler` sets what it does.
    """

    run_job: AsyncTaskiqDecoratedTask[[int], Awaitable[None]]

    def __init__(
        self,
        pool: BlockingConnectionPool,
        name: str,
        *,
        call_timeout_s: float = 1.0,
        block_ms: int = 2000,
        needs_redis: bool = False,
        on_rejected: Callable[[RejectReason], None] | None = None,
        outage: Outage | None = None,
    ) -> None:
        """`on_rejected` is called for each rejected message; `outage` records when Redis is unavailable.

        `needs_redis`: the jobs cannot run without Redis, so a signal that it refuses is not delivered to this process.
        """
        super().__init__(
            "redis://", queue_name=f"queue:{name}", consumer_group_name=GROUP, xread_block=block_ms
        )
        self.connection_pool = pool
        self.name = name
        redis = Redis(connection_pool=self.connection_pool)
        self._streams = PriorityStreams(redis, name, self.consumer_name, call_timeout_s)
        self._backoff = RedisBackoff(outage, queue=name)
        self._rejections = RejectionReports(name, on_rejected)
        self._groups_created = False
        self._needs_redis = needs_redis
        self._listening = False
        self._undelivered: dict[int, bytes] = {}
        self._signals_refused = False
        self._sweep_at = 0.0
        self._handler: Callable[[int], Awaitable[None]] | None = None
        self._register_run_job()

    def set_handler(self, handler: Callable[[int], Awaitable[None]]) -> None:
        """Let `run_job` await `handler` with the job's id."""
        self._handler = handler

    async def notify(self, signals: Iterable[tuple[int, Priority]]) -> None:
        """Signal jobs (id, priority), 500 per pipeline. Raises Unavailable.

        Idempotent: the second worker finds the job claimed or finished. While Redis refuses signals, the listener of
        this process gets them.
        """
        signalled = list(signals)
        messages = [await self._pre_send(job_id, priority) for job_id, priority in signalled]
        entries = [(_priority(message.labels), self.formatter.dumps(message).message) for message in messages]
        try:
            with _unavailable():
                await self._streams.add(entries)
        except Unavailable:
            self._signals_refused = True
            if self._listening and not self._needs_redis:
                self._keep(job_id for job_id, _ in signalled)
            raise
        self._signals_refused = False
        for middleware in reversed(self.middlewares):
            for message in messages:
                await maybe_awaitable(middleware.post_send(message))

    async def kick(self, message: BrokerMessage) -> None:
        """Add one message to the stream that its `priority` label names. Raises Unavailable."""
        with _unavailable():
            await self._streams.add([(_priority(message.labels), message.message)])

    async def depth(self) -> dict[Priority, int]:
        """Return the waiting messages by priority. Raises Unavailable."""
        with _unavailable():
            return await self._streams.depth()

    async def count_rejected(self) -> int:
        """Return the number of rejected messages that are kept. Raises Unavailable."""
        with _unavailable():
            return await self._streams.count_rejected()

    async def listen(self) -> AsyncGenerator[bytes, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Yield messages as they arrive, high priority first, without prefetching.

        Messages are plain bytes, because there is nothing to acknowledge. The listener survives every Redis failure.
        When it is closed or cancelled, what it holds returns to the streams.
        """
        self._listening = True
        try:
            while True:
                data = await self._next()
                if data is not None:
                    yield data
                while self._undelivered:
                    yield self._undelivered.pop(next(iter(self._undelivered)))
        finally:
            self._listening = False
            self._undelivered.clear()  # the dispatcher signals them again
            # If this fails, the sweep of another worker does it within a minute.
            with contextlib.suppress(RedisError, OSError):
                await self._streams.leave()

    async def _declare_consumer_group(self) -> None:
        """Create the groups during `startup` if Redis is available; otherwise the listener creates them."""
        with contextlib.suppress(RedisError, OSError):
            await self._streams.create_groups()

    async def _next(self) -> bytes | None:
        """Run one step of the listener; return None if it received no valid message."""
        try:
            if time.monotonic() >= self._sweep_at:
                await self._streams.sweep(DEAD_AFTER_MS)
                self._sweep_at = time.monotonic() + SWEEP_EVERY_S
            entry = await self._take()
            if entry is None:
                await self._streams.wait(
                    min(self.block, REFUSED_BLOCK_MS) if self._signals_refused else self.block
                )
            self._backoff.succeeded()
            self._groups_created = False
            return None if entry is None else await self._validated(entry)
        except (RedisError, OSError) as error:
            await self._recover(error)
            return None

    def _keep(self, job_ids: Iterable[int]) -> None:
        """Keep signals for the listener, at most MAX_UNDELIVERED; the dispatcher repeats the others."""
        for job_id in job_ids:
            if len(self._undelivered) < MAX_UNDELIVERED:
                self._undelivered[job_id] = self.formatter.dumps(
                    _message(self.id_generator(), job_id)
                ).message

    async def _recover(self, error: Exception) -> None:
        """Create missing groups and retry at once; back off after any other error, or if that did not help."""
        groups_missing = _groups_missing(error)
        if self._groups_created or not groups_missing:
            await self._backoff.back_off(error)
        if groups_missing:
            await self._declare_consumer_group()
        self._groups_created = groups_missing

    async def _take(self) -> Entry | None:
        taking = asyncio.ensure_future(self._streams.take())
        try:
            return await asyncio.shield(taking)
        except asyncio.CancelledError:
            # The entry may be off its stream already: put it back instead of waiting for the dispatcher.
            with contextlib.suppress(RedisError, OSError):
                if entry := await taking:
                    await self._streams.put_back(entry)
            raise

    async def _validated(self, entry: Entry) -> bytes | None:
        data = entry.fields.get(b"data")
        reason = reject_reason(data, self.formatter.loads, RUN_JOB)
        if reason is None:
            return data
        await self._streams.reject(entry, reason)
        self._rejections.report(reason)
        return None

    async def _pre_send(self, job_id: int, priority: Priority) -> TaskiqMessage:
        message = _message(self.id_generator(), job_id, priority)
        for middleware in self.middlewares:
            message = await maybe_awaitable(middleware.pre_send(message))
        return message

    def _register_run_job(self) -> None:
        # Each broker needs its own function, because Taskiq renames the function that it registers.
        async def run_job(job_id: int) -> None:
            if self._handler is None:
                raise RuntimeError(f"queue {self.name} has no handler")
            await self._handler(job_id)

        self.run_job = self.register_task(run_job, task_name=RUN_JOB)


def _message(task_id: str, job_id: int, priority: Priority = Priority.NORMAL) -> TaskiqMessage:
    labels = {PRIORITY_LABEL: priority.value}
    return TaskiqMessage(task_id=task_id, task_name=RUN_JOB, labels=labels, args=[job_id], kwargs={})


def _priority(labels: dict[str, Any]) -> Priority:
    return Priority.HIGH if labels.get(PRIORITY_LABEL) == Priority.HIGH else Priority.NORMAL


def _groups_missing(error: Exception) -> bool:
    """Return whether Redis lost its data: NOGROUP, or UNBLOCKED to a blocked reader before Redis 7.2."""
    return isinstance(error, ResponseError) and ("NOGROUP" in str(error) or "UNBLOCKED" in str(error))


@contextlib.contextmanager
def _unavailable() -> Iterator[None]:
    """Translate errors of Redis."""
    try:
        yield
    except (RedisError, OSError) as error:
        raise Unavailable("The job queue is unavailable.") from error
