"""tools.run_suite: what is repeated, and what fails."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """A project with its own tests and a copy of the tool."""
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "run_suite.py").write_bytes((ROOT / "tools" / "run_suite.py").read_bytes())
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    return tmp_path


def run(suite: Path) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
    return subprocess.run(
        [sys.executable, "-m", "tools.run_suite", "-q", "-n0", "--dist=no"],
        cwd=suite,
        env=environment,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


def test_passing_suite_runs_once(suite: Path) -> None:
    (suite / "test_one.py").write_text("def test_it():\n    open('runs', 'a').write('x')\n")
    assert run(suite).returncode == 0
    assert (suite / "runs").read_text() == "x"


def test_failure_that_does_not_return_is_a_warning(suite: Path) -> None:
    (suite / "test_one.py").write_text(
        "def test_once():\n    open('runs', 'a').write('x')\n    assert open('runs').read() != 'x'\n"
        "def test_good():\n    open('good', 'a').write('x')\n"
    )
    outcome = run(suite)
    assert outcome.returncode == 0
    assert "::warning::test_one.py::test_once failed beside other tests and passed alone." in outcome.stdout
    assert (suite / "good").read_text() == "x"


def test_failure_that_returns_fails(suite: Path) -> None:
    (suite / "test_one.py").write_text("def test_it():\n    open('runs', 'a').write('x')\n    assert False\n")
    outcome = run(suite)
    assert outcome.returncode == 1
    assert "::warning::" not in outcome.stdout
    assert (suite / "runs").read_text() == "xx"


def test_many_failures_are_not_repeated(suite: Path) -> None:
    (suite / "test_one.py").write_text(
        "import pytest\n@pytest.mark.parametrize('n', range(6))\ndef test_it(n):\n"
        "    open('runs', 'a').write('x')\n    assert False\n"
    )
    assert run(suite).returncode == 1
    assert (suite / "runs").read_text() == "x" * 6


def test_failure_to_collect_fails(suite: Path) -> None:
    (suite / "test_one.py").write_text("import nothing_of_this_name\n")
    assert run(suite).returncode != 0
