"""One thing that is to happen: when, of which step, and how it is done."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from seeds.existing_rows import Place
from server.control import SeedContext


@dataclass(frozen=True, slots=True)
class Act:
    """`do` is told where, and what is there by then; it notes in the place what it adds."""

    at: float
    step: str
    do: Callable[[SeedContext, Place], Awaitable[None]]
