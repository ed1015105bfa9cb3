"""Report on the structure of the code: `python -m tools.structure [--check]`.

Prints the sizes of folders, files and functions, the names that several modules define, SQL and row access above
`server/models/`, and the number of rejected words. `--check` fails on rejected words and on row access above models.
"""

import argparse
import ast
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

from rich.console import Console
from rich.table import Table

from tools import prose

ROOT = Path(__file__).parent.parent
FOLDERS = ("server", "seeds", "tests", "tools", "benchmarks")
MAX_FILES = 15
FILE_AIMS = (90, 200, 300)
FUNCTION_AIMS = (8, 25, 60)
FORMER_LINES = {"server": 21_242, "tests": 25_346}
ABOVE_MODELS = ("services", "actors", "assembly", "commands")
PACKAGES_WITHOUT_SERVICE = {"engines", "schema"}
# Names that a convention or a library requires: `client_class` is how Tortoise finds an engine.
SHARED_NAMES = {"log", "logger", "Result", "client_class"}
ROW_NAMES = {"row", "rows", "found", "post", "each", "user", "author", "comment", "job", "record", "stored"}
SQL = re.compile(r"\s*(?:SELECT\s|INSERT\s.*INTO\s|UPDATE\s\S+\sSET\s|DELETE\sFROM\s|WITH\s\w+\sAS\s)")


@dataclass(frozen=True, slots=True)
class Module:
    """A parsed Python file; `path` is relative to the project."""

    path: Path
    lines: int
    tree: ast.Module


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.structure", description="Report on the structure.")
    parser.add_argument("--check", action="store_true", help="fail on rejected words and rows above models/")
    check = parser.parse_args().check
    failures = report(ROOT, Console(width=None if sys.stdout.isatty() else 120))
    if check and failures:
        sys.exit("\n".join(failures))


def report(root: Path, console: Console) -> list[str]:
    """Print the report on the project at `root`; return what `--check` fails on."""
    server = load(root, "server")
    rows, statements = row_accesses(server), sql_statements(server)
    rejected, sizes = len(prose.find(root)), folder_sizes(root)
    flagged = [
        (folder, f"{n} (more than {MAX_FILES})" if n > MAX_FILES else n) for folder, n in sizes.items()
    ]
    _print(console, f"Largest of {len(sizes)} folders", ("Folder", "Files"), flagged[:10])
    columns = ("Of", "Number", "Median", "p90", "Max", "Aims", "Longest")
    files = {str(module.path): module.lines for module in server}
    measures = (("files", files, FILE_AIMS), ("functions", function_lengths(server), FUNCTION_AIMS))
    _print(console, "Lines in server/", columns, [_distribution(*each) for each in measures if each[1]])
    names = collisions(server)
    places = [(name, ", ".join("/".join(path.parts[1:]) for path in paths)) for name, paths in names.items()]
    _print(console, f"Public names defined in several modules: {len(names)}", ("Name", "Modules"), places)
    by_module = [
        (path, rows.get(path, ""), statements.get(path, "")) for path in sorted({*rows, *statements})
    ]
    _print(console, "Rows and SQL above models/", ("Module", "Rows", "SQL"), by_module)
    lines = {folder: sum(module.lines for module in load(root, folder)) for folder in FORMER_LINES}
    totals = [
        *((f"lines of {folder}/", f"{lines[folder]:,}", f"{n:,}") for folder, n in FORMER_LINES.items()),
        ("row subscripts above models/", sum(rows.values()), ""),
        ("SQL statements above models/", sum(statements.values()), ""),
        ("rejected words (make prose)", rejected, ""),
    ]
    _print(console, "Totals", ("Count", "Now", "Before"), totals)
    console.print(*package_mismatches(root, statements), sep="\n")
    failures = [f"{path}: {count} row subscripts above models/" for path, count in rows.items()]
    return [*failures, f"rejected words: {rejected}; run `make prose`"] if rejected else failures


