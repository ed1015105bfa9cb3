"""The Taskiq broker of one queue. A message says no more than "look at job N now".

The job's row is the truth: a message is deleted as it is read, and one that is lost (Redis emptied, a worker
killed with a message in hand) is rung again by the dispatcher. So this owns ringing and listening; rows,
retries and leases are the services'.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
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


class QueueBroker(RedisStreamBroker):
    """Rings for jobs of the queue `name`, and listens for rings, over one long-lived client.

    `url` is redis://, rediss:// or unix://. `run_job` is the one task; `perform` gives it its body.
    """

    run_job: AsyncTaskiqDecoratedTask[[int], Awaitable[None]]

    def __init__(
        self,
        url: str,
        name: str,
        *,
        call_timeout_s: float = 1.0,
        block_ms: int = 2000,
        max_connections: int = 8,
        count_garbage: Callable[[RejectReason], None] | None = None,
        outage: Outage | None = None,
    ) -> None:
        """`outage` is told when Redis is away."""
        super().__init__(
            url,
            queue_name=f"queue:{name}",
            consumer_group_name=GROUP,
            xread_block=block_ms,
            max_connection_pool_size=max_connections,
            timeout=call_timeout_s,
            socket_connect_timeout=call_timeout_s,
            # With a socket timeout redis-py sends through asyncio.wait_for, which on Python 3.11 loses a
            # cancel that comes as the sending ends: a listener would go on. The streams time every call.
            socket_timeout=None,
            # RedisBackoff paces the listener, and a ring that fails is rung again by the dispatcher.
            retry=Retry(NoBackoff(), 0),
        )
        self.name = name
        redis = Redis(connection_pool=self.connection_pool)
        self._streams = PriorityStreams(redis, name, self.consumer_name, call_timeout_s)
        self._outage = RedisBackoff(outage, queue=name)
        self._garbage = RejectionReports(name, count_garbage)
        self._regrouped = False
        self._sweep_at = 0.0
        self._body: Callable[[int], Awaitable[None]] | None = None
        self._register_run_job()

    def perform(self, body: Callable[[int], Awaitable[None]]) -> None:
        """Let `run_job` await `body` with the job's id."""
        self._body = body

    async def ring(self, bells: Iterable[tuple[int, Priority]]) -> None:
        """Ring for many jobs (id, priority), 500 to a pipeline; raises Unavailable if Redis does not answer.

        Ringing twice is harmless: whoever looks at the row second finds it leased or done.
        """
        messages = [await self._pre_send(job_id, priority) for job_id, priority in bells]
        entries = [(_priority(message.labels), self.formatter.dumps(message).message) for message in messages]
        await self._add(entries)
        for middleware in reversed(self.middlewares):
            for message in messages:
                await maybe_awaitable(middleware.post_send(message))

    async def kick(self, message: BrokerMessage) -> None:
        """Add one message, to the stream that its `priority` label names."""
        await self._add([(_priority(message.labels), message.message)])

    async def depth(self) -> dict[Priority, int]:
        """Messages waiting, by priority; raises Unavailable when Redis does not answer."""
        try:
            return await self._streams.depth()
        except (RedisError, OSError) as error:
            raise _unavailable() from error

    async def garbage(self) -> int:
        """Messages kept aside because they ring for no job; raises Unavailable when Redis does not answer."""
        try:
            return await self._streams.garbage_length()
        except (RedisError, OSError) as error:
            raise _unavailable() from error

    async def listen(self) -> AsyncGenerator[bytes, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Messages as they are rung, high before normal, one read at a time: nothing is fetched ahead.

        They are plain bytes, as nothing is left to acknowledge. Outlives every failure of Redis. When it is
        closed or cancelled, what it holds goes back to the streams.
        """
        try:
            while True:
                data = await self._next()
                if data is not None:
                    yield data
        finally:
            # If this fails, the sweep of another worker does the same in a minute.
            with contextlib.suppress(RedisError, OSError):
                await self._streams.hand_back()

    async def _declare_consumer_group(self) -> None:
        """For `startup`: create the groups if Redis answers; the listener does so when they are missing."""
        with contextlib.suppress(RedisError, OSError):
            await self._streams.create_groups()

    async def _next(self) -> bytes | None:
        """One step of the listener; None when it brought no message."""
        try:
            if time.monotonic() >= self._sweep_at:
                await self._streams.sweep(DEAD_AFTER_MS)
                self._sweep_at = time.monotonic() + SWEEP_EVERY_S
            entry = await self._take()
            if entry is None:
                await self._streams.wait(self.block)
            self._outage.succeeded()
            self._regrouped = False
            return None if entry is None else await self._sound(entry)
        except (RedisError, OSError) as error:
            await self._recover(error)
            return None

    async def _recover(self, error: Exception) -> None:
        groups_are_gone = _groups_are_gone(error)
        if self._regrouped or not groups_are_gone:
            await self._outage.back_off(error)
        if groups_are_gone:
            await self._declare_consumer_group()
        self._regrouped = groups_are_gone

    async def _take(self) -> Entry | None:
        taking = asyncio.ensure_future(self._streams.take())
        try:
            return await asyncio.shield(taking)
        except asyncio.CancelledError:
            # The entry may be off its stream already: ring for it again, rather than wait for the dispatcher.
            with contextlib.suppress(RedisError, OSError):
                if entry := await taking:
                    await self._streams.put_back(entry)
            raise

    async def _sound(self, entry: Entry) -> bytes | None:
        data = entry.fields.get(b"data")
        flaw = reject_reason(data, self.formatter.loads, RUN_JOB)
        if flaw is None:
            return data
        await self._streams.set_aside(entry, flaw)
        self._garbage.report(flaw)
        return None

    async def _pre_send(self, job_id: int, priority: Priority) -> TaskiqMessage:
        labels = {PRIORITY_LABEL: priority.value}
        message = TaskiqMessage(
            task_id=self.id_generator(), task_name=RUN_JOB, labels=labels, args=[job_id], kwargs={}
        )
        for middleware in self.middlewares:
            message = await maybe_awaitable(middleware.pre_send(message))
        return message

    async def _add(self, entries: list[tuple[Priority, bytes]]) -> None:
        try:
            await self._streams.add(entries)
        except (RedisError, OSError) as error:
            raise _unavailable() from error

    def _register_run_job(self) -> None:
        # A function of its own for each broker: Taskiq renames the function that it registers.
        async def run_job(job_id: int) -> None:
            if self._body is None:
                raise RuntimeError(f"nothing performs the jobs of {self.name}")
            await self._body(job_id)

        self.run_job = self.register_task(run_job, task_name=RUN_JOB)


def _priority(labels: dict[str, Any]) -> Priority:
    return Priority.HIGH if labels.get(PRIORITY_LABEL) == Priority.HIGH else Priority.NORMAL


def _groups_are_gone(error: Exception) -> bool:
    """After FLUSHALL or an emptied restart: NOGROUP, or UNBLOCKED to a blocked reader before Redis 7.2."""
    return isinstance(error, ResponseError) and ("NOGROUP" in str(error) or "UNBLOCKED" in str(error))


def _unavailable() -> Unavailable:
    return Unavailable(reason="The job queue does not answer.")
