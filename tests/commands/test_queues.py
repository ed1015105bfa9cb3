"""The output of `python run.py queues`, on both stacks."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from server.commands import queues
from server.errors import AppError, ConfigurationError, InvalidInput, NotFound
from server.models.database import Database
from server.models.jobs.jobs import JobState, JobTable
from server.settings import Settings
from tools.harness.backends import ROOT, Stack

LIVE_DEADLINE_S = 20.0
HISTORY = '[{"attempt": 1, "atMs": 1790000000123, "error": "ValueError: it cannot be done"}]'


@pytest.fixture
def settings(migrated_stack: Stack) -> Settings:
    return migrated_stack.settings()


@asynccontextmanager
async def opened(stack: Stack) -> AsyncIterator[Database]:
    database = Database(stack.database_parameters())
    await database.open()
    yield database
    await database.close()


async def add_failed_jobs(stack: Stack, *ids: int) -> None:
    async with opened(stack):
        for job_id in ids:
            await JobTable.create(
                id=job_id, queue="feed", kind="feed.withdraw", payload='{"follower_id":1}', state=JobState.DEAD,
                run_at_ms=1, attempts=3, history=HISTORY, created_at_ms=1_790_000_000_000,
                finished_at_ms=1_790_000_000_123,
            )  # fmt: skip


async def states(stack: Stack) -> dict[int, str]:
    async with opened(stack) as database:
        return {row["id"]: row["state"] for row in await database.rows("SELECT id, state FROM jobs")}


def table(printed: str) -> dict[str, dict[str, str]]:
    """Parse the printed table: by queue, then by title."""
    titles, *lines = (line.split() for line in printed.strip().splitlines())
    return {line[0]: dict(zip(titles, line, strict=True)) for line in lines}


async def test_narrow_terminal_shows_fewer_columns_untruncated(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(queues, "PIPE_WIDTH", 80)
    assert await queues.show(settings, once=True) == 0
    printed = capsys.readouterr().out
    assert "…" not in printed
    assert list(table(printed)["notifications"]) == ["QUEUE", "STATE", *queues.FIGURES]


async def test_table_shows_every_queue(
    settings: Settings, migrated_stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    await add_failed_jobs(migrated_stack, 7)
    with migrated_stack.redis.client() as redis:
        redis.xadd("queue:notifications:rejected", {"reason": "undecodable"})
    assert await queues.pause(settings, "maintenance") == 0
    capsys.readouterr()
    assert await queues.show(settings, once=True) == 0
    shown = table(capsys.readouterr().out)
    queues_shown = [
        "posts",
        "feed",
        "notifications",
        "push",
        "email",
        "media",
        "renditions",
        "search",
        "exports",
        "maintenance",
    ]
    assert list(shown) == queues_shown
    assert (shown["feed"]["FAILED"], shown["feed"]["LIMIT/S"], shown["feed"]["STATE"]) == (
        "1",
        "100",
        "running",
    )
    assert shown["notifications"]["REJECTED"] == "1"
    assert (shown["maintenance"]["STATE"], shown["maintenance"]["LIMIT/S"]) == ("paused", "none")


async def test_piped_output_has_no_control_characters(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    await queues.show(settings, once=False)
    assert "\x1b" not in capsys.readouterr().out


async def test_failed_jobs_are_listed_with_their_error(
    settings: Settings, migrated_stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await queues.failed(settings, "feed") == 0
    assert capsys.readouterr().out == "feed has no failed jobs.\n"
    await add_failed_jobs(migrated_stack, *range(1, 61))
    assert await queues.failed(settings, "feed") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 * 60
    assert lines[:3] == [
        "60  feed.withdraw  failed 2026-09-21T14:13:20.123Z after 3 attempts",
        "    ValueError: it cannot be done",
        '    {"follower_id":1}',
    ]


async def test_retry_and_discard_report_what_changed(
    settings: Settings, migrated_stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    await add_failed_jobs(migrated_stack, 1, 2, 3)
    assert await queues.retry(settings, "feed", ["1", "9"], everything=False) == 0
    assert await queues.discard(settings, "feed", [], everything=True) == 0
    assert await states(migrated_stack) == {1: "ready"}
    assert await queues.discard(settings, "feed", ["1"], everything=False) == 1
    assert capsys.readouterr().out.splitlines() == [
        "1 job will be retried.",
        "1 id was not found among the failed jobs of feed.",
        "2 jobs deleted.",
        "Nothing to discard: feed has no such failed jobs.",
    ]


@pytest.mark.parametrize(
    ("queue", "ids", "everything", "kind", "sentence"),
    [
        (
            "fed",
            ["1"],
            False,
            NotFound,
            "The queues are: posts, feed, notifications, push, email, media, renditions, search, exports, maintenance",
        ),
        ("feed", [], False, InvalidInput, "or --all"),
        ("feed", ["1"], True, InvalidInput, "or --all"),
        ("feed", ["1", "x'y"], False, InvalidInput, "expected a number"),
        ("feed", ["99999999999999999999"], False, InvalidInput, "expected a number"),
    ],
)
@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
async def test_invalid_arguments_raise_a_plain_error(
    settings: Settings, queue: str, ids: Sequence[str], everything: bool, kind: type[AppError], sentence: str
) -> None:
    for command in (queues.retry, queues.discard):
        with pytest.raises(kind) as raised:
            await command(settings, queue, ids, everything=everything)
        assert sentence in raised.value.detail


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
async def test_missing_database_raises_a_plain_error(stack: Stack) -> None:
    with pytest.raises(ConfigurationError, match="start the server first"):
        await queues.show(stack.settings(), once=True)
    assert not stack.sqlite_file.exists()


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
def test_table_refreshes_until_ctrl_c(migrated_stack: Stack) -> None:
    terminal, theirs = os.openpty()
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "run.py"), "queues", f"--config={ROOT / 'config.toml'}"],
        cwd=migrated_stack.var_dir,
        env={"PATH": os.environ["PATH"], "TERM": "xterm", "COLUMNS": "140", **migrated_stack.environ},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        _read_until(terminal, b"Press Ctrl-C", times=2)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=LIVE_DEADLINE_S)
    finally:
        process.kill()
        os.close(terminal)
    assert (process.returncode, errors) == (0, b"")


def _read_until(terminal: int, text: bytes, times: int) -> None:
    seen, deadline = b"", time.monotonic() + LIVE_DEADLINE_S
    while seen.count(text) < times:
        ready, _, _ = select.select([terminal], [], [], 0.1)
        if ready:
            seen += os.read(terminal, 65536)
        assert time.monotonic() < deadline, seen
