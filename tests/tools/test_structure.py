"""The structure report, on a small tree."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from tools.structure import (
    collisions,
    folder_sizes,
    function_lengths,
    load,
    package_mismatches,
    report,
    row_accesses,
    sql_statements,
)

LIKES = """
from typing import TypeVar

log = print
T = TypeVar("T")
LIMIT: int = 20


class Likes:
    async def count(self, row: dict[str, int], rows: list[dict[str, int]]) -> int:
        query = "SELECT id FROM likes"
        payload = {"id": len(query)}
        return row["n"] + rows[0]["n"] + payload["id"]
"""
FEED = "log = print\nT = object\nLIMIT = 5\n_PRIVATE = 1\n"
REPOSITORY = "_PRIVATE = 2\n\n\ndef count(row: dict[str, int]) -> int:\n    return row['n']\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in {
        "server/__init__.py": "",
        "server/services/content/__init__.py": "",
        "server/services/content/likes.py": LIKES,
        "server/services/feed/__init__.py": "",
        "server/services/feed/pages.py": FEED,
        "server/models/engines/__init__.py": "",
        "server/models/media/__init__.py": "",
        "server/models/media/files.py": REPOSITORY,
        "tests/test_likes.py": "# nobody\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_collisions_are_public_names_of_several_modules(project: Path) -> None:
    places = [Path("server/services/content/likes.py"), Path("server/services/feed/pages.py")]
    assert collisions(load(project, "server")) == {"LIMIT": places}


def test_rows_and_sql_count_above_models_only(project: Path) -> None:
    server = load(project, "server")
    assert row_accesses(server) == {Path("server/services/content/likes.py"): 2}
    assert sql_statements(server) == {Path("server/services/content/likes.py"): 1}


def test_function_length_counts_from_def_to_last_line(project: Path) -> None:
    lengths = function_lengths(load(project, "server"))
    assert lengths["server/services/content/likes.py:10 count"] == 4


def test_folder_size_leaves_out_init_and_sub_packages(project: Path) -> None:
    sizes = folder_sizes(project)
    assert sizes[Path("server/services/content")] == 1
    assert Path("server/services") not in sizes


def test_packages_of_models_match_services(project: Path) -> None:
    statements = sql_statements(load(project, "server"))
    assert package_mismatches(project, statements) == [
        "services/content/ holds SQL, but models/content/ is missing",
        "models/media/ has no services/media/",
    ]


def test_report_returns_what_check_fails_on(project: Path) -> None:
    output = io.StringIO()
    failures = report(project, Console(file=output, width=120))
    assert failures == [
        "server/services/content/likes.py: 2 row subscripts above models/",
        "rejected words: 1; run `make prose`",
    ]
    assert "Public names defined in several modules: 1" in output.getvalue()
