"""Fixtures of the tests with Chromium: the running program, and a page. Without Chromium they are skipped."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.conftest import new_program, program, register, session
from tests.support.chromium import EXECUTABLE, Page, open_page
from tests.support.npm import fail_or_skip

__all__ = ["new_program", "program", "register", "session"]


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Page]:
    if EXECUTABLE is None:
        fail_or_skip("install Chromium to see which images a browser loads")
    async with open_page(tmp_path / "profile") as page:
        yield page