def load(root: Path, folder: str) -> list[Module]:
    """Return the modules below `folder`, ordered by path."""
    paths = sorted((root / folder).rglob("*.py"))
    texts = ((path.relative_to(root), path.read_text()) for path in paths)
    return [Module(path, text.count("\n"), ast.parse(text)) for path, text in texts]


def folder_sizes(root: Path) -> dict[Path, int]:
    """Return the number of Python files directly in each folder, `__init__.py` aside, largest first."""
    paths = [path.relative_to(root) for folder in FOLDERS for path in (root / folder).rglob("*.py")]
    return dict(Counter(path.parent for path in paths if path.name != "__init__.py").most_common())


def package_mismatches(root: Path, statements: Iterable[Path]) -> list[str]:
    """Return a message per package of services/ with SQL that models/ lacks, and per one that only models/ has."""
    services, models = (
        {path.parent.name for path in (root / "server" / layer).glob("*/__init__.py")}
        for layer in ("services", "models")
    )
    with_sql = {path.parts[2] for path in statements if path.parts[1] == "services"} & services
    return [
        *(f"services/{name}/ holds SQL, but models/{name}/ is missing" for name in sorted(with_sql - models)),
        *(f"models/{name}/ has no services/{name}/" for name in sorted(models - services - PACKAGES_WITHOUT_SERVICE)),
    ]  # fmt: skip


def function_lengths(modules: Iterable[Module]) -> dict[str, int]:
    """Return the lines of each function and method without its decorators, by `path:line name`."""
    return {
        f"{module.path}:{node.lineno} {node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def collisions(modules: Iterable[Module]) -> dict[str, list[Path]]:
    """Return the public module-level names that several modules define, with those modules."""
    defined: dict[str, list[Path]] = defaultdict(list)
    for module in modules:
        for name in {name for node in module.tree.body for name in _defined_names(node)} - SHARED_NAMES:
            if not name.startswith("_"):
                defined[name].append(module.path)
    return {name: paths for name, paths in sorted(defined.items()) if len(paths) > 1}


def _defined_names(node: ast.stmt) -> list[str]:
    match node:
        case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
            return [node.name]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
        case ast.Assign(value=ast.Call(func=ast.Name(id="TypeVar" | "ParamSpec"))):
            return []
        case ast.Assign():
            return [target.id for target in node.targets if isinstance(target, ast.Name)]
        case _:
            return []


def row_accesses(modules: Iterable[Module]) -> dict[Path, int]:
    """Return the number of subscripts such as `row["id"]` and `rows[0]["id"]` per module above models/."""
    return _count(modules, _is_row_access)


def sql_statements(modules: Iterable[Module]) -> dict[Path, int]:
    """Return the number of strings that start a SQL statement per module above models/."""
    return _count(modules, _is_sql)


def _count(modules: Iterable[Module], matches: Callable[[ast.AST], bool]) -> dict[Path, int]:
    above = [module for module in modules if module.path.parts[1] in ABOVE_MODELS]
    counts = {module.path: sum(map(matches, ast.walk(module.tree))) for module in above}
    return {path: count for path, count in counts.items() if count}


def _is_row_access(node: ast.AST) -> bool:
    match node:
        case ast.Subscript(
            value=ast.Name(id=name) | ast.Subscript(value=ast.Name(id=name)), slice=ast.Constant(value=str())
        ):
            return name in ROW_NAMES
        case _:
            return False


def _is_sql(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(SQL.match(node.value))


def _distribution(name: str, lines: Mapping[str, int], aims: Sequence[int]) -> tuple[object, ...]:
    values = list(lines.values())
    p90 = quantiles(values, n=10, method="inclusive")[-1] if len(values) > 1 else values[0]
    longest = max(lines, key=lambda place: lines[place])
    return (
        name,
        len(values),
        f"{median(values):.0f}",
        f"{p90:.0f}",
        max(values),
        " / ".join(map(str, aims)),
        longest,
    )


def _print(console: Console, title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    table = Table(*columns, title=title, title_justify="left")
    for row in rows:
        table.add_row(*map(str, row))
    console.print(table)


if __name__ == "__main__":
    main()
