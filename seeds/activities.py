"""An activity of the sample timeline that is still to be performed."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from seeds.existing_rows import ExistingRows
from server.control import SeedContext


@dataclass(frozen=True, slots=True)
class Activity:
    """`at` is a share of the timeline; `do` performs the activity and records it in the existing rows."""

    at: float
    step: str
    do: Callable[[SeedContext, ExistingRows], Awaitable[None]]
