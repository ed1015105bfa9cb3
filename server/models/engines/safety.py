"""Shared by both database clients: translated errors, and steps that cancellation must not interrupt."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, TypeVar

from tortoise.exceptions import IntegrityError

from server.errors import Unavailable

Result = TypeVar("Result")
Method = TypeVar("Method", bound=Callable[..., Coroutine[Any, Any, Any]])

# What gave way to other transactions is tried again for this long, and at least this often. Nodes of a Galera cluster
# that write the same row decide at each commit which of them goes first.
RETRY_BUDGET_S = 3.0
MIN_ATTEMPTS = 5
MAX_PAUSE_S = 0.16


class DuplicateKey(IntegrityError):
    """A unique constraint rejected the row."""


class SerializationFailure(Unavailable):
    """Deadlock or lock timeout: run the transaction again."""

    code = "busy"


class RetryBudget:
    """Attempts of one change that gives way to others. Begins with the first attempt."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._deadline = self._loop.time() + RETRY_BUDGET_S
        self._attempts = 1

    async def pause(self) -> bool:
        """Wait before the next attempt, longer each time; False if the budget is used up."""
        if self._attempts >= MIN_ATTEMPTS and self._loop.time() >= self._deadline:
            return False
        await asyncio.sleep(random.uniform(0, min(MAX_PAUSE_S, 0.001 * 2**self._attempts)))
        self._attempts += 1
        return True


def retried(method: Method) -> Method:
    """Run a statement again that gave way to another transaction, without an effect: one outside a transaction."""

    @wraps(method)
    async def wrapper(*args: Any) -> Any:
        budget = RetryBudget()
        while True:
            try:
                return await method(*args)
            except SerializationFailure:
                if not await budget.pause():
                    raise

    return wrapper  # pyright: ignore[reportReturnType] - the wrapper has the method's own signature


def database_unavailable(reason: str) -> Unavailable:
    """Return the error for a database that cannot serve now; `reason` says why."""
    return Unavailable(reason=f"The database is unavailable ({reason}); try again.")


class OutcomeUnknown(Unavailable):
    """The server did not answer a COMMIT: the transaction may have taken effect."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            "The outcome is unknown; check whether the change was made before you try again.",
            reason=f"{reason} The outcome of a COMMIT is unknown.",
        )


async def shield_until_done(step: Coroutine[Any, Any, Result]) -> Result:
    """Await `step` to its end even if the caller is cancelled, then raise the cancellation.

    For BEGIN, COMMIT and ROLLBACK: an interrupted one leaves a lock or a pooled connection held forever.
    """
    task = asyncio.ensure_future(step)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            if task.cancelled():
                raise
            cancelled = error
        except BaseException:
            if cancelled is None:
                raise
    if cancelled is not None:
        if not task.cancelled():
            task.exception()  # mark it as retrieved, or asyncio logs a warning
        raise cancelled
    return task.result()
