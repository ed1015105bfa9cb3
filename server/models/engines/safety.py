"""What both database clients share: awaiting something to its end under cancellation, and the translation of errors."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from tortoise.exceptions import IntegrityError

from server.errors import Unavailable

Result = TypeVar("Result")


class DuplicateKey(IntegrityError):
    """A unique constraint refused the row."""


class SerializationFailure(Unavailable):
    """The database gave this transaction up for another one (deadlock, lock wait): run it again."""

    code = "busy"


def database_unavailable(reason: str) -> Unavailable:
    return Unavailable(reason=f"The database does not answer ({reason}). Nothing was changed; try again.")


async def shield_until_done(step: Coroutine[Any, Any, Result]) -> Result:
    """Await `step` until it is over even if the caller is cancelled meanwhile, and only then be cancelled.

    BEGIN, COMMIT and ROLLBACK go through here: half of one leaves a lock or a pooled connection held for ever.
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
            task.exception()  # seen here, or asyncio would warn that nobody looked
        raise cancelled
    return task.result()
