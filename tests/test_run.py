"""Flags of `run.py`."""

import subprocess
import sys
from pathlib import Path

import pytest

import run
from tools.harness.backends import ROOT


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("", {"command": "serve", "role": "all", "port": None, "config": Path("config.toml")}),
        ("--role=api", {"command": "serve", "role": "api"}),
        ("serve --role worker", {"command": "serve", "role": "worker"}),
        ("--role=api serve --port=1", {"command": "serve", "role": "api", "port": "1"}),
        ("--config=a.toml migrate", {"command": "migrate", "config": Path("a.toml")}),
        ("migrate --config=a.toml", {"command": "migrate", "config": Path("a.toml")}),
        ("queues", {"command": "queues", "action": "show", "once": False}),
        ("queues --once", {"command": "queues", "action": "show", "once": True}),
        ("queues failed feed", {"action": "failed", "queue": "feed"}),
        ("queues retry feed 1 2", {"action": "retry", "ids": ["1", "2"], "everything": False}),
        ("queues discard feed --all", {"action": "discard", "ids": [], "everything": True}),
        ("queues --config=a.toml pause feed", {"action": "pause", "config": Path("a.toml")}),
        ("queues resume feed --config=a.toml", {"action": "resume", "config": Path("a.toml")}),
        ("role ana admin", {"command": "role", "username": "ana", "granted": "admin"}),
    ],
)
def test_flags_are_accepted_before_and_after_a_command(line: str, wanted: dict[str, object]) -> None:
    parsed = vars(run.parse(line.split()))
    assert {name: parsed[name] for name in wanted} == wanted


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("quues", "invalid choice: 'quues'"),
        ("--rolle=api", "unrecognized arguments"),
        ("--role=boss", "invalid choice: 'boss'"),
        ("role ana emperor", "invalid choice: 'emperor'"),
        ("queues empty feed", "invalid choice: 'empty'"),
        ("queues pause", "required: queue"),
    ],
)
def test_invalid_flags_print_one_line(line: str, sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        run.parse(line.split())
    assert left.value.code == 2
    assert sentence in capsys.readouterr().err


def test_help_fits_a_terminal_and_names_every_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    with pytest.raises(SystemExit):
        run.parse(["--help"])
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 120
    for command in ("serve", "migrate", "queues", "role"):
        assert f"\n    {command} " in text or f"\n  {command} " in text


def test_help_names_existing_queues_and_roles() -> None:
    from server.services.jobs.event_jobs import Queue
    from server.services.records import Role

    assert list(Queue) == list(run.QUEUES)
    assert list(Role) == list(run.ROLES)


def test_missing_dependencies_print_the_fix() -> None:
    done = subprocess.run(
        [sys.executable, "-S", "run.py", "queues"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "run `make setup`" in done.stderr
    assert "Traceback" not in done.stderr
