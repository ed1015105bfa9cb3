"""Fixtures of the end-to-end tests, and a `report` that prints the measured figures."""

from collections.abc import Callable

import pytest
from _pytest.capture import CaptureManager

from tests.e2e.conftest import new_program, register, session

__all__ = ["new_program", "register", "report", "session"]

Report = Callable[[str], None]


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Report:
    """Return a function that prints a line at once, past pytest's capturing."""
    capture = request.config.pluginmanager.get_plugin("capturemanager")
    assert isinstance(capture, CaptureManager)

    def show(line: str) -> None:
        with capture.global_and_fixture_disabled():
            print(f"\n{line}", flush=True)  # noqa: T201 - figures are for people

    return show
