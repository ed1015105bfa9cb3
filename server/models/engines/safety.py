"""Shared by both database clients: translated errors, and steps that cancellation must not interrupt."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from tortoise.exceptions import IntegrityError

from server.errors import Unavailable

Result = TypeVar("Result")


class DuplicateKey(IntegrityError):
    """A unique constraint rejected the row."""


class SerializationFailure(Unavailable):
    """Deadlock or lock timeout: run the transaction again."""

    code = "busy"


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
