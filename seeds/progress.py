"""What a person sees while sample data are made: bars as it goes, and in the end a table of what was made and when."""

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
    """One bar. `made` counts rows, where that is not what the bar counts."""

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
        """Count the time of what is done meanwhile."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.took_s += time.monotonic() - began


class Progress:
    """Use as a context manager; then `table`."""

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
        """A piece of work of `total` parts; `of` says what its bar counts if it is not what is made."""
        label = f"{name} of {of}" if of else name
        step = Step(name, self._bars, self._bars.add_task(label, total=total, visible=total > 0))
        self._steps.append(step)
        return step

    @contextmanager
    def step(self, name: str, total: int, of: str = "") -> Generator[Step]:
        """The same, for work that is done in one go."""
        step = self.add(name, total, of)
        with step.timed():
            yield step

    @contextmanager
    def counted(self, *names: str) -> Generator[dict[str, int]]:
        """Counts of what is made beside the step that is under way."""
        self._counted = dict.fromkeys(names, 0)
        yield self._counted

    def table(self, title: str) -> Table:
        """What was made, how many, and in which time."""
        table = Table(
            "made", title=title, title_justify="left", box=None, pad_edge=False, header_style="bold"
        )
        table.add_column("rows", justify="right")
        table.add_column("seconds", justify="right")
        for step in self._steps:
            table.add_row(step.name, f"{step.made or step.done:,}", f"{step.took_s:.1f}")
        for name, count in self._counted.items():
            table.add_row(name, f"{count:,}", "with them")
        return table
