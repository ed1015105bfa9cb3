"""Results of a run: a table with floors and ratios, and the change since the last run on this machine."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from rich.table import Table

from tools.harness.backends import ROOT

LAST_RUN = ROOT / "var" / "benchmarks.json"


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement: requests per second, and CPU milliseconds per request of the server, Redis and the database.

    `floor`: the rate of a bare handler with the same bytes in the same run; 0 if there is none.
    """

    name: str
    rate: float
    server_ms: float
    redis_ms: float
    database_ms: float
    floor: float = 0.0


def table_of(title: str, rows: list[Row], last: dict[str, Any]) -> Table:
    """Return a table; the last column compares the server's CPU time with the last run."""
    table = Table(
        "what", "per second", "server", "Redis", "database", "rate, bare = 1", "last run", title=title
    )
    for row in rows:
        before = last.get(row.name, {}).get("server_ms")
        table.add_row(
            row.name,
            f"{row.rate:.0f}",
            *(f"{ms:.3f} ms" for ms in (row.server_ms, row.redis_ms, row.database_ms)),
            f"{row.rate / row.floor:.2f}" if row.floor else "",
            f"{row.server_ms / before - 1:+.0%} CPU" if before else "",
        )
    return table


def read_last(path: Path = LAST_RUN) -> dict[str, Any]:
    """Return the rows of the last run by name; none if there was no run, or its file cannot be read."""
    try:
        found: Any = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def save(rows: list[Row], path: Path = LAST_RUN) -> None:
    """Store rows for the next run; other rows of the file stay."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps({**read_last(path), **{row.name: asdict(row) for row in rows}}, indent=1) + "\n"
    )
