"""Turns calls that are made at the same time into one: what arrives while a batch is under way makes up the next."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Generic, TypeVar

Question = TypeVar("Question")
Answer = TypeVar("Answer")


class BatchingQueue(Generic[Question, Answer]):
    """`ask` waits for the answer to one question; `answer_all` gets up to `most` of them at once, and answers in
    their order. A single caller waits no longer than without it.
    """

    def __init__(
        self,
        answer_all: Callable[[Sequence[Question]], Awaitable[Sequence[Answer]]],
        most: int = 100,
        unwanted: Callable[[Sequence[Answer]], Awaitable[object]] | None = None,
        *,
        fail_together: bool = False,
    ) -> None:
        """`unwanted` gets the answers whose askers were cancelled meanwhile, to undo what they stand for.

        With `fail_together` an error is that of all who wait, and not of the batch alone: when it takes a timeout to
        find out that somebody does not answer, those behind should not each wait for another one.
        """
        self._answer_all = answer_all
        self._most = most
        self._unwanted = unwanted
        self._fail_together = fail_together
        self._waiting: list[tuple[Question, asyncio.Future[Answer]]] = []
        self._task: asyncio.Task[None] | None = None

    async def ask(self, question: Question) -> Answer:
        """The answer; or the error that its whole batch ended in, or one before it."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, future))
        if self._task is None:
            # A context of its own: the asker's may hold a database transaction, which is not the batch's.
            self._task = asyncio.create_task(self._work(), name="coalescer", context=Context())
        return await future

    async def _work(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                await self._answer(batch)
        finally:
            self._task = None

    async def _answer(self, batch: list[tuple[Question, asyncio.Future[Answer]]]) -> None:
        try:
            answers = await self._answer_all([question for question, _ in batch])
        except BaseException as error:
            if self._fail_together:
                batch, self._waiting = batch + self._waiting, []
            for _, future in batch:
                if not future.done():
                    future.set_exception(error if isinstance(error, Exception) else asyncio.CancelledError())
            if not isinstance(error, Exception):
                raise
            return
        unwanted: list[Answer] = []
        for (_, future), answer in zip(batch, answers, strict=True):
            if future.done():
                unwanted.append(answer)
            else:
                future.set_result(answer)
        if unwanted and self._unwanted is not None:
            await self._unwanted(unwanted)
