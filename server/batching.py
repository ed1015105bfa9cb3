"""Queue that batches concurrent calls: items that arrive while a batch is processed make up the next one.

What a batch does belongs to the trace of one of its callers: the first that is sampled.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Generic, TypeVar

from server.tracing import CURRENT_SPAN, Span

Item = TypeVar("Item")
Result = TypeVar("Result")


class BatchingQueue(Generic[Item, Result]):
    """Queue that processes up to `max_batch` items per call; a single caller is not delayed."""

    def __init__(
        self,
        process_batch: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]],
        max_batch: int = 100,
        on_abandoned: Callable[[Sequence[Result]], Awaitable[object]] | None = None,
        *,
        fail_together: bool = False,
    ) -> None:
        """Set `process_batch`, which returns one result per item in their order.

        `on_abandoned` receives the results whose callers were cancelled, to undo what they stand for. With
        `fail_together` an error fails all waiting items, not only the batch: when it takes a timeout to detect an
        outage, later callers should not wait for a timeout each.
        """
        self._process_batch = process_batch
        self._max_batch = max_batch
        self._on_abandoned = on_abandoned
        self._fail_together = fail_together
        self._waiting: list[tuple[Item, asyncio.Future[Result], Span | None]] = []
        self._task: asyncio.Task[None] | None = None

    async def submit(self, item: Item) -> Result:
        """Return the result for an item, or raise the error of its batch."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future, CURRENT_SPAN.get()))
        if self._task is None:
            # An empty context: the caller's may hold a database transaction, which the batch must not join.
            self._task = asyncio.create_task(self._work(), name="batching queue", context=Context())
        return await future

    async def _work(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[: self._max_batch], self._waiting[self._max_batch :]
                CURRENT_SPAN.set(_span_of([span for _, _, span in batch]))
                await self._process([(item, future) for item, future, _ in batch])
        finally:
            self._task = None

    async def _process(self, batch: list[tuple[Item, asyncio.Future[Result]]]) -> None:
        try:
            results = await self._process_batch([item for item, _ in batch])
        except BaseException as error:
            if self._fail_together:
                waiting, self._waiting = self._waiting, []
                batch = batch + [(item, future) for item, future, _ in waiting]
            for _, future in batch:
                if not future.done():
                    future.set_exception(error if isinstance(error, Exception) else asyncio.CancelledError())
            if not isinstance(error, Exception):
                raise
            return
        abandoned: list[Result] = []
        for (_, future), result in zip(batch, results, strict=True):
            if future.done():
                abandoned.append(result)
            else:
                future.set_result(result)
        if abandoned and self._on_abandoned is not None:
            await self._on_abandoned(abandoned)


def _span_of(spans: Sequence[Span | None]) -> Span | None:
    """Return the span that a batch runs in."""
    return next((span for span in spans if span is not None and span.sampled), spans[0])
