"""Migration files: their statements, and the oldest version of the program that works after them."""

import re
import runpy
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

Direction = Literal["up", "down"]

# Versions up to this schema compare it exactly, so none of them can run beside a newer one.
FIRST_COMPATIBLE = 46
# A data step that is repeated until it changes no row, each time in a separate transaction.
BATCHES = "/* batches */"

_BREAKING = re.compile(
    r"DROP\s+(TABLE|COLUMN)\b|RENAME\s+(TO|COLUMN)\b|\bMODIFY\b|\bCHANGE\s+COLUMN\b|"
    r"\bADD\s+(?!INDEX|UNIQUE|KEY|CONSTRAINT)[^,;]*NOT NULL(?![^,;]*DEFAULT)",
    re.IGNORECASE,
)
_COMPATIBLE_FROM = re.compile(r"^COMPATIBLE_FROM = (\d+)$", re.MULTILINE)
_QUOTED = re.compile(r"'(?:[^']|'')*'|/\*.*?\*/", re.DOTALL)


@dataclass(frozen=True)
class MigrationFile:
    """One file below `migrations/`, such as `46_20261130163207_places.py`.

    `upgrade` and `downgrade` return SQL. A file that older versions of the program cannot work with declares
    `COMPATIBLE_FROM`: the number of the oldest schema whose program can.
    """

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def number(self) -> int:
        return number_of(self.path.name)

    @cached_property
    def _module(self) -> dict[str, Any]:
        return runpy.run_path(str(self.path))

    @cached_property
    def declared_compatibility(self) -> int | None:
        """The value of `COMPATIBLE_FROM`, or None."""
        found = _COMPATIBLE_FROM.search(self.path.read_text())
        return int(found[1]) if found else None

    @property
    def compatible_from(self) -> int:
        """The oldest schema whose program can work after this migration, as far as this migration decides."""
        return max(FIRST_COMPATIBLE, self.declared_compatibility or 0)

    async def statements(self, direction: Direction) -> list[str]:
        """Return the statements of `upgrade` or `downgrade` in order."""
        function = self._module["upgrade" if direction == "up" else "downgrade"]
        return split_statements(await function(None))


def list_files(folder: Path) -> list[MigrationFile]:
    """Return the migrations of one dialect, oldest first."""
    files = [MigrationFile(path) for path in folder.glob("[0-9]*_*.py")]
    return sorted(files, key=lambda file: file.number)


def number_of(name: str) -> int:
    """Return the number that the name of a migration starts with."""
    return int(name.partition("_")[0])


def split_statements(script: str) -> list[str]:
    """Split SQL at the semicolons that end statements, not at those in text, comments and bodies of triggers."""
    statements: list[str] = []
    pending = ""
    for piece in script.split(";"):
        pending += piece
        if sqlite3.complete_statement(f"{pending};"):
            if pending.strip():
                statements.append(pending.strip())
            pending = ""
        else:
            pending += ";"
    if rest := pending.strip().rstrip(";").strip():
        statements.append(rest)
    return statements


def breaking_statements(statements: Sequence[str]) -> list[str]:
    """Return the statements after which an older program fails: it reads or writes what is gone or required now.

    Tables that the same migration creates or replaces are not distinguished; such a migration declares
    `COMPATIBLE_FROM` as well.
    """
    return [
        statement
        for statement in statements
        if not statement.upper().startswith("CREATE ") and _BREAKING.search(_QUOTED.sub("''", statement))
    ]
