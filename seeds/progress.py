"""Terminal output of the seeder: progress bars, and a table of the created rows."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.table import Table


@dataclass(slots=True)
class Step:
    """A progress bar. `made` counts the rows if the bar counts something else."""

    name: str
    bars: Bars
    task: TaskID
    done: int = 0
    made: int = 0
    took_s: float = 0.0

    def advance(self, count: int = 1) -> None:
        self.done += count
        self.bars.advance(self.task, count)

    @contextmanager
    def timed(self) -> Generator[None]:
        """Add the time spent in the context."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.took_s += time.monotonic() - started


class Progress:
    """Context manager that shows bars; `table` summarises them afterwards."""

    def __init__(self, console: Console) -> None:
        self._bars = Bars(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
            console=console,
        )  # fmt: skip
        self._steps: list[Step] = []
        self._counted: dict[str, int] = {}

    def __enter__(self) -> "Progress":
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def add(self, name: str, total: int, of: str = "") -> Step:
        """Add a bar of `total` parts; `of` names the parts if they are not the created rows."""
        label = f"{name} of {of}" if of else name
        step = Step(name, self._bars, self._bars.add_task(label, total=total, visible=total > 0))
        self._steps.append(step)
        return step

    @contextmanager
    def step(self, name: str, total: int, of: str = "") -> Generator[Step]:
        """Add a bar and measure the time in the context."""
        step = self.add(name, total, of)
        with step.timed():
            yield step

    @contextmanager
    def counted(self, *names: str) -> Generator[dict[str, int]]:
        """Yield counters of rows that a step creates besides its own."""
        self._counted = dict.fromkeys(names, 0)
        yield self._counted

    def table(self, title: str) -> Table:
        """Return a table of the created rows and the seconds per step."""
        table = Table(
            "created", title=title, title_justify="left", box=None, pad_edge=False, header_style="bold"
        )
        table.add_column("number", justify="right")
        table.add_column("seconds", justify="right")
        for step in self._steps:
            table.add_row(step.name, f"{step.made or step.done:,}", f"{step.took_s:.1f}")
        for name, count in self._counted.items():
            table.add_row(name, f"{count:,}", "")
        return table
